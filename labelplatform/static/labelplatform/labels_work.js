// What has been said about an item so far, and every step that led there, so that each can be undone. Pure: no page.
const REMEMBERED = 60;
const SAID = ["places", "ratings", "flags", "margins", "marks", "better", "unacceptable", "stage", "proposed"];

function same(one, other) { return sorted(one) === sorted(other); }
function sorted(value) { return JSON.stringify(value && typeof value === "object" && !Array.isArray(value) ? Object.entries(value).sort() : value); }
function pick(from, keys) { return Object.fromEntries(keys.map((key) => [key, from[key]])); }

export class Work {
  constructor(letters, { rateFirst = false } = {}) {
    Object.assign(this, { letters, rateFirst, past: [], future: [] });
    this.now = { places: {}, ratings: {}, flags: {}, margins: {}, marks: {}, better: "", unacceptable: false, stage: rateFirst ? "rate" : "rank", proposed: false };
  }

  restore(draft) {
    for (const key of SAID) if (draft[key] !== undefined) this.now[key] = draft[key];
    if (!this.rateFirst) this.now.stage = "rank";
    const steps = (told) => (Array.isArray(told) ? told.slice(-REMEMBERED) : []);
    [this.past, this.future] = [steps(draft.history), steps(draft.future)];
  }

  // The part of a draft that is ours.
  get kept() { return { ...this.now, history: this.past, future: this.future }; }

  change(patch) {
    const keys = Object.keys(patch).filter((key) => !same(patch[key], this.now[key]));
    if (!keys.length) return false;
    this.past = [...this.past, pick(this.now, keys)].slice(-REMEMBERED);
    this.future = [];
    Object.assign(this.now, pick(patch, keys));
    return true;
  }

  undo() { return this.travel(this.past, this.future); }
  redo() { return this.travel(this.future, this.past); }
  travel(from, to) {
    const step = from.pop();
    if (!step) return false;
    to.push(pick(this.now, Object.keys(step)));
    Object.assign(this.now, step);
    return true;
  }

  get rated() { return this.letters.filter((letter) => this.now.ratings[letter]); }
  get unrated() { return this.letters.filter((letter) => !this.now.ratings[letter]); }
  rate(letter, value) { return this.change({ ratings: { ...this.now.ratings, [letter]: value } }); }
  clearRating(letter) {
    const { [letter]: _gone, ...rest } = this.now.ratings;
    return this.change({ ratings: rest });
  }

  toggleFlag(letter, name) {
    const had = this.now.flags[letter] || [];
    const has = had.includes(name) ? had.filter((other) => other !== name) : [...had, name];
    const { [letter]: _gone, ...rest } = this.now.flags;
    return this.change({ flags: has.length ? { ...rest, [letter]: has } : rest });
  }

  // Spans of one answer; none is no entry.
  mark(letter, spans) {
    const { [letter]: _gone, ...rest } = this.now.marks;
    return this.change({ marks: spans.length ? { ...rest, [letter]: spans } : rest });
  }

  // To the order; with `presort` the ratings propose one, unless somebody has already touched it.
  toRanking(presort) {
    const untouched = this.now.proposed || !Object.keys(this.now.places).length;
    if (!presort || !untouched) return this.change({ stage: "rank" });
    const given = [...new Set(Object.values(this.now.ratings))].sort((a, b) => b - a);
    const places = Object.fromEntries(this.letters.map((letter) => [letter, given.indexOf(this.now.ratings[letter]) + 1]));
    return this.change({ stage: "rank", places, proposed: true });
  }
  toRating() { return this.change({ stage: "rate" }); }
}
