// The ranking page: keys, buttons and chips all change one Order; the view shows it, keeping saves it.
import { Compare } from "./labels_compare.js";
import { draggable } from "./labels_drag.js";
import { Keeping } from "./labels_keeping.js";
import { Order } from "./labels_order.js";
import { RankView } from "./labels_view.js";

const form = document.querySelector("[data-rank]");
if (form) start(form);

function start(form) {
  const letters = [...form.querySelectorAll("[data-letter]")].map((card) => card.dataset.letter);
  const order = new Order(letters);
  const view = new RankView(form, order);
  const { words, cards } = view;
  const keeping = new Keeping(form, words, (name, text, urgent) => view.tell(name, text, urgent));
  const draft = keeping.draft();
  order.restore(draft);
  const unacceptable = form.elements.unacceptable;
  let focused = letters.includes(draft.focus) ? draft.focus : letters[0];
  let sending = false;

  const partial = form.hasAttribute("data-allow-unranked");
  const mayNotSubmit = () => !unacceptable.checked && (partial ? order.last === 0 : !order.complete);
  const show = () => view.show(focused, mayNotSubmit());

  function save() {
    const flags = Object.fromEntries(letters.map((letter) => [letter, view.flagsOf(letter)]).filter(([, names]) => names.length));
    keeping.save({ places: order.places, history: order.past.slice(-50), focus: focused, flags, unacceptable: unacceptable.checked });
  }

  function focus(letter, { move = true } = {}) {
    focused = letter;
    show();
    if (!move) return;
    cards[letter].focus({ preventScroll: true });
    cards[letter].scrollIntoView({ block: "nearest", inline: "center" });
  }

  // Shows a change that was made, says it and keeps it.
  function act(letter, changed, told = order.tiedWith(letter).length ? words.movedTied : words.moved) {
    if (!changed) return;
    show();
    save();
    view.say(view.fill(told, letter));
  }

  function step(by) { focus(letters[(letters.indexOf(focused) + by + letters.length) % letters.length]); }
  function takeBack() { const letter = order.lastPlaced; act(letter, order.takeBack(letter), words.takenBack); }
  function next(letter, how) {
    focus(letter, how);
    if (order.places[letter]) view.say(view.fill(words.already, letter));
    else act(letter, order.next(letter));
  }

  async function submit() {
    if (sending) return;
    if (mayNotSubmit()) { tellBoth(words.missing.replace("%letters", order.unplaced.join(", "))); return; }
    sending = true;
    view.tell("saved", words.submitting);
    const told = await keeping.submit();
    if (told.next) { location.assign(told.next); return; }
    sending = false;
    tellBoth(told.problem);
  }
  function tellBoth(text) { view.tell("saved", text); view.say(text); }

  // After each answer the better known of the two meets the next one that has no place yet.
  const compare = new Compare(document.querySelector("[data-compare]"), cards, (left, right, verdict) => {
    const before = JSON.stringify(order.places);
    if (verdict === "tie") order.equal(left, right);
    else order.prefer(...(verdict === "left" ? [left, right] : [right, left]));
    focused = right;
    act(right, JSON.stringify(order.places) !== before);
    show();
    const following = letters.slice(letters.indexOf(right) + 1).find((letter) => !order.places[letter]);
    return following ? [right, following] : null;
  });
  function openCompare() {
    const index = Math.max(1, letters.indexOf(focused));
    compare.open(letters[index - 1], letters[index]);
  }

  const actions = {
    up: () => act(focused, order.up(focused)), down: () => act(focused, order.down(focused)),
    tie: () => act(focused, order.tie(focused)), split: () => act(focused, order.split(focused)),
    undo: () => act("", order.undo(), words.undone), redo: () => act("", order.redo(), words.undone),
    compare: openCompare, help: () => document.querySelector("[data-keys]").showModal(),
  };
  const keys = {
    j: () => step(1), k: () => step(-1), ArrowUp: actions.up, ArrowDown: actions.down, "=": actions.tie, "-": actions.split,
    Backspace: takeBack, u: actions.undo, U: actions.redo, x: openCompare, c: openCompare, "?": actions.help, Enter: submit,
    n: () => unacceptable.click(), g: () => document.querySelector("[data-guidelines]").click(),
  };
  const single = document.querySelector("[data-single-keys]");
  single.checked = localStorage.getItem("single-keys") !== "off";
  single.addEventListener("change", () => localStorage.setItem("single-keys", single.checked ? "on" : "off"));

  // One rule: letters of answers are answers, digits are places, commands are what is left.
  function pressed(event) {
    const key = event.key, modified = event.ctrlKey || event.metaKey;
    if (modified && key.toLowerCase() === "z") return event.shiftKey ? actions.redo : actions.undo;
    if (modified || event.altKey || (!single.checked && key.length === 1)) return null;
    if (cards[key.toUpperCase()] && !event.shiftKey) return () => next(key.toUpperCase());
    if (/^[1-9]$/.test(key)) return () => act(focused, order.put(focused, Number(key)));
    // Arrows scroll until the answer has a place to be moved from.
    return key.startsWith("Arrow") && !order.places[focused] ? null : keys[key];
  }
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea, dialog");
    const pressing = [" ", "Enter"].includes(event.key) && event.target.closest("button, a, summary, input");
    const action = typing || pressing ? null : pressed(event);
    if (!action) return;
    action();
    event.preventDefault();
  });

  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-tier], [data-do], [data-jump]"), card = event.target.closest(".answer");
    if (card && card.dataset.letter !== focused) focus(card.dataset.letter, { move: false });
    if (button?.dataset.jump) focus(button.dataset.jump);
    else if (button?.dataset.tier) act(focused, order.put(focused, Number(button.dataset.tier)));
    else if (button) actions[button.dataset.do]();
  });
  form.addEventListener("focusin", (event) => {
    const card = event.target.closest(".answer");
    if (card && card.dataset.letter !== focused) focus(card.dataset.letter, { move: false });
  });
  form.addEventListener("change", () => { show(); save(); });
  unacceptable.addEventListener("change", () => view.say(unacceptable.checked ? words.unacceptable : words.acceptable));
  form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  view.onSwipe((letter) => { if (letter !== focused) focus(letter, { move: false }); });
  draggable(view.rail, {
    // Tapped in order of preference, the rail stays where it is.
    pick: (letter) => (order.places[letter] ? focus(letter) : next(letter, { move: false })),
    drop: (letter, where) => {
      focused = letter;
      if (where === "0") act(letter, order.takeBack(letter), words.takenBack);
      else if (where.startsWith("above:")) act(letter, order.insert(letter, Number(where.slice(6))));
      else act(letter, order.put(letter, Number(where)));
    },
  });

  unacceptable.checked = draft.unacceptable ?? unacceptable.checked;
  view.restoreFlags(draft.flags || {});
  view.takeOver();
  focus(focused);
  keeping.tick();
}
