// Asks for the moving part of a page once a second while its job goes on; opened tables and the log stay open.
const place = document.querySelector("[data-live]");
const PERIOD = 1000;
const PATIENCE = 15000;

function openOnes() {
  return [...place.querySelectorAll("details")].map((each) => each.open);
}

async function refresh() {
  const answer = await fetch(place.dataset.live, { headers: { Accept: "text/html" }, redirect: "error" });
  if (!answer.ok) throw new Error(`the page answered ${answer.status}`);
  const open = openOnes();
  const log = place.querySelector(".log");
  const followed = !log || log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
  const top = log ? log.scrollTop : 0;
  place.innerHTML = await answer.text();
  [...place.querySelectorAll("details")].forEach((each, at) => { each.open = open[at] ?? false; });
  const renewed = place.querySelector(".log");
  if (renewed) renewed.scrollTop = followed ? renewed.scrollHeight : top;
}

async function follow(wait) {
  const live = place.querySelector("#live");
  if (!live || live.dataset.moving !== "yes") { if (follow.moved) location.reload(); return; }
  follow.moved = true;
  let next = PERIOD;
  try { if (!document.hidden) await refresh(); } catch { next = Math.min(wait * 2, PATIENCE); }
  setTimeout(() => follow(next), next);
}

if (place) follow(PERIOD);
