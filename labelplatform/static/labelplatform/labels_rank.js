// The ranking page: keys, buttons, chips and the compare view all change one Work; the views show it, keeping saves it.
import { copyButtons } from "./labels_code.js";
import { Deeds } from "./labels_deeds.js";
import { draggable } from "./labels_drag.js";
import { Guidelines } from "./labels_guidelines.js";
import { Keys } from "./labels_keys.js";
import { Better, Marking } from "./labels_marking.js";
import { Layout } from "./labels_layout.js";
import { Lease } from "./labels_lease.js";
import { Log } from "./labels_log.js";
import { Next } from "./labels_next.js";
import { Order } from "./labels_order.js";
import { Rail } from "./labels_rail.js";
import { Reading } from "./labels_reading.js";
import { keeperOf } from "./labels_rehearsal.js";
import { handIn, lettingGo } from "./labels_sending.js";
import { RankView } from "./labels_view.js";
import { Work } from "./labels_work.js";

const PHONE = "(max-width: 640px)";

class Page extends Deeds {
  constructor(form) {
    super();
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
    const Kept = keeperOf(form);
    this.keeping = new Kept(form, this.words, tell, signal);
    this.next = new Next(form, this.keeping, signal);
    this.lease = new Lease(form, { words: this.words, keeping: this.keeping, tell, say, signal });
    this.bind();
  }

  bind() {
    for (const name of ["undo", "redo", "raw", "layout", "none", "skip", "expand", "enough", "openFlags", "closeFlags", "guidelines", "help", "enter", "clearRating", "up", "down", "tie", "split", "takeBack", "compare", "lift", "mark", "write"]) this[name] = this[name].bind(this);
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
    this.guide = new Guidelines(document.querySelector("[data-guidelines]"), signal, (key) => this.keys.own.meant(key));
    this.startComparing(document.querySelector("[data-compare]"));
    this.marking = new Marking(document.querySelector("[data-marking]"), this);
    this.better = new Better(document.querySelector("[data-better]"), this);
    form.addEventListener("click", (event) => this.clicked(event));
    form.addEventListener("focusin", (event) => {
      const card = event.target.closest(".answer");
      if (card && card.dataset.letter !== this.focused) this.focus(card.dataset.letter, { move: false });
    });
    form.addEventListener("change", (event) => this.changed(event));
    form.addEventListener("submit", (event) => { event.preventDefault(); this.enter(); });
    lettingGo(this);
    view.onSwipe((letter) => { if (letter !== this.focused) this.focus(letter, { move: false }); });
    const { element } = this.rail;
    draggable(element, {
      pick: (letter, event) => { this.hand(event); this.picked(letter); },
      drop: (letter, where) => { this.source = "drag"; this.dropped(letter, where); },
    });
  }

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

  focus(letter, { move = true } = {}) {
    this.focused = letter;
    this.show();
    if (!move) return;
    const card = this.view.cards[letter], tall = card.offsetHeight > innerHeight / 2;
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: tall && !this.phone ? "start" : "nearest", inline: "center" });
  }
  // The focus goes where the work is: to the answer, or to the order where that stands alone.
  settle() {
    if (this.pane === "order" && this.phone) this.form.querySelector("[data-rail-title]").focus();
    else this.focus(this.focused);
  }
  step(by) { this.focus(this.letters[(this.letters.indexOf(this.focused) + by + this.letters.length) % this.letters.length]); }

  guidelines() { this.guide.open(); }
  help() { document.querySelector("[data-keys]").showModal(); }
  // Giving an item back with a reason is a page part of its own (labels_skip.js); `s` opens it.
  skip() { document.querySelector("[data-skip]")?.click(); }

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
      ...Object.fromEntries(["up", "down", "tie", "split", "undo", "redo", "compare", "help", "raw", "layout", "expand", "enough", "mark", "write"].map((name) => [name, this[name]])),
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
    this.settle();
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
    this.focus(this.order.sequence[0] || this.letters[0], { move: false });
    this.settle();
  }

  enter() {
    if (this.sending) return;
    if (this.stage === "rate" && !this.work.now.unacceptable) this.toRanking();
    else this.submit();
  }
  refuse(text, letters) {
    const told = text.replace("%letters", letters.join(", "));
    this.problem(told);
    if (this.pane === "answers") this.focus(letters[0]);
  }
  tell(...told) { this.view.tell(...told); }
  problem(text) { this.view.tell("saved", text, true); this.view.say(text); }

  // What keeps a judgement from being whole; true where something does.
  refused() {
    const { work, order, words } = this;
    if (work.now.unacceptable) return false;
    if (this.rateFirst && work.unrated.length) this.refuse(words.missingRatings, work.unrated);
    else if (this.partial ? order.last === 0 : !order.complete) this.refuse(words.missing, order.unplaced);
    else if (this.reading.unread.length) { this.pane = "answers"; this.refuse(words.unread, this.reading.unread); }
    else if (order.margins.some(Boolean) && !order.margins.every(Boolean)) this.problem(words.missingGaps);
    else return false;
    return true;
  }

  async submit() {
    if (this.refused()) return;
    const { margins } = this.order, { marks, better } = this.work.now;
    const fields = {
      margins: this.order.complete && margins.some(Boolean) ? margins.join(",") : "",
      marks: Object.keys(marks).length ? JSON.stringify(marks) : "", better: better.trim() ? better : "",
    };
    const presort = this.log.told.moves.some(([, , , source]) => source === "presort");
    await handIn(this, { fields, told: { presort, rateFirst: this.rateFirst }, restart: start });
  }
}

function start() {
  const form = document.querySelector("[data-rank]");
  if (form) new Page(form).open();
}
start();
