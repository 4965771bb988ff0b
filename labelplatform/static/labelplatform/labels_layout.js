// How the answers are laid out: one below the other, or side by side where all are short; rendered or raw.
const SHORT = 600, WIDE = "(min-width: 1000px)";

export class Layout {
  constructor(form, cards, log) {
    Object.assign(this, { form, cards, log, view: "stack", raw: false });
    const texts = Object.values(cards).map((card) => card.querySelector("[data-raw]").textContent.length);
    this.grid = texts.length === 2 || texts.every((length) => length < SHORT);
  }

  get views() { return this.grid && matchMedia(WIDE).matches ? ["stack", "grid", "compare"] : ["stack", "compare"]; }

  restore(draft) {
    // Two answers are one comparison: they stand side by side from the start.
    const first = Object.keys(this.cards).length === 2 ? "grid" : "stack";
    this.show(this.views.includes(draft.view) && draft.view !== "compare" ? draft.view : this.views.includes(first) ? first : "stack");
    if (draft.raw) this.showRaw(true);
  }

  following(now = this.view) { return this.views[(this.views.indexOf(now) + 1) % this.views.length]; }
  show(view) {
    this.view = this.form.dataset.view = view;
    this.log.view(view);
  }
  showRaw(raw) {
    this.raw = raw;
    for (const card of Object.values(this.cards)) {
      card.querySelector("[data-text]").hidden = raw;
      card.querySelector("[data-raw]").hidden = !raw;
    }
    for (const button of this.form.querySelectorAll('[data-do="raw"]')) button.setAttribute("aria-pressed", String(raw));
    this.log.view(raw ? "raw" : "rendered");
  }
}
