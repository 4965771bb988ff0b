// One rule makes the keys learnable: letters a to i are answers, digits are values, commands are what is left.
import { OwnKeys } from "./labels_own_keys.js";

const FLAG_KEYS = "1234567890-", SWITCH = "single-keys";

// `page` tells what there is (letters, stage, focused, placed) and does what a key asks for.
export class Keys {
  constructor(page, dialog, signal) {
    Object.assign(this, { page, flagging: false, lifted: null });
    this.own = new OwnKeys();
    this.single = dialog.querySelector("[data-single-keys]");
    this.single.checked = localStorage.getItem(SWITCH) !== "off";
    this.single.addEventListener("change", () => localStorage.setItem(SWITCH, this.single.checked ? "on" : "off"));
    document.addEventListener("keydown", (event) => this.key(event), { signal });
  }

  key(event) {
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea, dialog[open]");
    const pressing = [" ", "Enter"].includes(event.key) && event.target.closest("button, a, summary, input");
    const action = typing || pressing ? null : this.meaning(event);
    if (!action) return;
    event.preventDefault();
    // A key held down is one press for all that cannot be undone by holding another.
    if (event.repeat && !event.key.startsWith("Arrow")) return;
    this.page.source = "key";
    action();
  }

  meaning(event) {
    const pressed = event.key, { page } = this, modified = event.ctrlKey || event.metaKey;
    if (modified && pressed.toLowerCase() === "z") return event.shiftKey ? page.redo : page.undo;
    if (modified || event.altKey || (!this.single.checked && pressed.length === 1)) return null;
    if (this.flagging) return this.flag(pressed);
    if (this.lifted) { const moved = this.whileLifted(pressed); if (moved) return moved; }
    if (page.letters.includes(pressed.toUpperCase()) && !event.shiftKey) return () => page.answer(pressed.toUpperCase());
    const key = this.own.meant(pressed), { stage } = page;
    if (key === null) return null;
    if (key === "G") return page.guidelines;
    return (stage === "rate" ? this.rating(key) : this.ranking(key)) || this.always(key);
  }

  always(key) {
    const { page } = this;
    return {
      j: () => page.step(1), k: () => page.step(-1), u: page.undo, U: page.redo, r: page.raw, l: page.layout, n: page.none, s: page.skip, m: page.mark, w: page.write, o: page.expand, p: page.enough,
      t: () => { this.flagging = true; page.openFlags(); }, g: page.guidelines, "?": page.help, Enter: page.enter,
    }[key];
  }

  rating(key) {
    const { page } = this;
    if (/^[1-7]$/.test(key)) return () => page.rate(Number(key));
    return key === "Backspace" ? page.clearRating : null;
  }

  ranking(key) {
    const { page } = this;
    if (/^[1-9]$/.test(key)) return () => page.put(Number(key));
    // Arrows scroll and the blank pages down until the answer has a place to be moved from.
    if (page.placed && key === "ArrowUp") return page.up;
    if (page.placed && key === "ArrowDown") return page.down;
    if (page.placed && key === " ") return () => { this.lifted = page.lift(); };
    return { "=": page.tie, "-": page.split, Backspace: page.takeBack, x: page.compare, ",": () => page.clear(1), ".": () => page.clear(2), "/": () => page.clear(3) }[key];
  }

  flag(key) {
    this.flagging = false;
    if (FLAG_KEYS.includes(key) && key.length === 1) return () => this.page.toggleFlag(FLAG_KEYS.indexOf(key));
    return this.page.closeFlags;
  }

  // Lifted: arrows carry the answer, the blank drops it, Escape puts it back where it was.
  whileLifted(key) {
    if (!["ArrowUp", "ArrowDown", " ", "Escape"].includes(key)) { this.lifted = null; return null; }
    if (key.startsWith("Arrow")) return key === "ArrowUp" ? this.page.up : this.page.down;
    const { lifted } = this;
    this.lifted = null;
    return () => this.page.drop(key === "Escape" ? lifted : null);
  }
}
