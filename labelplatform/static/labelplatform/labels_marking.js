// Two things that the ranking page asks for only now and then, each in a dialog over it: what is invented in an answer,
// marked in its raw text, and an answer that is better than all that are shown.
import { KINDS, MOST, span } from "./labels_marks.js";
import { Pane } from "./labels_pane.js";
import { RawText } from "./labels_text.js";

const EXCERPT = 90;

export class Marking {
  constructor(dialog, page) {
    Object.assign(this, { dialog, page, words: dialog.dataset });
    dialog.addEventListener("keydown", (event) => this.key(event));
    dialog.addEventListener("close", () => { this.stop.abort(); page.settle(); });
    // A press on a button must not take away what is selected for it.
    dialog.addEventListener("mousedown", (event) => { if (event.target.closest("button")) event.preventDefault(); });
    dialog.addEventListener("click", ({ target }) => {
      const { kind, remove } = target.closest("button")?.dataset ?? {};
      if (kind) this.mark(kind);
      else if (remove) this.remove(Number(remove));
    });
  }
  part(name) { return this.dialog.querySelector(`[data-${name}]`); }
  get spans() { return this.page.work.now.marks[this.letter] || []; }

  open(letter) {
    const raw = this.page.view.cards[letter].querySelector("[data-raw]"), wished = selectedIn(this.page.view.cards[letter], raw.textContent);
    Object.assign(this, { letter, stop: new AbortController() });
    this.part("marking-letter").textContent = letter;
    // Made anew each time: the last one's text and listeners went with it.
    const place = this.part("marking-pane"), text = this.part("marking-text").content.firstElementChild.cloneNode(true), caret = document.createElement("span");
    [text.lang, caret.className, caret.hidden] = [raw.lang, "caret", true];
    caret.dataset.caret = "";
    caret.setAttribute("aria-hidden", "true");
    place.replaceChildren(text, caret);
    this.dialog.showModal();
    const say = (told) => this.say(told), { signal } = this.stop;
    this.pane = new Pane(text, new RawText(raw.textContent, raw.lang), { changed: () => this.showChosen(), clicked: () => {}, say, words: this.words, signal });
    this.say("");
    this.show();
    text.focus();
    if (wished) this.pane.choose(...wished);
  }

  say(told) { this.part("marking-told").textContent = told; }
  showChosen() { this.part("marking-chosen").textContent = excerpt(this.pane.quote.trim()); }
  show() {
    this.pane.paint(this.spans.map((one, at) => ({ ...one, number: at + 1 })));
    this.showChosen();
    this.part("marking-list").replaceChildren(...this.spans.map((one, at) => {
      const row = this.part("marking-entry").content.firstElementChild.cloneNode(true), kind = row.querySelector("[data-kind-name]"), remove = row.querySelector("button");
      row.querySelector("[data-number]").textContent = at + 1;
      [kind.textContent, kind.dataset.kind] = [this.nameOf(one.kind), one.kind];
      row.querySelector("[data-quote]").textContent = excerpt(this.pane.text.slice(one.start, one.end));
      remove.dataset.remove = at + 1;
      remove.setAttribute("aria-label", this.words.removeLabel.replace("%n", at + 1));
      return row;
    }));
  }
  nameOf(kind) { return this.dialog.querySelector(`button[data-kind="${kind}"]`).dataset.name; }

  mark(kind) {
    const chosen = this.pane.chosen && this.pane.text.trimmed(this.pane.chosen);
    if (!chosen) { this.say(this.words.selectFirst); return; }
    const made = span(chosen, kind), known = this.spans.some((one) => JSON.stringify(one) === JSON.stringify(made));
    if (this.spans.length >= MOST) { this.say(this.words.tooMany.replace("%most", MOST)); return; }
    this.pane.clear();
    if (!known) this.change([...this.spans, made]);
    this.say(this.words.markedAs.replace(/%(?:kind|text)/g, (part) => (part === "%kind" ? this.nameOf(kind) : excerpt(this.pane.text.slice(...chosen)))));
  }
  remove(number) {
    this.change(this.spans.filter((_one, at) => at !== number - 1));
    this.say(this.words.removed.replace("%n", number));
    this.pane.element.focus();
  }
  change(spans) {
    this.page.act("mark", this.letter, () => this.page.work.mark(this.letter, spans), this.words.count.replace("%n", spans.length));
    this.show();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (/^[1-4]$/.test(event.key)) this.mark(KINDS[event.key - 1]);
    else if (["Backspace", "Delete"].includes(event.key) && this.spans.length) this.remove(this.spans.length);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

// Written while the dialog is open, kept with every key; one step to undo once it is closed.
export class Better {
  constructor(dialog, page) {
    Object.assign(this, { dialog, page, box: dialog.querySelector("textarea") });
    this.box.addEventListener("input", () => { page.work.now.better = this.box.value; page.save(); });
    this.box.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); dialog.close(); } });
    dialog.addEventListener("close", () => this.closed());
  }
  open() {
    this.before = this.box.value = this.page.work.now.better;
    this.dialog.showModal();
    this.box.focus();
  }
  closed() {
    const { page, before, box } = this, better = box.value.trim() ? box.value : "";
    page.work.now.better = before;
    page.act("better", "", () => page.work.change({ better }), better ? this.dialog.dataset.kept : this.dialog.dataset.gone);
    page.settle();
  }
}

// What somebody has selected in the text as it was set, found again in the raw one: only where it stands there once.
function selectedIn(card, raw) {
  const told = getSelection(), quote = told.rangeCount && card.contains(told.anchorNode) ? told.toString().trim() : "";
  const at = quote ? raw.indexOf(quote) : -1;
  if (at < 0 || raw.indexOf(quote, at + 1) >= 0) return null;
  const start = [...raw.slice(0, at)].length;
  return [start, start + [...quote].length];
}

function excerpt(text) {
  const points = Array.from(text.replace(/\s+/g, " "));
  return points.length <= EXCERPT ? points.join("") : `${points.slice(0, EXCERPT - 30).join("")} … ${points.slice(-25).join("")}`;
}
