// How every page for labels ends: it hands in and goes on to what comes next, or it is left and lets go of what it holds.

// `page` has form, words, log, keeping, next and stop, and tells a `problem`; `restart` opens the page that takes its place.
export async function handIn(page, { fields = {}, told = { presort: false, rateFirst: false }, restart }) {
  const { form, log, keeping, next, stop } = page;
  page.sending = true;
  page.tell("saved", page.words.submitting);
  const all = { ...fields, seconds: Math.round(log.seconds), log: log.report(told) };
  for (const [name, value] of Object.entries(all)) form.elements[name].value = value;
  const answer = await keeping.submit();
  page.sending = false;
  if (!answer.next) { page.problem(answer.problem); return; }
  stop.abort();
  if (answer.plain && next.show(answer.next)) restart();
  else location.assign(answer.next);
}

// Once for each page: what is left unfinished is saved, and nobody waits for what nobody works on.
export function lettingGo(page) {
  const { form, keeping, next, stop, signal } = page;
  document.addEventListener("labels:skipped", () => { keeping.sent = true; stop.abort(); }, { signal });
  addEventListener("pagehide", () => {
    if (keeping.sent) return;
    keeping.leave();
    keeping.beacon(form.dataset.leaveUrl);
    next.leave();
  }, { signal });
}
