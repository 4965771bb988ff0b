// The ranking page: keys, buttons, chips and the compare view all change one Work; the views show it, keeping saves it.
import { copyButtons } from "./labels_code.js";
import { Compare } from "./labels_compare.js";
import { draggable } from "./labels_drag.js";
import { Keeping } from "./labels_keeping.js";
import { Keys } from "./labels_keys.js";
import { Layout } from "./labels_layout.js";
import { Lease } from "./labels_lease.js";
import { Log } from "./labels_log.js";
import { Next } from "./labels_next.js";
import { Order } from "./labels_order.js";
import { Rail } from "./labels_rail.js";
import { Reading } from "./labels_reading.js";
import { RankView } from "./labels_view.js";
import { Work } from "./labels_work.js";

const PHONE = "(max-width: 640px)";

class Page {
  constructor(form) {
    const stop = new AbortController(), { signal } = stop;
    this.rateFirst = "rateFirst" in form.dataset;
    this.presort = "presort" in form.dataset;
    this.partial = "allowUnranked" in form.dataset;
    this.letters = [...form.querySelectorAll(".answer[data-letter]")].map((card) => card.dataset.letter);
    Object.assign(this, { form, stop, signal, source: "key", sending: false, pane: "answers" });
    this.work = new Work(this.letters, this);
    this.order = new Order(this.work);
    this.view = new RankView(form, this.work, this.order);
    this.words = this.view.words;
    this.rail = new Rail(form, this.work, this.order, this.words);
    this.log = new Log(this.letters, signal);
    const tell = (...told) => this.view.tell(...told), say = (text) => this.view.say(text);
    this.keeping = new Keeping(form, this.words, tell, signal);
    this.next = new Next(form, this.keeping, signal);
    this.lease = new Lease(form, { words: this.words, keeping: this.keeping, tell, say, signal });
    this.bind();
  }

  bind() {
    for (const name of ["undo", "redo", "raw", "layout", "none", "skip", "expand", "enough", "openFlags", "closeFlags", "guidelines", "help", "enter", "clearRating", "up", "down", "tie", "split", "takeBack", "compare", "lift"]) this[name] = this[name].bind(this);
  }

  async open() {
    const draft = await this.keeping.draft();
    this.work.restore(draft);
    this.log.restore(draft.log);
    this.focused = this.letters.includes(draft.focus) ? draft.focus : this.letters[0];
    this.pane = draft.pane === "order" && this.stage === "rank" ? "order" : "answers";
    this.layoutOf = new Layout(this.form, this.view.cards, this.log);
    this.view.takeOver();
    copyButtons(this.form, this.words);
    this.reading = new Reading(this.form, this.view.cards, this.log, this.signal);
    this.reading.restore(draft.read);
    this.layoutOf.restore(draft);
    if (matchMedia(PHONE).matches) this.form.querySelector("[data-prompt]").open = false;
    this.listen();
    this.focus(this.focused);
    if (this.work.now.proposed) this.view.say(this.words.proposed);
  }

  listen() {
    const { form, view, signal } = this;
    this.keys = new Keys(this, document.querySelector("[data-keys]"), signal);
    this.comparing = new Compare(document.querySelector("[data-compare]"), view.cards, (...told) => this.decided(...told), () => this.layoutOf.show(this.layoutOf.view));
    form.addEventListener("click", (event) => this.clicked(event));
    form.addEventListener("focusin", (event) => {
      const card = event.target.closest(".answer");
      if (card && card.dataset.letter !== this.focused) this.focus(card.dataset.letter, { move: false });
    });
    form.addEventListener("change", (event) => this.changed(event));
    form.addEventListener("submit", (event) => { event.preventDefault(); this.enter(); });
    addEventListener("pagehide", () => this.leave(), { signal });
    view.onSwipe((letter) => { if (letter !== this.focused) this.focus(letter, { move: false }); });
    const { element } = this.rail;
    draggable(element, {
      pick: (letter, event) => { this.hand(event); this.picked(letter); },
      drop: (letter, where) => { this.source = "drag"; this.dropped(letter, where); },
    });
  }

  get stage() { return this.work.now.stage; }
  get placed() { return Boolean(this.order.places[this.focused]); }
  get phone() { return matchMedia(PHONE).matches; }
  get ready() {
    if (this.work.now.unacceptable) return true;
    if (this.rateFirst && this.work.unrated.length) return false;
    return this.stage === "rate" || (this.partial ? this.order.last > 0 : this.order.complete);
  }

  show() {
    this.view.show(this.focused, this);
    this.rail.show(this.focused, (letter) => this.view.state(letter));
  }
  save() {
    const { view, raw } = this.layoutOf;
    this.keeping.save({ ...this.work.kept, focus: this.focused, view, raw, pane: this.pane, read: this.reading.read, seconds: this.log.seconds, log: this.log.kept });
  }

  // Which hand did it: a press on a button may come from the keyboard, a finger or a mouse.
  hand(event) { this.source = event?.detail === 0 ? "key" : event?.pointerType === "touch" ? "tap" : "button"; }

  // Makes a change by its name, then shows, says, notes and keeps it.
  act(deed, letter, change, told) {
    const value = () => (deed === "rate" ? this.work.now.ratings : this.order.places)[letter] ?? null;
    const from = value();
    if (!change()) return false;
    this.log.move(deed, letter, this.source, from, value(), this.order.complete);
    this.show();
    this.save();
    this.view.say(this.view.fill(told ?? (this.order.tiedWith(letter).length ? this.words.movedTied : this.words.moved), letter));
    this.next.look();
    return true;
  }

