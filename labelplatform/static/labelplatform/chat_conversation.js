// Several answers to one message share a place: a pager leads through them, and the one shown is what a reply follows.
const region = document.querySelector("[data-chat]");
const composer = document.querySelector("[data-composer]");
const shown = new Map();
if (region) { arrange(); region.addEventListener("live", arrange); region.addEventListener("click", turnPage); }
if (composer) composer.addEventListener("keydown", composerKey);

function arrange() {
  for (const turn of region.querySelectorAll("[data-turn]")) {
    const answers = [...turn.querySelectorAll("[data-answer]")], before = shown.get(turn.dataset.turn);
    // A new answer is shown as soon as it is there; otherwise the page stays where it was turned to.
    const place = before && before.count === answers.length ? before.place : answers.length - 1;
    shown.set(turn.dataset.turn, { place, count: answers.length });
    show(turn, answers, place);
  }
}

function show(turn, answers, place) {
  answers.forEach((answer, n) => { answer.hidden = n !== place; });
  const pager = turn.querySelector("[data-pager]");
  pager.hidden = answers.length < 2;
  pager.querySelector("[data-page]").textContent = `${place + 1}/${answers.length}`;
  if (turn === [...region.querySelectorAll("[data-turn]")].at(-1)) composer.elements.after.value = answers[place]?.dataset.answer || "";
}

function turnPage(event) {
  const button = event.target.closest("[data-step]");
  if (!button) return;
  const turn = button.closest("[data-turn]"), answers = [...turn.querySelectorAll("[data-answer]")];
  const { place } = shown.get(turn.dataset.turn);
  const next = Math.min(answers.length - 1, Math.max(0, place + Number(button.dataset.step)));
  shown.set(turn.dataset.turn, { place: next, count: answers.length });
  show(turn, answers, next);
}

// Enter sends, Shift+Enter makes a line; Alt+ArrowUp leads to the question about the answer.
function composerKey(event) {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); composer.requestSubmit(); }
  if (event.key === "ArrowUp" && event.altKey) [...region.querySelectorAll("[data-answer]:not([hidden]) [data-bar] button")].at(0)?.focus();
}
