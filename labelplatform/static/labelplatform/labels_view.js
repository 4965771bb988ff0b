// What the ranking page shows of the work: each card, the row of letters, the bar on a phone, the words said aloud.
export class RankView {
  constructor(form, work, order) {
    Object.assign(this, { form, work, order, words: form.querySelector("[data-words]").dataset });
    this.cards = Object.fromEntries([...form.querySelectorAll(".answer[data-letter]")].map((card) => [card.dataset.letter, card]));
  }

  part(name) { return this.form.querySelector(`[data-${name}]`); }
  tell(name, text, urgent = false) {
    const place = this.form.querySelector(`[data-show="${name}"]`);
    write(place, String(text));
    place.classList.toggle("is-urgent", urgent);
  }
  say(text) { this.tell("aloud", text); }

  fill(text, letter) {
    const { order, work } = this;
    const parts = { "%letter": letter, "%n": order.ranks[letter], "%all": order.tiers.length, "%others": order.tiedWith(letter).join(", "), "%rating": work.now.ratings[letter] };
    return text.replace(/%[a-z]+/g, (part) => parts[part] ?? part);
  }
  place(letter) {
    if (!this.order.places[letter]) return this.words.notPlaced;
    return this.fill(this.order.tiedWith(letter).length ? this.words.inPlaceTied : this.words.inPlace, letter);
  }
  rating(letter) { return this.work.now.ratings[letter] ? this.fill(this.words.rated, letter) : this.words.notRated; }
  state(letter) { return this.work.now.stage === "rate" ? this.rating(letter) : this.place(letter); }

  // On a phone one answer fills the screen: this row leads to the others.
  jump(letter) {
    const { now } = this.work, told = now.stage === "rate" ? now.ratings[letter] : this.order.ranks[letter], jump = document.createElement("button");
    Object.assign(jump, { type: "button", className: `rank__jump${told ? " is-placed" : ""}`, textContent: told ? `${letter} ${told}` : letter });
    jump.dataset.jump = letter;
    jump.setAttribute("aria-label", `${letter}: ${this.state(letter)}`);
    jump.setAttribute("aria-current", String(letter === this.focused));
    return jump;
  }

  show(focused, { ready, pane }) {
    const { order, work, words, form } = this, rating = work.now.stage === "rate";
    this.focused = focused;
    Object.assign(form.dataset, { stage: work.now.stage, pane });
    for (const letter of order.letters) this.showCard(this.cards[letter], letter);
    const held = document.activeElement?.dataset.jump;
    this.part("letters").replaceChildren(...order.letters.map((letter) => this.jump(letter)));
    if (held) form.querySelector(`[data-jump="${held}"]`)?.focus({ preventScroll: true });
    const done = rating ? work.rated.length : order.letters.length - order.unplaced.length;
    this.tell("placed", (rating ? words.countRated : words.count).replace("%done", done).replace("%all", order.letters.length));
    const submit = this.part("submit");
    submit.setAttribute("aria-disabled", String(!ready));
    this.tell("submit", rating ? words.toRanking : work.now.proposed ? words.confirm : words.toSubmit);
    for (const back of form.querySelectorAll('[data-do="back"]')) back.hidden = rating || !work.rateFirst;
    say(form.querySelector('[data-do="write"]'), "aria-pressed", String(Boolean(work.now.better.trim())));
    form.elements.unacceptable.checked = work.now.unacceptable;
    this.tell("pane", pane === "order" ? words.toAnswers : words.toOrder);
    this.showBar(focused, rating);
  }

  showCard(card, letter) {
    const { work, order } = this, place = order.places[letter], rating = work.now.ratings[letter];
    const done = work.now.stage === "rate" ? rating : place;
    card.classList.toggle("is-focused", letter === this.focused);
    card.classList.toggle("is-placed", Boolean(done));
    write(card.querySelector("[data-place]"), this.state(letter));
    card.querySelector(`[name="place-${letter}"]`).value = place || "";
    const box = card.querySelector(`[name="rating-${letter}"]`);
    if (box) box.value = rating || "";
    const flags = work.now.flags[letter] || [];
    write(card.querySelector("[data-flag-count]"), flags.length ? String(flags.length) : "");
    write(card.querySelector("[data-mark-count]"), String(work.now.marks[letter]?.length || ""));
    for (const flag of card.querySelectorAll(`[name="flags-${letter}"]`)) flag.checked = flags.includes(flag.value);
    press(card, rating, Boolean(place));
  }

  showBar(letter, rating) {
    const bar = this.part("bar");
    this.tell("letter", letter);
    this.tell("letter-state", this.state(letter));
    press(bar, this.work.now.ratings[letter], Boolean(this.order.places[letter]));
    bar.querySelector("[data-rating]")?.toggleAttribute("hidden", !rating);
    bar.querySelector("[data-tools]").hidden = rating;
  }

  // Boxes for people without a script give way to buttons, chips and keys.
  takeOver() {
    for (const box of this.form.querySelectorAll("[data-box]")) box.hidden = true;
    this.part("unplaced").parentElement.dataset.drop = "0";
    for (const name of ["rail", "letters", "bar", "views"]) this.part(name).hidden = false;
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

// Long answers make every needless change dear: what stands there already is left alone.
function write(place, text) { if (place.textContent !== text) place.textContent = text; }
function say(button, name, value) { if (button.getAttribute(name) !== value) button.setAttribute(name, value); }
function press(where, rating, placed) {
  for (const button of where.querySelectorAll("[data-rate]")) say(button, "aria-pressed", String(Number(button.dataset.rate) === rating));
  for (const button of where.querySelectorAll('[data-do="next"]')) write(button, placed ? button.dataset.placed : button.dataset.free);
}
