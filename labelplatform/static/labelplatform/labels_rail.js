// The slim column with the letters in it: ratings while they are given, then places. What is dragged or tapped is small.
export class Rail {
  constructor(form, work, order, words) {
    Object.assign(this, { form, work, order, words, element: form.querySelector("[data-rail]") });
  }
  part(name) { return this.element.querySelector(`[data-${name}]`); }

  chip(letter, focused, state) {
    const chip = document.createElement("button");
    Object.assign(chip, { type: "button", className: `chip${letter === focused ? " is-focused" : ""}`, textContent: letter });
    chip.dataset.letter = letter;
    chip.setAttribute("aria-label", `${this.words.chip.replace("%letter", letter)}: ${state}`);
    return chip;
  }

  row(number, chips, drop) {
    const [tier, label, held] = ["li", "span", "span"].map((tag) => document.createElement(tag));
    [tier.className, label.className, held.className] = ["tier", "tier__number", "tier__chips"];
    tier.dataset.drop = drop;
    label.textContent = number;
    held.append(...chips);
    tier.append(label, held);
    return tier;
  }

  // Between the rows one can drop a chip too: there it gets a place of its own.
  between(place) {
    const gap = document.createElement("li");
    gap.className = "tier--gap";
    gap.dataset.drop = `above:${place}`;
    gap.setAttribute("aria-hidden", "true");
    return gap;
  }

  // How clear the gap above a tier is; asked only when the order is whole, and never needed.
  clearness(tier) {
    const { order, words } = this, gap = order.gapAbove(tier[0]);
    if (!gap || !order.complete) return null;
    const button = document.createElement("button"), said = [words.gapUntold, words.gapSlight, words.gapClear, words.gapLarge][order.margin(gap)];
    Object.assign(button, { type: "button", className: "tier__gap", textContent: order.margin(gap) ? `↥ ${said}` : "↥ ?" });
    button.dataset.gap = gap;
    button.setAttribute("aria-label", words.gap.replace("%above", gap.split(">")[0].split("").join(", ")).replace("%below", tier.join(", ")).replace("%said", said));
    return button;
  }

  show(focused, state) {
    const { work, order, words } = this, rating = work.now.stage === "rate", active = this.remembered();
    const chips = (letters) => letters.map((letter) => this.chip(letter, focused, state(letter)));
    const rows = rating ? [7, 6, 5, 4, 3, 2, 1].map((value) => this.row(value, chips(order.letters.filter((letter) => work.now.ratings[letter] === value)), `${value}`))
      : order.letters.flatMap((_letter, n) => {
        const tier = order.at(n + 1), row = this.row(n + 1, chips(tier), `${n + 1}`), gap = tier.length ? this.clearness(tier) : null;
        if (gap) row.append(gap);
        return [this.between(n + 1), row];
      });
    this.part("tiers").replaceChildren(...rows);
    const waiting = rating ? work.unrated : order.unplaced;
    this.part("unplaced").replaceChildren(...chips(waiting));
    this.part("unplaced").parentElement.hidden = !waiting.length;
    this.part("rail-title").textContent = rating ? words.railRating : words.railRanking;
    this.part("unplaced-title").textContent = rating ? words.notRatedYet : words.notPlacedYet;
    this.part("proposal").hidden = rating || !work.now.proposed;
    this.part("rank-tools").hidden = rating;
    active();
  }

  // Rows are made anew: whoever had the focus in here keeps it.
  remembered() {
    const { activeElement } = document;
    if (!this.element.contains(activeElement)) return () => {};
    const { letter, gap } = activeElement.dataset;
    const wanted = letter ? `.chip[data-letter="${letter}"]` : gap ? `[data-gap="${gap}"]` : null;
    return () => { if (wanted) this.element.querySelector(wanted)?.focus({ preventScroll: true }); };
  }
}
