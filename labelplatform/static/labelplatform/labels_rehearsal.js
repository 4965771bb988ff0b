// The preview for researchers: what keeps an annotator's work is replaced by something that keeps nothing, neither here
// nor on the server, and a submission is answered with what it would have stored.
import { Keeping } from "./labels_keeping.js";

export class Rehearsal extends Keeping {
  async draft() { return {}; }
  save() { this.told("saved", this.words.notKept); }
  saveNow() {}
  leave() {}
  beacon() {}
  // A text that is being written is rendered; signs of life and the look for the next item are
  // answered as a server would that promises for ever, and nothing else.
  async post(url, body) { return url === this.form.querySelector("[data-preview-url]")?.dataset.previewUrl ? super.post(url, body) : Response.json({ seconds_left: Number(this.form.dataset.secondsLeft), next: "" }); }

  async submit() {
    const answer = await super.post(location.href, new FormData(this.form)).catch(() => null);
    const told = answer && (answer.headers.get("Content-Type") || "").startsWith("application/json") ? await answer.json() : null;
    if (!told?.would_store) return { problem: told?.problem || this.words.offline };
    show(told.would_store);
    return { problem: this.words.nothingStored };
  }
}

export const keeperOf = (form) => ("preview" in form.dataset ? Rehearsal : Keeping);

function show(stored) {
  const dialog = document.querySelector("[data-would-store]"), list = dialog.querySelector("dl");
  list.replaceChildren(...stored.flatMap((pair) => pair.map((text, at) => Object.assign(document.createElement(at ? "dd" : "dt"), { textContent: text }))));
  dialog.showModal();
}
