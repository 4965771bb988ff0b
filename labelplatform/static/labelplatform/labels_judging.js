// What has been said about one answer: ratings by name, flags, and every step that led there, so that each can be undone.
// Pure: no page.
const REMEMBERED = 60;

export class Judging {
  constructor(names) { Object.assign(this, { names, past: [], future: [], now: { ratings: {}, flags: [] } }); }

  restore(draft) {
    for (const key of ["ratings", "flags"]) if (draft[key] !== undefined) this.now[key] = draft[key];
    const steps = (told) => (Array.isArray(told) ? told.slice(-REMEMBERED) : []);
    [this.past, this.future] = [steps(draft.history), steps(draft.future)];
  }

  // The part of a draft that is ours.
  get kept() { return { ...this.now, history: this.past, future: this.future }; }
  get missing() { return this.names.filter((name) => !this.now.ratings[name]); }

  change(next) {
    if (JSON.stringify(next) === JSON.stringify(this.now)) return false;
    this.past = [...this.past, this.now].slice(-REMEMBERED);
    this.future = [];
    this.now = next;
    return true;
  }
  undo() { return this.travel(this.past, this.future); }
  redo() { return this.travel(this.future, this.past); }
  travel(from, to) {
    const step = from.pop();
    if (!step) return false;
    to.push(this.now);
    this.now = step;
    return true;
  }

  rate(name, value) { return this.change({ ...this.now, ratings: { ...this.now.ratings, [name]: value } }); }
  clear(name) {
    const { [name]: _gone, ...ratings } = this.now.ratings;
    return this.change({ ...this.now, ratings });
  }
  toggle(flag) {
    const { flags } = this.now;
    return this.change({ ...this.now, flags: flags.includes(flag) ? flags.filter((other) => other !== flag) : [...flags, flag] });
  }
}
