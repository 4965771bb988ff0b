// What the page for spans shows of the work beside the two texts: the list, the bar, the words said aloud.
const EXCERPT = 90;

export class SpanView {
  constructor(form) {
    Object.assign(this, { form, words: form.querySelector("[data-words]").dataset, place: form.querySelector("[data-list]"), entry: form.querySelector("[data-entry]") });
  }

  part(name) { return this.form.querySelector(`[data-${name}]`); }
  tell(name, text, urgent = false) {
    const place = this.form.querySelector(`[data-show="${name}"]`);
    if (place.textContent !== String(text)) place.textContent = text;
    place.classList.toggle("is-urgent", urgent);
  }
  say(text) { this.tell("aloud", text); }

  kind(name) { return this.form.querySelector(`[data-bar] button[data-kind="${name}"]`).dataset.name; }
  describe(at, span) {
    const parts = { "%n": at + 1, "%kind": this.kind(span.kind), "%text": excerpt(this.quotes?.answer.text.slice(span.start, span.end) ?? "") };
    return this.words.marked.replace(/%(?:n|kind|text)/g, (part) => parts[part]);
  }

  // One entry a span, in the order they were marked in; the keyboard's place in the list outlives the change.
  list(spans, panes) {
    this.quotes = panes;
    const held = document.activeElement?.closest("[data-at]"), back = held && [held.dataset.at, document.activeElement.dataset.do];
    this.place.replaceChildren(...spans.map((span, at) => this.row(span, at, panes)));
    this.part("none").hidden = spans.length > 0;
    if (!back) return;
    const row = this.place.querySelector(`[data-at="${back[0]}"]`) ?? this.place.lastElementChild;
    (row?.querySelector(`[data-do="${back[1]}"]:not([hidden])`) ?? row?.querySelector("button") ?? panes.answer.element).focus({ preventScroll: true });
  }
  row(span, at, { answer, source }) {
    const row = this.entry.content.firstElementChild.cloneNode(true), fill = (name, text) => { row.querySelector(`[data-${name}]`).textContent = text; };
    row.dataset.at = at;
    row.classList.toggle("is-current", span.current);
    row.querySelector("[data-kind-name]").dataset.kind = span.kind;
    fill("number", at + 1);
    fill("kind-name", this.kind(span.kind));
    fill("quote", excerpt(answer.text.slice(span.start, span.end)));
    const linked = span.source_start !== undefined;
    fill("source-quote", linked ? excerpt(source.text.slice(span.source_start, span.source_end)) : span.kind === "not-in-source" ? this.words.withoutSupport : this.words.withoutSource);
    row.querySelector("[data-source-quote]").classList.toggle("is-linked", linked);
    row.querySelector('[data-do="show"]').setAttribute("aria-pressed", String(span.current));
    row.querySelector("[data-tools]").hidden = !span.current;
    for (const button of row.querySelectorAll("[data-label]")) button.setAttribute("aria-label", button.dataset.label.replace("%n", at + 1));
    return row;
  }

  bar({ panes: { answer, source }, marks, current, span }) {
    const about = answer.chosen ? this.words.markAs : span ? this.words.kindOf.replace("%n", current + 1) : this.words.selectFirst;
    this.tell("about", about);
    this.tell("chosen", answer.chosen ? excerpt(answer.quote.trim()) : "");
    this.tell("chosen-source", source.chosen ? this.words.sourceChosen.replace("%text", () => excerpt(source.quote.trim())) : "");
    for (const button of this.form.querySelectorAll("[data-bar] button[data-kind]")) {
      button.setAttribute("aria-pressed", String(!answer.chosen && span?.kind === button.dataset.kind));
      button.setAttribute("aria-disabled", String(!answer.chosen && !span));
    }
    for (const name of ["link", "unlink"]) this.form.querySelector(`[data-bar] [data-do="${name}"]`).setAttribute("aria-disabled", String(!span || (name === "link" && !source.chosen)));
    const nothing = this.form.querySelector('[data-do="nothing"]');
    nothing.setAttribute("aria-pressed", String(marks.now.nothing));
    nothing.setAttribute("aria-disabled", String(marks.spans.length > 0));
    this.part("submit").setAttribute("aria-disabled", String(!marks.ready));
    this.tell("count", marks.now.nothing ? this.words.nothing : this.words.count.replace("%n", marks.spans.length));
  }
}

// Long quotes are cut in the middle: how they begin and end is what tells them apart.
function excerpt(text) {
  const points = Array.from(text.replace(/\s+/g, " "));
  return points.length <= EXCERPT ? points.join("") : `${points.slice(0, EXCERPT - 30).join("")} … ${points.slice(-25).join("")}`;
}
