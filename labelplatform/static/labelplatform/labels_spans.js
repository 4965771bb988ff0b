// The page for spans: what is selected in the answer becomes a span of a kind, what is selected in the source its source.
import { Guidelines } from "./labels_guidelines.js";
import { Keys } from "./labels_keys.js";
import { Lease } from "./labels_lease.js";
import { Log } from "./labels_log.js";
import { KINDS, Marks, MOST, span } from "./labels_marks.js";
import { Next } from "./labels_next.js";
import { Pane } from "./labels_pane.js";
import { keeperOf } from "./labels_rehearsal.js";
import { handIn, lettingGo } from "./labels_sending.js";
import { SpanView } from "./labels_span_view.js";
import { RawText } from "./labels_text.js";

// Digits are kinds, the brackets the two ends; everything else is a command.
class SpanKeys extends Keys {
  meaning(event) {
    const { page } = this, modified = event.ctrlKey || event.metaKey, key = modified ? event.key : this.own.meant(event.key);
    if (key === null) return null;
    if (modified && key.toLowerCase() === "z") return event.shiftKey ? page.redo : page.undo;
    if (modified && key === "Enter") return page.submit;
    if (key === "Escape") return page.clear;
    if (modified || event.altKey || (!this.single.checked && key.length === 1)) return null;
    if (/^[1-4]$/.test(key)) return () => { page.mark(KINDS[key - 1]); };
    return {
      "[": page.setStart, "]": page.setEnd, m: page.askKind, e: page.ends, l: page.link, 0: page.unlink, Backspace: page.remove, Delete: page.remove,
      j: () => page.step(1), k: () => page.step(-1), a: () => page.go("answer"), s: () => page.go("source"), S: page.skip, n: page.nothing, u: page.undo, U: page.redo, g: page.guidelines, "?": page.help,
    }[key];
  }
}

class Page {
  constructor(form) {
    const stop = new AbortController(), { signal } = stop;
    Object.assign(this, { form, stop, signal, marks: new Marks(), current: -1, start: null, sending: false });
    for (const name of ["submit", "undo", "redo", "clear", "setStart", "setEnd", "askKind", "ends", "link", "unlink", "remove", "nothing", "guidelines", "skip", "help"]) this[name] = this[name].bind(this);
    this.view = new SpanView(form);
    this.words = this.view.words;
    const tell = (...told) => this.view.tell(...told), Kept = keeperOf(form), say = (text) => this.view.say(text);
    Object.assign(this, { tell, say, log: new Log(["A"], signal), keeping: new Kept(form, this.words, tell, signal) });
    this.next = new Next(form, this.keeping, signal);
    this.lease = new Lease(form, { words: this.words, keeping: this.keeping, tell, say, signal });
    const texts = JSON.parse(form.querySelector('script[type="application/json"]').textContent), changed = (pane) => this.selected(pane);
    this.panes = Object.fromEntries(["answer", "source"].map((name) => {
      const element = form.querySelector(`[data-pane="${name}"]`), clicked = (point) => this.clickedAt(name, point);
      return [name, new Pane(element, new RawText(texts[name], element.lang), { changed, clicked, say, words: this.words, signal })];
    }));
    this.lastPane = this.panes.answer;
  }

  async open() {
    const draft = await this.keeping.draft();
    this.marks.restore(draft);
    this.log.restore(draft.log);
    this.current = Number.isInteger(draft.current) ? draft.current : -1;
    this.keys = new SpanKeys(this, document.querySelector("[data-keys]"), this.signal);
    this.listen();
    this.show();
    this.form.dataset.ready = "";
  }

  listen() {
    const { form, signal } = this;
    form.addEventListener("click", (event) => this.clicked(event));
    form.addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    // A press on a button must not take away what is selected for it.
    for (const part of form.querySelectorAll("[data-bar], [data-list]")) part.addEventListener("mousedown", (event) => { if (event.target.closest("button")) event.preventDefault(); });
    for (const pane of Object.values(this.panes)) pane.element.addEventListener("focus", () => { this.lastPane = pane; });
    new Guidelines(document.querySelector("[data-guidelines]"), signal, (key) => this.keys.own.meant(key));
    lettingGo(this);
  }

  get span() { return this.marks.spans[this.current]; }

  show() {
    if (!this.span) this.current = -1;
    const told = this.marks.spans.map((one, at) => ({ ...one, number: at + 1, current: at === this.current }));
    this.panes.answer.paint(told);
    this.panes.source.paint(told.filter((one) => one.source_start !== undefined).map((one) => ({ ...one, start: one.source_start, end: one.source_end })));
    this.view.list(told, this.panes);
    this.showBar();
  }
  showBar() { this.view.bar(this); }
  save() { this.keeping.save({ ...this.marks.kept, current: this.current, seconds: this.log.seconds, log: this.log.kept }); }

  // Everything that changes a mark comes through here.
  act(done, said) {
    if (!done) return false;
    this.show();
    this.save();
    this.next.look();
    this.say(said);
    return true;
  }
  refuse(text) { this.view.tell("saved", text, true); this.say(text); }

