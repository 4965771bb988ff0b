// A text as it is written, and every step that led there: what was taken out where, and what was put in. Pure: no page.
const PAUSE = 700, REMEMBERED = 100, LONGEST = 12_000;

export class Written {
  constructor(text = "") { Object.assign(this, { text, from: text, at: 0, past: [], future: [] }); }

  restore({ response, history, future }) {
    if (typeof response === "string") this.text = this.from = response;
    const steps = (told) => (Array.isArray(told) ? told.filter((step) => Array.isArray(step) && step.length === 3) : []);
    [this.past, this.future] = [steps(history), steps(future)];
  }
  get steps() { return this.from === this.text ? this.past : slim([...this.past, difference(this.from, this.text)]); }
  get kept() { return { response: this.text, history: this.steps, future: this.future }; }

  // Writing without a pause is one step.
  write(text, now) {
    if (text === this.text) return false;
    if (now - this.at > PAUSE) this.close();
    Object.assign(this, { text, at: now, future: [] });
    return true;
  }
  close() {
    this.past = this.steps;
    this.from = this.text;
  }

  undo() {
    this.close();
    return this.travel(this.past, this.future);
  }
  redo() { return this.travel(this.future, this.past); }
  // Returns where the change ends, which is where one goes on writing; null where there is no step.
  travel(from, to) {
    const step = from.pop();
    if (!step) return null;
    const [start, out, put] = step;
    this.text = this.from = this.text.slice(0, start) + out + this.text.slice(start + put.length);
    to.push([start, put, out]);
    return start + out.length;
  }
}

function difference(before, after) {
  let start = 0, end = 0;
  const most = Math.min(before.length, after.length);
  while (start < most && before[start] === after[start]) start += 1;
  while (end < most - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return [start, before.slice(start, before.length - end), after.slice(start, after.length - end)];
}

// A draft has its limit; the oldest steps are what is missed least.
function slim(steps) {
  let kept = steps.slice(-REMEMBERED);
  while (kept.length > 1 && kept.reduce((size, [, out, put]) => size + out.length + put.length, 0) > LONGEST) kept = kept.slice(1);
  return kept;
}