  focus(letter, { move = true } = {}) {
    this.focused = letter;
    this.show();
    if (!move) return;
    const card = this.view.cards[letter], tall = card.offsetHeight > innerHeight / 2;
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: tall && !this.phone ? "start" : "nearest", inline: "center" });
  }
  step(by) { this.focus(this.letters[(this.letters.indexOf(this.focused) + by + this.letters.length) % this.letters.length]); }

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

  guidelines() { document.querySelector("[data-guidelines]").click(); }
  help() { document.querySelector("[data-keys]").showModal(); }
  // Giving an item back with a reason is another page part; where it stands, `s` opens it.
  skip() { document.querySelector("[data-skip]")?.click(); }

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

  clicked(event) {
    const button = event.target.closest("[data-rate], [data-do], [data-jump], [data-gap]"), card = event.target.closest(".answer");
    this.hand(event);
    if (card && card.dataset.letter !== this.focused) this.focus(card.dataset.letter, { move: false });
    if (!button) return;
    const { jump, rate, gap } = button.dataset;
    if (jump) this.focus(jump);
    else if (rate) this.rate(Number(rate));
    else if (gap) this.setMargin(gap, (this.order.margin(gap) + 1) % 4);
    else this.buttons[button.dataset.do]();
    // A mouse leaves no trace: the next key is about the answer, not about the button.
    if (card && event.detail > 0 && !rate && !this.phone) this.view.cards[this.focused].focus({ preventScroll: true });
  }
  get buttons() {
    return {
      ...Object.fromEntries(["up", "down", "tie", "split", "undo", "redo", "compare", "help", "raw", "layout", "expand", "enough"].map((name) => [name, this[name]])),
      next: () => (this.placed ? this.move((letter) => this.order.takeBack(letter), this.words.takenBack) : this.placeNext(this.focused)),
      back: () => this.toRating(), pane: () => this.showPane(this.pane === "order" ? "answers" : "order"), takeback: this.takeBack,
      previous: () => this.step(-1), following: () => this.step(1), renew: () => this.lease.signOfLife({ asked: true }),
    };
  }

  changed({ target }) {
    if (target.name?.startsWith("flags-")) this.setFlag(target.name.slice(6), target.value, target.closest("label").textContent.trim());
    else if (target === this.form.elements.unacceptable) this.none();
  }

  showPane(pane) {
    this.pane = pane;
    this.log.view(pane);
    this.show();
    this.save();
  }
  toRating() {
    this.act("stage", "", () => this.work.toRating(), this.words.backToRating);
    this.pane = "answers";
    this.focus(this.focused);
  }
  toRanking() {
    if (this.work.unrated.length && !this.work.now.unacceptable) { this.refuse(this.words.missingRatings, this.work.unrated); return; }
    this.source = this.presort ? "presort" : this.source;
    this.act("stage", "", () => this.work.toRanking(this.presort), this.presort ? this.words.proposed : this.words.nowRank);
    this.pane = this.phone ? "order" : "answers";
    this.focus(this.order.sequence[0] || this.letters[0], { move: !this.phone });
  }

  enter() {
    if (this.sending) return;
    if (this.stage === "rate" && !this.work.now.unacceptable) this.toRanking();
    else this.submit();
  }
  refuse(text, letters) {
    const told = text.replace("%letters", letters.join(", "));
    this.tellBoth(told);
    if (this.pane === "answers") this.focus(letters[0]);
  }
  tellBoth(text) { this.view.tell("saved", text, true); this.view.say(text); }

  // What keeps a judgement from being whole; true where something does.
  refused() {
    const { work, order, words } = this;
    if (work.now.unacceptable) return false;
    if (this.rateFirst && work.unrated.length) this.refuse(words.missingRatings, work.unrated);
    else if (this.partial ? order.last === 0 : !order.complete) this.refuse(words.missing, order.unplaced);
    else if (this.reading.unread.length) { this.pane = "answers"; this.refuse(words.unread, this.reading.unread); }
    else if (order.margins.some(Boolean) && !order.margins.every(Boolean)) this.tellBoth(words.missingGaps);
    else return false;
    return true;
  }

  async submit() {
    if (this.refused()) return;
    this.sending = true;
    this.view.tell("saved", this.words.submitting);
    const { elements } = this.form, { margins } = this.order;
    elements.seconds.value = Math.round(this.log.seconds);
    elements.margins.value = this.order.complete && margins.some(Boolean) ? margins.join(",") : "";
    elements.log.value = this.log.report({ presort: this.log.told.moves.some(([, , , source]) => source === "presort"), rateFirst: this.rateFirst });
    const told = await this.keeping.submit();
    this.sending = false;
    if (!told.next) this.tellBoth(told.problem);
    else if (told.plain && this.next.show(told.next)) { this.stop.abort(); start(); }
    else { this.stop.abort(); location.assign(told.next); }
  }

  leave() {
    if (this.keeping.sent) return;
    this.keeping.leave();
    this.keeping.beacon(this.form.dataset.leaveUrl);
    this.next.leave();
  }
}

function start() {
  const form = document.querySelector("[data-rank]");
  if (form) new Page(form).open();
}
start();
