// What of the answers has been on the screen. Where one is longer than a screen and a half, all show the same first
// part, so that length decides nothing, and each must be read to its end or be marked as read enough.
const SCREENS = 1.5, HALF = 0.5;
const STEPS = Array.from({ length: 21 }, (_none, n) => n / 20);

export class Reading {
  constructor(form, cards, log, signal) {
    Object.assign(this, { form, cards, log, must: new Set(), read: {} });
    const height = (letter) => this.part(letter, "body").scrollHeight;
    const letters = Object.keys(cards);
    this.long = letters.some((letter) => height(letter) > SCREENS * innerHeight);
    if (this.long) form.dataset.long = "";
    this.onScreen = new IntersectionObserver((entries) => entries.forEach((entry) => this.see(entry)), { threshold: STEPS });
    this.onEnd = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => this.atEnd(entry.target.closest(".answer").dataset.letter)));
    for (const letter of letters) {
      this.onScreen.observe(cards[letter]);
      this.onEnd.observe(this.part(letter, "end"));
      if (!this.long) continue;
      this.must.add(letter);
      cards[letter].dataset.cut = "";
      this.part(letter, "more").hidden = false;
    }
    signal.addEventListener("abort", () => { this.onScreen.disconnect(); this.onEnd.disconnect(); });
  }

  part(letter, name) { return this.cards[letter].querySelector(`[data-${name}]`); }
  restore(kept) { for (const letter of Object.keys(kept || {})) if (this.cards[letter]) this.mark(letter, kept[letter]); }
  get unread() { return [...this.must].filter((letter) => !this.read[letter]); }

  see({ target, intersectionRect, boundingClientRect, rootBounds }) {
    const { letter } = target.dataset, room = rootBounds ? rootBounds.height : innerHeight;
    this.log.seen(letter, intersectionRect.height > 0 && intersectionRect.height >= HALF * Math.min(boundingClientRect.height, room));
    if (boundingClientRect.height) this.log.depth(letter, (100 * (intersectionRect.bottom - boundingClientRect.top)) / boundingClientRect.height);
  }

  expand(letter) {
    if (!("cut" in this.cards[letter].dataset)) return false;
    delete this.cards[letter].dataset.cut;
    this.part(letter, "expand").hidden = true;
    this.log.expanded(letter);
    return true;
  }
  atEnd(letter) { this.mark(letter, "end"); this.log.depth(letter, 100); }
  mark(letter, how) {
    if (this.read[letter]) return false;
    this.read[letter] = how;
    this.log.read(letter, how);
    this.part(letter, "enough").hidden = true;
    this.part(letter, "read").hidden = !this.long;
    return true;
  }
}
