// The order of an item's answers while it is being made: letters in places 1 (best) … K; an empty place means nothing.
// Pure: no page in here. What changes, changes in the Work, which remembers every step.
export class Order {
  constructor(work) {
    this.work = work;
    this.letters = work.letters;
  }

  get places() { return this.work.now.places; }
  at(place) { return this.letters.filter((letter) => this.places[letter] === place); }
  get unplaced() { return this.letters.filter((letter) => !this.places[letter]); }
  get complete() { return this.unplaced.length === 0; }
  get last() { return Math.max(0, ...Object.values(this.places)); }
  tiedWith(letter) { return this.places[letter] ? this.at(this.places[letter]).filter((other) => other !== letter) : []; }
  above(letter) {
    for (let place = (this.places[letter] || this.last + 1) - 1; place >= 1; place -= 1) if (this.at(place).length) return place;
    return 0;
  }

  // Places as they count: without the empty ones between.
  get ranks() {
    const used = [...new Set(Object.values(this.places))].sort((a, b) => a - b);
    return Object.fromEntries(Object.entries(this.places).map(([letter, place]) => [letter, used.indexOf(place) + 1]));
  }

  // Best first, without the empty places between.
  get tiers() { return this.letters.map((_letter, n) => this.at(n + 1)).filter((tier) => tier.length); }
  get sequence() { return this.tiers.flat(); }

  // Whoever moves one answer has looked at the order: it is a proposal no more.
  change(next) {
    const moved = this.letters.some((letter) => next[letter] !== this.places[letter]);
    return moved && this.work.change({ places: next, proposed: false });
  }

  // A gap is named by what stands above and below it: when either changes, nothing is said about the new gap.
  get gaps() { return this.tiers.slice(1).map((below, n) => `${this.tiers[n].join("")}>${below.join("")}`); }
  gapAbove(letter) {
    const n = this.tiers.findIndex((tier) => tier.includes(letter));
    return n > 0 ? this.gaps[n - 1] : null;
  }
  margin(gap) { return this.work.now.margins[gap] || 0; }
  setMargin(gap, value) {
    const { [gap]: _gone, ...rest } = this.work.now.margins;
    return this.work.change({ margins: value ? { ...rest, [gap]: value } : rest });
  }
  get margins() { return this.gaps.map((gap) => this.margin(gap)); }

  put(letter, place) { return place >= 1 && place <= this.letters.length && this.change({ ...this.places, [letter]: place }); }

  next(letter) {
    if (this.places[letter]) return false;
    if (this.last < this.letters.length) return this.put(letter, this.last + 1);
    return this.insert(letter, this.last + 1);
  }

  // A place of its own for the letter, just above what stands in `place` now.
  insert(letter, place) {
    const groups = [];
    for (let n = 1; n <= this.letters.length; n += 1) {
      if (n === place) groups.push([letter]);
      const here = this.at(n).filter((other) => other !== letter);
      if (here.length) groups.push(here);
    }
    if (place > this.letters.length) groups.push([letter]);
    return this.change(Object.fromEntries(groups.flatMap((group, n) => group.map((one) => [one, n + 1]))));
  }

  up(letter) {
    const place = this.places[letter];
    if (!place) return this.next(letter);
    if (place > 1) return this.put(letter, place - 1);
    return this.tiedWith(letter).length > 0 && this.insert(letter, 1);
  }

  down(letter) {
    const place = this.places[letter];
    if (!place) return this.next(letter);
    if (place < this.letters.length) return this.put(letter, place + 1);
    return this.tiedWith(letter).length > 0 && this.insert(letter, this.letters.length + 1);
  }

  tie(letter) { return this.above(letter) > 0 && this.put(letter, this.above(letter)); }
  split(letter) { return this.tiedWith(letter).length > 0 && this.insert(letter, this.places[letter] + 1); }

  takeBack(letter) {
    if (!letter || !this.places[letter]) return false;
    const { [letter]: _gone, ...rest } = this.places;
    return this.change(rest);
  }

  // The letter whose placing is the latest change that still stands.
  get lastPlaced() {
    let after = this.places;
    const lowest = (letters) => letters.sort((a, b) => this.places[b] - this.places[a])[0];
    for (const { places: before } of [...this.work.past].reverse()) {
      if (!before) continue;
      const found = this.letters.filter((letter) => this.places[letter] && after[letter] && !before[letter]);
      if (found.length) return lowest(found);
      after = before;
    }
    return lowest(this.letters.filter((letter) => this.places[letter]));
  }

  // Said in the compare view: `better` stands above `worse`, or both tie.
  prefer(better, worse) {
    const [high, low] = [this.places[better], this.places[worse]];
    if (high && low) return high < low || this.insert(better, low);
    if (low) return this.insert(better, low);
    if (!high) this.next(better);
    return this.insert(worse, this.places[better] + 1);
  }

  equal(one, other) {
    if (!this.places[one] && !this.places[other]) this.next(one);
    return this.places[one] ? this.put(other, this.places[one]) : this.put(one, this.places[other]);
  }
}
