// What the ranking page shows of an Order: each card's place, the rail with its chips, the row of letters, the words said aloud.
export class RankView {
  constructor(form, order) {
    Object.assign(this, { form, order, words: form.querySelector("[data-words]").dataset, rail: form.querySelector("[data-rail]") });
    this.cards = Object.fromEntries([...form.querySelectorAll("[data-letter]")].map((card) => [card.dataset.letter, card]));
  }

  part(name) { return this.form.querySelector(`[data-${name}]`); }
  tell(name, text, urgent = false) {
    const place = this.form.querySelector(`[data-show="${name}"]`);
    if (place.textContent !== text) place.textContent = text;
    place.classList.toggle("is-urgent", urgent);
  }
  say(text) { this.tell("aloud", text); }

  flagsOf(letter) { return [...this.cards[letter].querySelectorAll('input[type="checkbox"]:checked')].map((box) => box.value); }
  restoreFlags(flags) {
    for (const [letter, names] of Object.entries(flags)) {
      for (const box of this.cards[letter].querySelectorAll('input[type="checkbox"]')) box.checked = names.includes(box.value);
    }
  }

  fill(text, letter) {
    const { order } = this;
    return text.replace("%letter", letter).replace("%n", order.ranks[letter]).replace("%all", order.letters.length).replace("%others", order.tiedWith(letter).join(", "));
  }
  place(letter) {
    if (!this.order.places[letter]) return this.words.notPlaced;
    return this.fill(this.order.tiedWith(letter).length ? this.words.inPlaceTied : this.words.inPlace, letter);
  }

  button(className, letter, text) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className, textContent: text });
    button.setAttribute("aria-label", `${this.words.chip.replace("%letter", letter)}: ${this.place(letter)}`);
    return button;
  }
  chip(letter) {
    const chip = this.button(`chip${letter === this.focused ? " is-focused" : ""}`, letter, letter);
    chip.dataset.letter = letter;
    return chip;
  }
  // On a phone one answer fills the screen: this row leads to the others.
  jump(letter) {
    const rank = this.order.ranks[letter];
    const jump = this.button(`rank__jump${rank ? " is-placed" : ""}`, letter, rank ? `${letter} ${rank}` : letter);
    jump.dataset.jump = letter;
    jump.setAttribute("aria-current", String(letter === this.focused));
    return jump;
  }
  row(place) {
    const [gap, tier, number, chips] = ["li", "li", "span", "span"].map((tag) => document.createElement(tag));
    [gap.className, tier.className, number.className, chips.className] = ["tier--gap", "tier", "tier__number", "tier__chips"];
    gap.dataset.drop = `above:${place}`;
    gap.setAttribute("aria-hidden", "true");
    tier.dataset.drop = `${place}`;
    number.textContent = place;
    chips.append(...this.order.at(place).map((letter) => this.chip(letter)));
    tier.append(number, chips);
    return [gap, tier];
  }

  show(focused, mayNotSubmit) {
    const { order, cards } = this;
    this.focused = focused;
    for (const letter of order.letters) this.showCard(cards[letter], letter);
    const active = this.rail.contains(document.activeElement) ? document.activeElement.dataset.letter : null;
    this.part("letters").replaceChildren(...order.letters.map((letter) => this.jump(letter)));
    this.part("tiers").replaceChildren(...order.letters.flatMap((_letter, n) => this.row(n + 1)));
    this.part("unplaced").replaceChildren(...order.unplaced.map((letter) => this.chip(letter)));
    if (active) this.rail.querySelector(`.chip[data-letter="${active}"]`)?.focus();
    this.tell("placed", this.words.count.replace("%placed", order.letters.length - order.unplaced.length).replace("%all", order.letters.length));
    this.part("submit").setAttribute("aria-disabled", String(mayNotSubmit));
  }
  showCard(card, letter) {
    const place = this.order.places[letter];
    card.classList.toggle("is-focused", letter === this.focused);
    card.classList.toggle("is-placed", Boolean(place));
    card.querySelector("[data-place]").textContent = this.place(letter);
    card.querySelector(`[name="place-${letter}"]`).value = place || "";
    card.querySelector("[data-flag-count]").textContent = this.flagsOf(letter).length || "";
    for (const button of card.querySelectorAll("[data-tier]")) button.setAttribute("aria-pressed", String(Number(button.dataset.tier) === place));
  }

  // Boxes for people without a script give way to buttons, chips and keys.
  takeOver() {
    for (const box of this.form.querySelectorAll("[data-box]")) box.hidden = true;
    for (const tools of this.form.querySelectorAll("[data-tools]")) tools.hidden = false;
    this.part("unplaced").parentElement.dataset.drop = "0";
    this.rail.hidden = this.part("letters").hidden = false;
    this.form.dataset.ready = "";
  }

  // A swipe to another answer is a look at it: what is done next is done to that one.
  onSwipe(seen) {
    const answers = this.form.querySelector(".rank__answers");
    answers.addEventListener("scrollend", () => {
      if (answers.scrollWidth <= answers.clientWidth) return;
      const middle = answers.getBoundingClientRect().left + answers.clientWidth / 2;
      const found = this.order.letters.find((letter) => { const box = this.cards[letter].getBoundingClientRect(); return box.left <= middle && box.right >= middle; });
      if (found) seen(found);
    });
  }
}
