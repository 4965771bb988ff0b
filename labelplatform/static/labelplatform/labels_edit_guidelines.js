// The preview follows the writing: the page's own preview, asked for again a moment after the last key.
const PAUSE = 500;

const form = document.querySelector("[data-guideline-editor]");
let timer = 0, asked = 0;

async function preview() {
  const body = new FormData(form), number = asked += 1;
  body.set("preview", "1");
  const answer = await fetch(location.href, { method: "POST", body }).catch(() => null);
  if (!answer || !answer.ok || answer.redirected || number !== asked) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html"), seen = page.querySelector("[data-preview]");
  if (seen) document.querySelector("[data-preview]").replaceWith(document.adoptNode(seen));
}

form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(preview, PAUSE); });
