// <section data-live="URL" data-live-seconds="2">: fetches the fragment and swaps it in, as long as the answer asks for more
// (header "X-Live: on"). What is focused or open inside survives, since an unchanged fragment is left alone.
// data-live-then="reload": when the last fragment has come, the page around it has changed too.
for (const region of document.querySelectorAll("[data-live]")) follow(region);

function swap(region, text) {
  const open = [...region.querySelectorAll("details")].map((each) => each.open);
  region.innerHTML = text;
  [...region.querySelectorAll("details")].forEach((each, at) => { each.open = open[at] ?? each.open; });
  region.dispatchEvent(new CustomEvent("live", { bubbles: true }));
}

function follow(region) {
  const wait = Number(region.dataset.liveSeconds || 2) * 1000;
  let before = null;
  async function step() {
    if (document.hidden) return setTimeout(step, wait);
    const answer = await fetch(region.dataset.live, { headers: { "X-Requested-With": "fetch" } }).catch(() => null);
    if (answer && answer.ok) {
      const text = await answer.text();
      if (text !== before && !region.contains(document.activeElement)) {
        swap(region, text);
        before = text;
      }
      if (answer.headers.get("X-Live") !== "on") {
        if (region.dataset.liveThen === "reload") location.reload();
        return undefined;
      }
    }
    return setTimeout(step, wait);
  }
  setTimeout(step, wait);
}
