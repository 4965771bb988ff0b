// Ratings of one answer: digits rate the scale in focus and go on to the next, t and a digit set a flag.
import { Judging } from "./labels_judging.js";
import { SinglePage } from "./labels_single.js";

const FLAG_KEYS = "1234567890-";

class RatePage extends SinglePage {
  constructor(form) {
    super(form);
    this.scales = [...form.querySelectorAll("[data-scale]")];
    this.names = this.scales.map((scale) => scale.dataset.scale);
    this.flags = [...form.querySelectorAll('[name="flags"]')];
    this.work = new Judging(this.names);
    this.known = form.querySelector("[data-known]");
  }

  get whole() { return !this.work.missing.length; }
  get where() { return { focus: this.focused }; }
  get buttons() { return { ...super.buttons, clear: () => this.clear() }; }

  restored(draft) {
    // What was typed into a form that was refused is not in any draft.
    if ("typed" in this.form.dataset) {
      const ratings = Object.fromEntries([...this.form.querySelectorAll("[data-scale] input:checked")].map((box) => [this.nameOf(box), Number(box.value)]));
      this.work.now = { ratings, flags: this.flags.filter((box) => box.checked).map((box) => box.value) };
    }
    this.form.addEventListener("focusin", ({ target }) => { const scale = target.closest("[data-scale]"); if (scale) this.look(scale.dataset.scale, { move: false }); });
    this.look(this.names.includes(draft.focus) ? draft.focus : this.work.missing[0] || this.names[0]);
  }

  nameOf(box) { return box.closest("[data-scale]").dataset.scale; }
  titleOf(name) { return this.scales[this.names.indexOf(name)].querySelector("legend").textContent; }

  look(name, { move = true } = {}) {
    this.focused = name;
    for (const scale of this.scales) scale.classList.toggle("is-focused", scale.dataset.scale === name);
    if (!move) return;
    const scale = this.scales[this.names.indexOf(name)];
    scale.focus({ preventScroll: true });
    scale.scrollIntoView({ block: "nearest" });
  }
  step(by) { this.look(this.names[(this.names.indexOf(this.focused) + by + this.names.length) % this.names.length]); }

  meaning(key, target) {
    if (this.flagging) return this.flag(key);
    if (/^[1-7]$/.test(key)) return () => this.rate(this.focused, Number(key), { on: true });
    if (key === "Escape" || (key.startsWith("Arrow") && target.matches("[type=radio]"))) return null;
    return { j: () => this.step(1), k: () => this.step(-1), ArrowDown: target.closest("[data-scale]") && (() => this.step(1)), ArrowUp: target.closest("[data-scale]") && (() => this.step(-1)), Backspace: () => this.clear(), t: () => { this.flagging = true; this.say(this.words.whichFlag); this.tell("done", this.words.whichFlag); } }[key];
  }
  flag(key) {
    this.flagging = false;
    const box = key.length === 1 ? this.flags[FLAG_KEYS.indexOf(key)] : null;
    return () => { if (box) this.toggle(box); else this.show(); };
  }

  // `on`: a digit goes on to the next scale that has no number; a hand on the buttons stays where it is.
  rate(name, value, { on = false } = {}) {
    const from = this.work.now.ratings[name], told = this.words.ratedAloud.replace("%name", this.titleOf(name)).replace("%rating", value);
    this.act("rate", name, () => this.work.rate(name, value), told, [from, value]);
    const { missing } = this.work, following = missing.find((other) => this.names.indexOf(other) > this.names.indexOf(name)) || missing[0];
    if (on && following) this.look(following);
    if (!following) this.say(`${told} ${this.words.allRated}`);
  }
  clear() {
    const name = this.focused, from = this.work.now.ratings[name];
    this.act("rate", name, () => this.work.clear(name), this.words.ratingCleared.replace("%name", this.titleOf(name)), [from, null]);
  }
  toggle(box) {
    const has = this.work.now.flags.includes(box.value), title = box.closest("label").textContent.trim();
    this.act("flag", "", () => this.work.toggle(box.value), (has ? this.words.flagOff : this.words.flagOn).replace("%flag", title), [null, this.flags.indexOf(box) + 1]);
  }
  changed({ target }) {
    if (target.name === "flags") this.toggle(target);
    else if (target.matches("[data-scale] input")) this.rate(this.nameOf(target), Number(target.value));
  }

  show() {
    const { ratings, flags } = this.work.now;
    for (const scale of this.scales) for (const box of scale.querySelectorAll("input")) box.checked = Number(box.value) === ratings[scale.dataset.scale];
    for (const scale of this.scales) scale.classList.toggle("is-done", Boolean(ratings[scale.dataset.scale]));
    for (const box of this.flags) box.checked = flags.includes(box.value);
    this.tell("done", this.words.countRated.replace("%done", this.names.length - this.work.missing.length).replace("%all", this.names.length));
    this.form.querySelector("[data-submit]").setAttribute("aria-disabled", String(!this.whole));
    // The first judgement is the annotator's own; only then is it told what is known.
    if (this.known && "after" in this.known.dataset && this.whole) this.known.hidden = false;
  }

  refused() {
    const { missing } = this.work;
    if (!missing.length) return false;
    this.refuse(this.words.missing.replace("%names", missing.map((name) => this.titleOf(name)).join(", ")));
    this.look(missing[0]);
    return true;
  }
}

RatePage.start();
