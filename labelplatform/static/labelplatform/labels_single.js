// The page of one answer: what all such pages need. Keys, lease, drafts, the next item and the log are the ranking page's.
import { copyButtons } from "./labels_code.js";
import { Guidelines } from "./labels_guidelines.js";
import { Lease } from "./labels_lease.js";
import { Log } from "./labels_log.js";
import { Next } from "./labels_next.js";
import { OwnKeys } from "./labels_own_keys.js";
import { keeperOf } from "./labels_rehearsal.js";
import { handIn, lettingGo } from "./labels_sending.js";

// The only answer's letter in the log.
const LETTER = "A", SWITCH = "single-keys";

export class SinglePage {
  constructor(form) {
    const stop = new AbortController(), { signal } = stop;
    Object.assign(this, { form, stop, signal, source: "key", sending: false, raw: false, words: form.querySelector("[data-words]").dataset });
    this.log = new Log([LETTER], signal);
    const tell = (...told) => this.tell(...told), say = (text) => this.say(text);
    const Kept = keeperOf(form);
    this.keeping = new Kept(form, this.words, tell, signal);
    this.next = new Next(form, this.keeping, signal);
    this.lease = new Lease(form, { words: this.words, keeping: this.keeping, tell, say, signal });
  }

  async open() {
    const draft = await this.keeping.draft();
    this.work.restore(draft);
    this.log.restore(draft.log);
    this.log.view("stack");
    copyButtons(this.form, this.words);
    if (draft.raw) this.showRaw(true);
    this.watch();
    this.listen();
    this.restored(draft);
    this.form.dataset.ready = "";
    this.show();
  }

  // How long the answer was on the screen, and how far down.
  watch() {
    const answer = this.form.querySelector("[data-answer]");
    if (!answer) return;
    const seen = new IntersectionObserver(([{ isIntersecting, boundingClientRect: box, intersectionRect: part }]) => {
      this.log.seen(LETTER, isIntersecting);
      if (box.height) this.log.depth(LETTER, (100 * (part.bottom - box.top)) / box.height);
    }, { threshold: Array.from({ length: 11 }, (_none, n) => n / 10) });
    seen.observe(answer);
    this.signal.addEventListener("abort", () => seen.disconnect());
  }

  listen() {
    const { form, signal } = this, dialog = document.querySelector("[data-keys]");
    this.own = new OwnKeys();
    this.single = dialog.querySelector("[data-single-keys]");
    this.single.checked = localStorage.getItem(SWITCH) !== "off";
    this.single.addEventListener("change", () => localStorage.setItem(SWITCH, this.single.checked ? "on" : "off"));
    document.addEventListener("keydown", (event) => this.key(event), { signal });
    form.addEventListener("click", (event) => {
      this.source = event.detail === 0 ? "key" : event.pointerType === "touch" ? "tap" : "button";
      const button = event.target.closest("[data-do]");
      if (button) this.buttons[button.dataset.do]();
    });
    form.addEventListener("change", (event) => this.changed(event));
    form.addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    new Guidelines(document.querySelector("[data-guidelines]"), signal, (key) => this.own.meant(key));
    lettingGo(this);
  }

  // Digits are values, commands are letters and punctuation; texts keep their keys, and so do buttons.
  key(event) {
    const { target } = event, modified = event.ctrlKey || event.metaKey, key = modified ? event.key : this.own.meant(event.key);
    if (key === null) return;
    this.source = "key";
    if (target.closest("textarea, select, input:not([type=checkbox]):not([type=radio]), dialog[open]")) return;
    if ([" ", "Enter"].includes(key) && target.closest("button, a, summary")) return;
    const plain = !modified && !event.altKey && (this.single.checked || key.length > 1);
    const action = modified && key.toLowerCase() === "z" ? (event.shiftKey ? this.buttons.redo : this.buttons.undo) : plain ? this.meaning(key, target) || this.always[key] : null;
    if (!action) return;
    event.preventDefault();
    // A key held down is one press.
    if (!event.repeat) action();
  }
  get always() {
    const { buttons } = this;
    return { u: buttons.undo, U: buttons.redo, r: buttons.raw, g: () => document.querySelector("[data-guidelines]").click(), "?": buttons.help, Enter: () => this.submit(), s: () => document.querySelector("[data-skip]")?.click() };
  }
  get buttons() {
    return {
      undo: () => this.act("undo", "", () => this.work.undo(), this.words.undone), redo: () => this.act("redo", "", () => this.work.redo(), this.words.redone),
      raw: () => { this.showRaw(!this.raw); this.save(); this.say(this.raw ? this.words.rawOn : this.words.rawOff); },
      help: () => document.querySelector("[data-keys]").showModal(), renew: () => this.lease.signOfLife({ asked: true }),
    };
  }

  // Makes a change, then shows, says, notes and keeps it.
  act(deed, about, change, told, [from, to] = []) {
    if (!change()) return false;
    this.log.move(deed, about, this.source, from, to, this.whole);
    this.show();
    this.save();
    this.say(told);
    this.next.look();
    return true;
  }

  tell(name, text, urgent = false) {
    const place = this.form.querySelector(`[data-show="${name}"]`);
    if (place.textContent !== text) place.textContent = text;
    place.classList.toggle("is-urgent", urgent);
  }
  say(text) { this.tell("aloud", text); }
  save() { this.keeping.save({ ...this.work.kept, ...this.where, raw: this.raw, seconds: this.log.seconds, log: this.log.kept }); }
  showRaw(raw) {
    this.raw = raw;
    this.form.querySelector("[data-text]").hidden = raw;
    this.form.querySelector("[data-raw]").hidden = !raw;
    for (const button of this.form.querySelectorAll('[data-do="raw"]')) button.setAttribute("aria-pressed", String(raw));
    this.log.view(raw ? "raw" : "rendered");
  }

  async submit() {
    if (this.sending || this.refused()) return;
    await handIn(this, { restart: () => this.constructor.start() });
  }
  refuse(text) { this.tell("saved", text, true); this.say(text); }

  problem(text) { this.refuse(text); }

  static start() {
    const form = document.querySelector("form[data-single]");
    if (form) new this(form).open();
  }
}
