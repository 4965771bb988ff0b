// What has been marked in an answer so far, and every step that led there. Pure: no page.
import { Work } from "./labels_work.js";

export const KINDS = ["contradicts", "not-in-source", "wrong-attribution", "other"], MOST = 200;

export class Marks extends Work {
  constructor() {
    super([]);
    this.now = { spans: [], nothing: false };
  }

  restore(draft) {
    super.restore({ history: draft.history, future: draft.future });
    this.now = { spans: Array.isArray(draft.spans) ? draft.spans : [], nothing: Boolean(draft.nothing) };
  }

  get spans() { return this.now.spans; }
  get ready() { return this.spans.length > 0 || this.now.nothing; }

  // The same span twice says nothing more; the one that is there is pointed at.
  find(span) { return this.spans.findIndex((other) => same(span, other)); }
  add(span) {
    const { length } = this.spans;
    if (this.find(span) < 0 && length < MOST) this.change({ spans: [...this.spans, span], nothing: false });
    return this.find(span);
  }
  replace(at, patch) {
    const changed = tidy({ ...this.spans[at], ...patch }), twin = this.find(changed);
    if (twin >= 0) return twin === at;
    return this.change({ spans: this.spans.map((span, n) => (n === at ? changed : span)) });
  }
  remove(at) { return this.change({ spans: this.spans.filter((_span, n) => n !== at) }); }
  sayNothing(nothing) { return !this.spans.length && this.change({ nothing }); }
}

export function span([start, end], kind, source = null) {
  return tidy({ start, end, kind, source_start: source?.[0], source_end: source?.[1] });
}
function tidy({ start, end, kind, source_start: from, source_end: to }) {
  return from === undefined ? { start, end, kind } : { start, end, kind, source_start: from, source_end: to };
}
function same(one, other) { return JSON.stringify(tidy(one)) === JSON.stringify(tidy(other)); }
