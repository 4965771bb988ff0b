// <section data-live="URL" data-live-seconds="2">: fetches the fragment and swaps it in, as long as the answer asks for more
// (header "X-Live: on"). What is focused, open or selected inside survives, since an unchanged fragment is left alone.
for (const region of document.querySelectorAll("[data-live]")) follow(region);

function follow(region) {
  const wait = Number(region.dataset.liveSeconds || 2) * 1000;
  let before = null;
  async function step() {
    if (document.hidden) return setTimeout(step, wait);
    const answer = await fetch(region.dataset.live, { headers: { "X-Requested-With": "fetch" } }).catch(() => null);
    if (answer && answer.ok) {
      const text = await answer.text();
      if (text !== before && !region.contains(document.activeElement)) {
        region.innerHTML = text;
        before = text;
        region.dispatchEvent(new CustomEvent("live", { bubbles: true }));
      }
      if (answer.headers.get("X-Live") !== "on") return undefined;
    }
    return setTimeout(step, wait);
  }
  setTimeout(step, wait);
}
