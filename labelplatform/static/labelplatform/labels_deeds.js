// All that can be done to the answers of an item, whichever hand does it: rate, place, tie, flag, compare, read.
import { Compare } from "./labels_compare.js";

export class Deeds {
  get stage() { return this.work.now.stage; }
  get placed() { return Boolean(this.order.places[this.focused]); }

  // Makes a change by its name, then shows, says, notes and keeps it.
  act(deed, letter, change, told) {
    const { work, order } = this;
    const value = () => (deed === "mark" ? work.now.marks[letter]?.length : (deed === "rate" ? work.now.ratings : order.places)[letter]) ?? null;
    const from = value();
    if (!change()) return false;
    this.log.move(deed, letter, this.source, from, value(), this.order.complete);
    this.show();
    this.save();
    this.view.say(this.view.fill(told ?? (this.order.tiedWith(letter).length ? this.words.movedTied : this.words.moved), letter));
    this.next.look();
    return true;
  }

  // A letter: look at that answer while rating, place it next while ranking.
  answer(letter) {
    this.source = "key";
    this.focus(letter);
    if (this.stage === "rank") this.placeNext(letter);
  }
  placeNext(letter) {
    if (this.order.places[letter]) this.view.say(this.view.fill(this.words.already, letter));
    else this.act("place", letter, () => this.order.next(letter));
  }

  rate(value, letter = this.focused) {
    const before = this.work.now.ratings[letter];
    if (!this.act("rate", letter, () => this.work.rate(letter, value), this.words.ratedAloud) && before !== value) return;
    const { unrated } = this.work, following = unrated.find((other) => other > letter) || unrated[0];
    if (following) this.focus(following);
    else this.view.say(`${this.view.fill(this.words.ratedAloud, letter)} ${this.words.allRated}`);
  }
  clearRating() { this.act("rate", this.focused, () => this.work.clearRating(this.focused), this.words.ratingCleared); }

  move(change, told) { const letter = this.focused; this.act("place", letter, () => change(letter), told); }
  put(place) { this.move((letter) => this.order.put(letter, place)); }
  up() { this.move((letter) => this.order.up(letter)); }
  down() { this.move((letter) => this.order.down(letter)); }
  tie() { this.move((letter) => this.order.tie(letter)); }
  split() { this.move((letter) => this.order.split(letter)); }
  takeBack() { const letter = this.order.lastPlaced; if (letter) this.act("place", letter, () => this.order.takeBack(letter), this.words.takenBack); }
  lift() { this.view.say(this.view.fill(this.words.lifted, this.focused)); return { steps: this.work.past.length }; }
  drop(lifted) {
    while (lifted && this.work.past.length > lifted.steps) this.work.undo();
    this.show();
    this.save();
    this.view.say(this.view.fill(this.order.tiedWith(this.focused).length ? this.words.movedTied : this.words.moved, this.focused));
  }

  clear(value) { const gap = this.order.complete && this.order.gapAbove(this.focused); if (gap) this.setMargin(gap, value); }
  setMargin(gap, value) {
    const [above, below] = gap.split(">").map((tier) => tier.split("").join(", ")), said = [this.words.gapUntold, this.words.gapSlight, this.words.gapClear, this.words.gapLarge][value];
    this.act("margin", "", () => this.order.setMargin(gap, value), this.words.gap.replace("%above", above).replace("%below", below).replace("%said", said));
  }

  undo() { this.act("undo", "", () => this.work.undo(), this.words.undone); }
  redo() { this.act("redo", "", () => this.work.redo(), this.words.redone); }
  none() { this.act("unacceptable", "", () => this.work.change({ unacceptable: !this.work.now.unacceptable }), this.work.now.unacceptable ? this.words.acceptable : this.words.unacceptable); }

  mark() { this.marking.open(this.focused); }
  write() { this.better.open(); }

  flagsOf(letter) { return this.view.cards[letter].querySelector("[data-flags]"); }
  openFlags() { this.flagsOf(this.focused).open = true; this.view.say(this.words.whichFlag); }
  closeFlags() { this.flagsOf(this.focused).open = false; }
  toggleFlag(number) {
    const box = this.flagsOf(this.focused).querySelectorAll('input[type="checkbox"]')[number];
    if (box) this.setFlag(this.focused, box.value, box.closest("label").textContent.trim());
  }
  setFlag(letter, name, title) {
    const has = (this.work.now.flags[letter] || []).includes(name);
    this.act("flag", letter, () => this.work.toggleFlag(letter, name), (has ? this.words.flagOff : this.words.flagOn).replace("%flag", title));
  }

  raw() { this.layoutOf.showRaw(!this.layoutOf.raw); this.save(); this.view.say(this.layoutOf.raw ? this.words.rawOn : this.words.rawOff); }
  layout() {
    const view = this.layoutOf.following();
    if (view === "compare") { this.compare(); this.layoutOf.view = this.layoutOf.views[0]; return; }
    this.layoutOf.show(view);
    this.save();
    this.view.say(view === "grid" ? this.words.grid : this.words.stack);
  }
  expand() { if (this.reading.expand(this.focused)) this.save(); }
  enough() { if (this.reading.long && this.reading.mark(this.focused, "enough")) { this.save(); this.view.say(this.words.readEnough); } }

  startComparing(dialog) {
    this.comparing = new Compare(dialog, this.view.cards, {
      decided: (...told) => this.decided(...told), meant: (key) => this.keys.own.meant(key),
      closed: () => { this.layoutOf.show(this.layoutOf.view); this.settle(); },
    });
  }
  compare() {
    const { sequence } = this.order, here = sequence.indexOf(this.focused), index = this.letters.indexOf(this.focused);
    const pair = here > 0 ? [sequence[here - 1], this.focused] : here === 0 && sequence.length > 1 ? sequence.slice(0, 2) : [this.letters[Math.max(1, index) - 1], this.letters[Math.max(1, index)]];
    this.layoutOf.log.view("compare");
    this.comparing.open(...pair);
  }
  // On to the neighbours that nobody has decided yet: first those without a place, then along the order.
  decided(left, right, verdict) {
    this.source = "compare";
    const { order } = this;
    this.focused = right;
    this.act("place", right, () => (verdict === "tie" ? order.equal(left, right) : order.prefer(...(verdict === "left" ? [left, right] : [right, left]))));
    this.show();
    const waiting = this.letters.slice(this.letters.indexOf(right) + 1).find((letter) => !order.places[letter]);
    if (waiting) return [right, waiting];
    if (order.unplaced.length) return null;
    const { sequence } = order, pairs = sequence.slice(1).map((letter, n) => [sequence[n], letter]);
    const from = Math.max(0, sequence.indexOf(right) - 1);
    return [...pairs.slice(from), ...pairs.slice(0, from)].find(([one, other]) => !this.comparing.was(one, other)) || null;
  }

  picked(letter) {
    if (this.stage === "rate") { if (this.phone) this.pane = "answers"; this.focus(letter); }
    // Tapped in order of preference, the rail stays where it is.
    else if (this.order.places[letter]) this.focus(letter, { move: !this.phone });
    else { this.focus(letter, { move: false }); this.placeNext(letter); }
  }
  dropped(letter, where) {
    this.focused = letter;
    if (this.stage === "rate") {
      if (where === "0") this.clearRating();
      else this.act("rate", letter, () => this.work.rate(letter, Number(where)), this.words.ratedAloud);
    } else if (where === "0") this.move((one) => this.order.takeBack(one), this.words.takenBack);
    else if (where.startsWith("above:")) this.move((one) => this.order.insert(one, Number(where.slice(6))));
    else this.put(Number(where));
  }
}
