// The ranking page: keys, buttons and chips all change one Order; this file shows it and says it aloud.
import { Compare } from "./labels_compare.js";
import { draggable } from "./labels_drag.js";
import { Keeping } from "./labels_keeping.js";
import { Order } from "./labels_order.js";

const form = document.querySelector("[data-rank]");
if (form) start(form);

function start(form) {
  const words = form.querySelector("[data-words]").dataset;
  const cards = Object.fromEntries([...form.querySelectorAll("[data-letter]")].map((card) => [card.dataset.letter, card]));
  const letters = Object.keys(cards);
  const rail = form.querySelector("[data-rail]");
  const part = (name) => form.querySelector(`[data-${name}]`);
  const shown = (name) => form.querySelector(`[data-show="${name}"]`);
  const say = (text) => { shown("aloud").textContent = text; };
  const keeping = new Keeping(form, words, (name, text, urgent = false) => {
    shown(name).textContent = text;
    shown(name).classList.toggle("is-urgent", urgent);
  });
  const draft = keeping.draft();
  const order = new Order(letters, draft);
  let focused = letters.includes(draft.focus) ? draft.focus : letters[0];
  let sending = false;

  const refuses = () => !form.elements.unacceptable.checked && (form.hasAttribute("data-allow-unranked") ? order.last === 0 : !order.complete);
  const flagsOf = (letter) => [...cards[letter].querySelectorAll('input[type="checkbox"]:checked')].map((box) => box.value);

  function save() {
    const flags = Object.fromEntries(letters.map((letter) => [letter, flagsOf(letter)]).filter(([, names]) => names.length));
    keeping.save({ places: order.places, history: order.past.slice(-50), focus: focused, flags, unacceptable: form.elements.unacceptable.checked });
  }

  function place(letter) {
    const rank = order.ranks[letter], others = order.tiedWith(letter).join(", ");
    const text = !rank ? words.notPlaced : others ? words.inPlaceTied : words.inPlace;
    return text.replace("%n", rank).replace("%others", others);
  }

  function chip(letter) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = `chip${letter === focused ? " is-focused" : ""}`;
    button.dataset.letter = letter;
    button.textContent = letter;
    button.setAttribute("aria-label", `${words.chip.replace("%letter", letter)}: ${place(letter)}`);
    return button;
  }

  // On a phone one answer fills the screen: this row leads to the others.
  function jump(letter) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = `rank__jump${order.places[letter] ? " is-placed" : ""}`;
    button.dataset.jump = letter;
    button.textContent = order.places[letter] ? `${letter} ${order.ranks[letter]}` : letter;
    button.setAttribute("aria-label", `${words.chip.replace("%letter", letter)}: ${place(letter)}`);
    button.setAttribute("aria-current", String(letter === focused));
    return button;
  }

  function showRail() {
    const rows = letters.flatMap((_letter, index) => {
      const [gap, tier, number, chips] = ["li", "li", "span", "span"].map((tag) => document.createElement(tag));
      [gap.className, tier.className, number.className, chips.className] = ["tier--gap", "tier", "tier__number", "tier__chips"];
      gap.dataset.drop = `above:${index + 1}`;
      gap.setAttribute("aria-hidden", "true");
      tier.dataset.drop = `${index + 1}`;
      number.textContent = index + 1;
      chips.append(...order.at(index + 1).map(chip));
      tier.append(number, chips);
      return [gap, tier];
    });
    part("tiers").replaceChildren(...rows);
    part("unplaced").replaceChildren(...order.unplaced.map(chip));
    part("unplaced").parentElement.dataset.drop = "0";
  }

  function show() {
    for (const letter of letters) {
      const card = cards[letter], flags = flagsOf(letter).length;
      card.classList.toggle("is-focused", letter === focused);
      card.classList.toggle("is-placed", Boolean(order.places[letter]));
      card.querySelector("[data-place]").textContent = place(letter);
      card.querySelector(`[name="place-${letter}"]`).value = order.places[letter] || "";
      card.querySelector("[data-flag-count]").textContent = flags || "";
      for (const button of card.querySelectorAll("[data-tier]")) button.setAttribute("aria-pressed", String(Number(button.dataset.tier) === order.places[letter]));
    }
    part("letters").replaceChildren(...letters.map(jump));
    const active = rail.contains(document.activeElement) ? document.activeElement.dataset.letter : null;
    showRail();
    if (active) rail.querySelector(`.chip[data-letter="${active}"]`)?.focus();
    shown("placed").textContent = words.count.replace("%placed", letters.length - order.unplaced.length).replace("%all", letters.length);
    part("submit").setAttribute("aria-disabled", String(refuses()));
  }

  function focus(letter, { move = true } = {}) {
    focused = letter;
    show();
    if (!move) return;
    cards[letter].focus({ preventScroll: true });
    cards[letter].scrollIntoView({ block: "nearest", inline: "center" });
  }

  // Does a change, shows it, says it and keeps it.
  function act(letter, changed, told) {
    if (!changed) return;
    show();
    save();
    const others = order.tiedWith(letter || "").join(", ");
    const text = told || (others ? words.movedTied : words.moved);
    say(text.replace("%letter", letter).replace("%n", order.ranks[letter]).replace("%all", letters.length).replace("%others", others));
  }

  function step(by) { focus(letters[(letters.indexOf(focused) + by + letters.length) % letters.length]); }
  function takeBack() { const letter = order.lastPlaced; act(letter, order.takeBack(letter), words.takenBack); }
  function next(letter, { move = true } = {}) {
    focus(letter, { move });
    if (order.places[letter]) say(words.already.replace("%letter", letter).replace("%n", order.ranks[letter]));
    else act(letter, order.next(letter));
  }

  async function submit() {
    if (sending) return;
    if (refuses()) {
      shown("saved").textContent = words.missing.replace("%letters", order.unplaced.join(", "));
      say(shown("saved").textContent);
      return;
    }
    sending = true;
    shown("saved").textContent = words.submitting;
    const told = await keeping.submit();
    if (told.next) { location.assign(told.next); return; }
    sending = false;
    shown("saved").textContent = told.problem;
    say(told.problem);
  }

  const compare = new Compare(document.querySelector("[data-compare]"), cards, (left, right, verdict) => {
    const before = JSON.stringify(order.places);
    if (verdict === "tie") order.equal(left, right);
    else order.prefer(...(verdict === "left" ? [left, right] : [right, left]));
    act(right, JSON.stringify(order.places) !== before);
    const following = letters.slice(letters.indexOf(right) + 1).find((letter) => !order.places[letter]);
    focused = right;
    show();
    return following ? [right, following] : null;
  });
  function openCompare() {
    const index = letters.indexOf(focused);
    compare.open(...(index === 0 ? [letters[0], letters[1]] : [letters[index - 1], focused]));
  }

  const actions = {
    up: () => act(focused, order.up(focused)), down: () => act(focused, order.down(focused)),
    tie: () => act(focused, order.tie(focused)), split: () => act(focused, order.split(focused)),
    undo: () => act("", order.undo(), words.undone), redo: () => act("", order.redo(), words.undone),
    compare: openCompare, help: () => document.querySelector("[data-keys]").showModal(),
  };
  const keys = {
    j: () => step(1), k: () => step(-1), ArrowUp: actions.up, ArrowDown: actions.down, "=": actions.tie, "-": actions.split,
    Backspace: takeBack, u: actions.undo, U: actions.redo, x: openCompare, "?": actions.help, Enter: submit,
    n: () => form.elements.unacceptable.click(),
    c: openCompare, g: () => document.querySelector("[data-guidelines]").click(),
  };
  const single = document.querySelector("[data-single-keys]");
  single.checked = localStorage.getItem("single-keys") !== "off";
  single.addEventListener("change", () => localStorage.setItem("single-keys", single.checked ? "on" : "off"));

  document.addEventListener("keydown", (event) => {
    const busy = event.target.closest("button, a, summary, input, select, textarea, dialog");
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea, dialog");
    if (typing || event.altKey || (busy && ["Enter", " "].includes(event.key))) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") { (event.shiftKey ? actions.redo : actions.undo)(); event.preventDefault(); return; }
    if (event.ctrlKey || event.metaKey || (!single.checked && event.key.length === 1)) return;
    const letter = event.key.toUpperCase();
    const arrow = event.key.startsWith("Arrow") && !order.places[focused];
    if (cards[letter] && !event.shiftKey) next(letter);
    else if (/^[1-9]$/.test(event.key)) act(focused, order.put(focused, Number(event.key)));
    else if (keys[event.key] && !arrow) keys[event.key]();
    else return;
    event.preventDefault();
  });

  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-tier], [data-do], [data-jump]");
    const card = event.target.closest("[data-letter].answer");
    if (card && card.dataset.letter !== focused) focus(card.dataset.letter, { move: false });
    if (!button) return;
    if (button.dataset.jump) focus(button.dataset.jump);
    else if (button.dataset.tier) act(focused, order.put(focused, Number(button.dataset.tier)));
    else actions[button.dataset.do]();
  });
  form.addEventListener("focusin", (event) => {
    const card = event.target.closest(".answer");
    if (card && card.dataset.letter !== focused) focus(card.dataset.letter, { move: false });
  });
  form.addEventListener("change", () => { show(); save(); });
  form.elements.unacceptable.addEventListener("change", (event) => say(event.target.checked ? words.unacceptable : words.acceptable));
  form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  draggable(rail, {
    // Tapped in order of preference, the rail stays where it is.
    pick: (letter) => (order.places[letter] ? focus(letter) : next(letter, { move: false })),
    drop: (letter, where) => {
      focused = letter;
      if (where === "0") act(letter, order.takeBack(letter), words.takenBack);
      else if (where.startsWith("above:")) act(letter, order.insert(letter, Number(where.slice(6))));
      else act(letter, order.put(letter, Number(where)));
    },
  });

  for (const box of form.querySelectorAll("[data-box]")) box.hidden = true;
  for (const tools of form.querySelectorAll("[data-tools]")) tools.hidden = false;
  rail.hidden = false;
  part("letters").hidden = false;
  // A swipe to another answer is a look at it: what is done next is done to that one.
  const answers = form.querySelector(".rank__answers");
  answers.addEventListener("scrollend", () => {
    if (answers.scrollWidth <= answers.clientWidth) return;
    const middle = answers.getBoundingClientRect().left + answers.clientWidth / 2;
    const seen = letters.find((letter) => { const box = cards[letter].getBoundingClientRect(); return box.left <= middle && box.right >= middle; });
    if (seen && seen !== focused) focus(seen, { move: false });
  });
  form.elements.unacceptable.checked = draft.unacceptable ?? form.elements.unacceptable.checked;
  for (const [letter, names] of Object.entries(draft.flags || {})) {
    for (const box of cards[letter].querySelectorAll('input[type="checkbox"]')) box.checked = names.includes(box.value);
  }
  form.dataset.ready = "";
  focus(focused);
  keeping.tick();
}
