// The page on which a person writes the answer: counted, saved and shown as it will look while it is written.
import { Guidelines } from "./labels_guidelines.js";
import { Lease } from "./labels_lease.js";
import { Log } from "./labels_log.js";
import { Next } from "./labels_next.js";
import { keeperOf } from "./labels_rehearsal.js";
import { handIn, lettingGo } from "./labels_sending.js";
import { Written } from "./labels_written.js";

const PREVIEW_AFTER = 400;

class Page {
  constructor(form) {
    const stop = new AbortController(), { signal } = stop;
    Object.assign(this, { form, stop, signal, sending: false, words: form.querySelector("[data-words]").dataset, place: form.querySelector("[data-written]"), box: form.elements.response });
    const tell = (...told) => this.tell(...told), Kept = keeperOf(form), say = (text) => this.tell("aloud", text);
    Object.assign(this, { say, written: new Written(this.box.value), log: new Log(["A"], signal), keeping: new Kept(form, this.words, tell, signal) });
    this.next = new Next(form, this.keeping, signal);
    this.lease = new Lease(form, { words: this.words, keeping: this.keeping, tell, say, signal });
  }

  async open() {
    const draft = await this.keeping.draft();
    // What a form that was not taken brought back is newer than any draft.
    this.written.restore("typed" in this.form.dataset ? { ...draft, response: this.box.value } : draft);
    this.log.restore(draft.log);
    this.box.value = this.written.text;
    this.listen();
    this.count();
    for (const part of this.form.querySelectorAll("[data-scripted]")) part.hidden = false;
    this.form.dataset.ready = "";
  }

  listen() {
    const { form, box, signal } = this;
    box.addEventListener("input", () => { if (this.written.write(box.value, Date.now())) this.changed(); });
    box.addEventListener("keydown", (event) => this.key(event));
    form.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-do]");
      if (button) ({ undo: () => this.travel("undo"), redo: () => this.travel("redo"), preview: () => this.toggle(), renew: () => this.lease.signOfLife({ asked: true }) })[button.dataset.do]();
    });
    form.addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    new Guidelines(document.querySelector("[data-guidelines]"), signal);
    lettingGo(this);
    addEventListener("pagehide", () => clearTimeout(this.timer), { signal });
  }

  tell(name, text, urgent = false) {
    const place = this.form.querySelector(`[data-show="${name}"]`);
    if (place.textContent !== String(text)) place.textContent = text;
    place.classList.toggle("is-urgent", urgent);
  }

  // Undo is ours, so that it outlives a reload.
  key(event) {
    const modified = event.ctrlKey || event.metaKey, key = event.key.toLowerCase();
    if (!modified || event.altKey || !["enter", "z", "y"].includes(key)) return;
    event.preventDefault();
    if (key === "enter") this.submit();
    else this.travel(key === "y" || event.shiftKey ? "redo" : "undo");
  }
  travel(way) {
    const at = this.written[way]();
    if (at === null) return;
    this.box.value = this.written.text;
    this.box.setSelectionRange(at, at);
    this.say(this.words[way === "undo" ? "undone" : "redone"]);
    this.changed();
  }

  changed() {
    this.count();
    this.keeping.save({ ...this.written.kept, seconds: this.log.seconds, log: this.log.kept });
    this.next.look();
    this.preview();
  }

  get length() { return [...this.written.text.trim()].length; }
  get fewest() { return Number(this.place.dataset.fewest); }
  get most() { return Number(this.place.dataset.most); }
  count() {
    const words = Intl.Segmenter ? [...new Intl.Segmenter(this.box.lang || undefined, { granularity: "word" }).segment(this.written.text)].filter(({ isWordLike }) => isWordLike).length : this.written.text.split(/\s+/).filter(Boolean).length;
    this.tell("count", this.words.count.replace("%words", words).replace("%characters", this.length), this.length > this.most);
    this.form.querySelector("[data-submit]").setAttribute("aria-disabled", String(Boolean(this.lacking)));
  }
  // What keeps it from being an answer, in words.
  get lacking() {
    const { words, length } = this;
    if (!length) return words.empty;
    if (length < this.fewest) return words.short.replace("%found", length).replace("%fewest", this.fewest);
    return length > this.most ? words.long.replace("%found", length).replace("%most", this.most) : "";
  }

  toggle() {
    const open = this.place.toggleAttribute("data-open"), button = this.form.querySelector('[data-do="preview"]');
    this.form.querySelector("[data-rendered]").hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) this.look();
  }
  preview() {
    clearTimeout(this.timer);
    if ("open" in this.place.dataset) this.timer = setTimeout(() => this.look(), PREVIEW_AFTER);
  }
  async look() {
    const body = new FormData(), asked = this.written.text;
    body.append("response", asked);
    const answer = await this.keeping.post(this.place.dataset.previewUrl, body).catch(() => null);
    // What was asked before the last word was written is out of date.
    if (this.signal.aborted || asked !== this.written.text) return;
    const told = answer?.ok && !answer.redirected ? await answer.json() : null;
    const place = this.form.querySelector("[data-html]");
    if (told) place.innerHTML = told.html;
    else place.textContent = this.words.noPreview;
  }

  refuse(text) { this.tell("saved", text, true); this.say(text); this.box.focus(); }
  async submit() {
    if (this.sending) return;
    if (this.lacking) { this.refuse(this.lacking); return; }
    await handIn(this, { restart: start });
  }
  problem(text) { this.refuse(text); }
}

function start() {
  const form = document.querySelector("[data-demonstrate]");
  if (form) new Page(form).open();
}
start();
