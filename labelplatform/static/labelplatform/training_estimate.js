// <form data-estimate="URL">: asks what the run would take as the form changes, and shows the answer in [data-estimated].
// Without this script the button [data-reckon] asks for the whole page with the estimate in it.
const WAIT = 400;
const form = document.querySelector("form[data-estimate]");
const region = form.querySelector("[data-estimated]");
let timer = 0;
let asking = null;

async function ask() {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  region.setAttribute("aria-busy", "true");
  const told = { method: "POST", body: new FormData(form), signal, headers: { "X-Requested-With": "fetch" } };
  const answer = await fetch(form.dataset.estimate, told).catch(() => null);
  const text = answer?.ok ? await answer.text().catch(() => null) : null;
  if (signal.aborted) return;
  const open = Boolean(region.querySelector("details")?.open);
  if (text === null) region.textContent = region.dataset.failed;
  else region.innerHTML = text;
  const parts = region.querySelector("details");
  if (parts) parts.open = open;
  region.removeAttribute("aria-busy");
}

// A name changes nothing of what a run takes.
form.addEventListener("input", (event) => {
  if (event.target.name === "name") return;
  clearTimeout(timer);
  timer = setTimeout(ask, WAIT);
});
// What is refused by the browser in a folded group must be seen.
form.addEventListener("invalid", (event) => {
  const folded = event.target.closest("details");
  if (folded) folded.open = true;
}, true);
form.querySelector("[data-reckon]").hidden = true;
ask();
