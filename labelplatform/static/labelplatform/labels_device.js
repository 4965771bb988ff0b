// A small shelf on this device for drafts. IndexedDB hands a write to the system at once, so that it outlives a browser
// that is killed; where there is none (private windows), the server's copy is the only one.
const NAME = "labelplatform", SHELF = "drafts", DAYS = 7 * 24 * 3600 * 1000;

function opened() {
  return new Promise((resolve) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(SHELF);
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => resolve(null);
  });
}

export class Device {
  constructor() { this.shelf = opened().catch(() => null); }

  async ask(mode, question) {
    const shelf = await this.shelf;
    if (!shelf) return null;
    return new Promise((resolve) => {
      const answer = question(shelf.transaction(SHELF, mode).objectStore(SHELF));
      answer.onsuccess = () => resolve(answer.result);
      answer.onerror = () => resolve(null);
    });
  }

  read(place) { return this.ask("readonly", (shelf) => shelf.get(place)); }
  write(place, draft) { return this.ask("readwrite", (shelf) => shelf.put(draft, place)); }
  remove(place) { return this.ask("readwrite", (shelf) => shelf.delete(place)); }

  // What was never submitted does not stay for good.
  async tidy() {
    const places = await this.ask("readonly", (shelf) => shelf.getAllKeys()) || [];
    for (const place of places) {
      const draft = await this.read(place);
      if (!draft || Date.now() - (draft.at || 0) > DAYS) await this.remove(place);
    }
  }
}