  selected(pane) {
    this.lastPane = pane;
    // A source that was selected after the answer goes with it; one from before was for something else.
    if (pane === this.panes.answer && this.panes.answer.chosen) this.panes.source.clear();
    this.showBar();
  }
  clickedAt(name, point) {
    const inside = this.marks.spans.map((one, at) => ({ at, from: name === "answer" ? one.start : one.source_start, to: name === "answer" ? one.end : one.source_end }))
      .filter(({ from, to }) => from <= point && point <= to).sort((one, other) => one.to - one.from - (other.to - other.from));
    if (inside.length) this.point(inside[0].at, { look: false });
  }

  mark(kind) {
    const { answer, source } = this.panes, chosen = answer.chosen && answer.text.trimmed(answer.chosen);
    if (!chosen && this.span) { this.act(this.marks.replace(this.current, { kind }), this.view.describe(this.current, { ...this.span, kind })); return; }
    if (!chosen) { this.refuse(this.words.selectFirst); return; }
    const made = span(chosen, kind, source.chosen && source.text.trimmed(source.chosen)), known = this.marks.find(made) >= 0, at = this.marks.add(made);
    if (at < 0) { this.refuse(this.words.tooMany.replace("%most", MOST)); return; }
    this.current = at;
    this.start = null;
    for (const pane of [answer, source]) pane.clear();
    if (known) this.point(at);
    else this.act(true, this.view.describe(at, made));
  }
  askKind() { this.say(this.words.whichKind); }

  // The brackets: the first end stays where it was put, whatever the caret does then.
  setStart() { const pane = this.lastPane; this.start = { pane, at: pane.focus }; this.say(this.words.startSet); }
  setEnd() {
    const pane = this.lastPane;
    if (this.start?.pane !== pane || this.start.at === pane.focus) { this.refuse(this.words.startFirst); return; }
    pane.choose(this.start.at, pane.focus);
    pane.tell();
  }

  onCurrent(deed) {
    if (!this.span) { this.refuse(this.words.noSpan); return; }
    deed();
  }
  ends() {
    const { answer } = this.panes, chosen = answer.chosen && answer.text.trimmed(answer.chosen);
    this.onCurrent(() => {
      if (!chosen) { this.go("answer"); answer.choose(this.span.start, this.span.end); this.say(this.words.newEnds); return; }
      answer.clear();
      this.act(this.marks.replace(this.current, { start: chosen[0], end: chosen[1] }), this.words.endsSet);
    });
  }
  link() {
    const { source } = this.panes, chosen = source.chosen && source.text.trimmed(source.chosen);
    this.onCurrent(() => {
      if (!chosen) { this.go("source"); this.refuse(this.words.selectSource); return; }
      source.clear();
      this.act(this.marks.replace(this.current, { source_start: chosen[0], source_end: chosen[1] }), this.words.linked.replace("%n", this.current + 1));
    });
  }
  unlink() { this.onCurrent(() => this.act(this.marks.replace(this.current, { kind: "not-in-source", source_start: undefined, source_end: undefined }), this.words.noSupport)); }
  remove() {
    this.onCurrent(() => {
      const at = this.current;
      this.current = Math.min(at, this.marks.spans.length - 2);
      this.act(this.marks.remove(at), this.words.removed.replace("%n", at + 1));
    });
  }
  nothing() {
    const nothing = !this.marks.now.nothing;
    if (!this.act(this.marks.sayNothing(nothing), nothing ? this.words.nothing : this.words.nothingBack)) this.refuse(this.words.thereAre);
  }

  // To a span: seen in both texts, named aloud.
  point(at, { look = true } = {}) {
    this.current = at;
    this.show();
    if (look) for (const pane of Object.values(this.panes)) pane.element.querySelector("[data-current]")?.scrollIntoView({ block: "nearest" });
    this.say(this.view.describe(at, this.span));
  }
  step(by) { const { length } = this.marks.spans; if (length) this.point((Math.max(this.current, by < 0 ? 0 : -1) + by + length) % length); }
  go(name) {
    if (name === "source") this.form.querySelector("[data-source]").open = true;
    this.panes[name].element.focus({ preventScroll: false });
  }
  clear() { for (const pane of Object.values(this.panes)) pane.clear(); this.start = null; this.current = -1; this.show(); }
  undo() { this.act(this.marks.undo(), this.words.undone); }
  redo() { this.act(this.marks.redo(), this.words.redone); }
  guidelines() { document.querySelector("[data-guidelines]").click(); }
  skip() { document.querySelector("[data-skip]").click(); }
  help() { document.querySelector("[data-keys]").showModal(); }

  clicked(event) {
    const entry = event.target.closest("[data-at]"), button = event.target.closest("button[data-kind], button[data-do]");
    if (entry && Number(entry.dataset.at) !== this.current) this.point(Number(entry.dataset.at));
    if (!button) return;
    if (button.dataset.kind) this.mark(button.dataset.kind);
    else if (button.dataset.do === "renew") this.lease.signOfLife({ asked: true });
    else if (button.dataset.do !== "show") this[button.dataset.do]();
  }

  async submit() {
    if (this.sending) return;
    if (!this.marks.ready) { this.refuse(this.words.missing); return; }
    const fields = { spans: JSON.stringify(this.marks.spans), nothing: this.marks.now.nothing ? "1" : "" };
    await handIn(this, { fields, restart: start });
  }
  problem(text) { this.refuse(text); }
}

function start() {
  const form = document.querySelector("[data-spans]");
  if (form) new Page(form).open();
}
start();
