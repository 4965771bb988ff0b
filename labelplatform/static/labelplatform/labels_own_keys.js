// A person's own keys for commands: what they pressed is translated into the key that the page knows the command by.
// What they moved elsewhere is no command any more. Answers' letters and values' digits are not commands and stay.
export class OwnKeys {
  constructor() {
    this.kept = document.querySelector("[data-own-keys]");
    this.take(JSON.parse(this.kept?.dataset.ownKeys || "{}"));
    const link = document.querySelector("[data-own-keys-page]");
    // The choice is made on a page of its own; back here it holds at once.
    link?.addEventListener("click", () => addEventListener("focus", () => this.read(link.href), { once: true }));
  }

  // `own`: their keys by the usual ones of the same commands.
  take(own) {
    this.usual = Object.fromEntries(Object.entries(own).map(([usual, key]) => [key, usual]));
    this.moved = new Set(Object.keys(own));
    for (const place of document.querySelectorAll("kbd")) {
      place.dataset.usual ??= place.textContent.trim();
      place.textContent = own[place.dataset.usual] ?? place.dataset.usual;
    }
  }
  async read(address) {
    const answer = await fetch(address, { headers: { Accept: "application/json" } }).catch(() => null);
    if (answer?.ok && !answer.redirected) this.take((await answer.json())[this.kept.dataset.keysOf]);
  }

  // The usual key of what was meant; null where it means nothing.
  meant(key) { return this.usual[key] ?? (this.moved.has(key) ? null : key); }
}
