// The skip dialog of a label page of any kind: `[data-skip]` opens it, a digit or a tap chooses the reason. It listens
// on the document, so that it goes on where one item's page is put in place of another's.
//
// Before it leaves it says so by the event `labels:skipped`, upon which the page stops keeping what was skipped.
const SIGNED_OUT = 403;
let sending = false, opener = null;

const dialogOf = () => document.querySelector("[data-skip-dialog]");

function open(button) {
  const dialog = dialogOf();
  if (!dialog || dialog.open) return;
  // Pressed by its key, the focus was elsewhere, and goes back there.
  opener = document.activeElement && document.activeElement !== document.body ? document.activeElement : button;
  tell(dialog, "");
  dialog.showModal();
  dialog.querySelector("h2").focus();
}

function tell(dialog, text) {
  const place = dialog.querySelector("[data-skip-problem]");
  place.textContent = text;
  place.hidden = !text;
}

async function send(form) {
  if (sending) return;
  const dialog = dialogOf();
  if ("preview" in form.dataset) { tell(dialog, form.dataset.nothingStored); return; }
  sending = true;
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } }).catch(() => null);
  const told = answer && !answer.redirected && (answer.headers.get("Content-Type") || "").startsWith("application/json") ? await answer.json() : null;
  sending = false;
  if (told?.next) {
    document.dispatchEvent(new CustomEvent("labels:skipped"));
    location.assign(told.next);
  } else tell(dialog, told?.problem || (answer && (answer.redirected || answer.status === SIGNED_OUT) ? form.dataset.signedOut : form.dataset.offline));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-skip]");
  if (button) { event.preventDefault(); open(button); }
  if (event.target.closest("[data-skip-close]")) dialogOf().close();
});
document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-skip-form]");
  if (form) { event.preventDefault(); send(form); }
});
document.addEventListener("close", (event) => {
  if (event.target === dialogOf() && opener?.isConnected) opener.focus();
}, true);
document.addEventListener("keydown", (event) => {
  const dialog = event.target.closest("[data-skip-dialog]");
  if (!dialog || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input:not([type=radio])"), reasons = dialog.querySelectorAll('[name="reason"]');
  const chosen = /^[1-9]$/.test(event.key) && !typing ? reasons[Number(event.key) - 1] : null;
  if (chosen) { event.preventDefault(); chosen.checked = true; chosen.focus(); tell(dialog, ""); }
  else if (event.key === "Enter" && !event.repeat && !event.target.closest("button, input")) { event.preventDefault(); dialog.querySelector("form").requestSubmit(); }
});
