// Chips are dragged with pointer events, so that mouse, finger and pen are one thing; a press without a move is a click.
const SLACK = 6;

export function draggable(rail, { drop, pick }) {
  let chip = null, ghost = null, start = null;

  function target(event) {
    const under = document.elementFromPoint(event.clientX, event.clientY);
    return under && rail.contains(under) ? under.closest("[data-drop]") : null;
  }
  function mark(place) {
    for (const marked of rail.querySelectorAll(".is-target")) if (marked !== place) marked.classList.remove("is-target");
    if (place) place.classList.add("is-target");
  }
  function end(event, dropped) {
    if (ghost && dropped) { const place = target(event); if (place) drop(chip.dataset.letter, place.dataset.drop); }
    if (ghost) ghost.remove();
    if (chip) chip.classList.remove("is-dragged");
    mark(null);
    chip = ghost = start = null;
  }

  rail.addEventListener("pointerdown", (event) => {
    const found = event.target.closest(".chip");
    if (!found || event.button > 0) return;
    [chip, start] = [found, event];
    chip.setPointerCapture(event.pointerId);
  });
  rail.addEventListener("pointermove", (event) => {
    if (!chip) return;
    if (!ghost && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > SLACK) {
      ghost = chip.cloneNode(true);
      ghost.classList.add("chip--ghost");
      ghost.setAttribute("aria-hidden", "true");
      document.body.append(ghost);
      chip.classList.add("is-dragged");
    }
    if (!ghost) return;
    ghost.style.transform = `translate(${event.clientX}px, ${event.clientY}px)`;
    mark(target(event));
    event.preventDefault();
  });
  rail.addEventListener("pointerup", (event) => {
    const [was, dragged] = [chip, Boolean(ghost)];
    end(event, true);
    if (!was || !dragged) return;
    // The click that may follow a drag would pick the chip a second time.
    const swallow = (click) => click.stopPropagation();
    rail.addEventListener("click", swallow, { capture: true });
    setTimeout(() => rail.removeEventListener("click", swallow, { capture: true }));
  });
  rail.addEventListener("pointercancel", (event) => end(event, false));
  rail.addEventListener("click", (event) => {
    const found = event.target.closest(".chip");
    if (found) pick(found.dataset.letter, event);
  });
}
