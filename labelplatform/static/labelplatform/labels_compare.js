// Two answers side by side: scrolled together, differences by word on demand, one press says which is better.
const LONGEST_DIFF = 1500;

export function wordDiff(left, right) {
  const [a, b] = [left, right].map((text) => text.match(/\s+|[\p{Script=Han}]|[^\s\p{Script=Han}]+/gu) || []);
  if (a.length > LONGEST_DIFF || b.length > LONGEST_DIFF) return null;
  const width = b.length + 1, table = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      table[i * width + j] = a[i] === b[j] ? table[(i + 1) * width + j + 1] + 1 : Math.max(table[(i + 1) * width + j], table[i * width + j + 1]);
    }
  }
  const parts = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { parts.push(["same", a[i]]); i += 1; j += 1; }
    else if (j >= b.length || (i < a.length && table[(i + 1) * width + j] >= table[i * width + j + 1])) { parts.push(["left", a[i]]); i += 1; }
    else { parts.push(["right", b[j]]); j += 1; }
  }
  return parts;
}

export class Compare {
  constructor(dialog, cards, { decided, closed, meant }) {
    Object.assign(this, { dialog, cards, decided, meant, diff: false, done: new Set() });
    this.sides = { left: dialog.querySelector('[data-side="left"]'), right: dialog.querySelector('[data-side="right"]') };
    for (const button of dialog.querySelectorAll("[data-verdict]")) button.addEventListener("click", () => this.decide(button.dataset.verdict));
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", closed);
    this.toggle = dialog.querySelector("[data-diff]");
    this.toggle.addEventListener("click", () => { this.diff = !this.diff; this.show(); });
    dialog.addEventListener("keydown", (event) => this.key(event));
    this.scrollTogether();
  }

  open(left, right) {
    this.pair = { left, right };
    this.diff = false;
    this.show();
    if (!this.dialog.open) this.dialog.showModal();
    this.sides.left.focus();
  }

  // What is the source of the page's text is compared, not how it was set: a formula has no words of its own.
  show() {
    this.toggle.setAttribute("aria-pressed", String(this.diff));
    const texts = Object.values(this.pair).map((letter) => this.cards[letter].querySelector("[data-raw]").textContent);
    const parts = this.diff ? wordDiff(...texts) : null;
    for (const [name, side] of Object.entries(this.sides)) {
      const letter = this.pair[name], title = document.createElement("h3"), card = this.cards[letter];
      title.className = "letter";
      title.textContent = letter;
      this.dialog.querySelector(`[data-${name}-name]`).textContent = letter;
      const shown = card.querySelector(card.querySelector("[data-text]").hidden ? "[data-raw]" : "[data-text]").cloneNode(true);
      side.replaceChildren(title, parts ? marked(parts, name) : shown);
      side.scrollTop = 0;
    }
  }

  key(event) {
    const key = this.meant(event.key), verdict = { ArrowLeft: "left", "=": "tie", ArrowRight: "right" }[key];
    if (event.repeat && verdict) return;
    if (verdict) this.decide(verdict);
    else if (key === "v") this.toggle.click();
    else if (key === "l" || key === "x") this.dialog.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // The pairs that were decided in this sitting are not asked again.
  was(one, other) { return this.done.has([one, other].sort().join("")); }
  decide(verdict) {
    const { left, right } = this.pair;
    this.done.add([left, right].sort().join(""));
    const following = this.decided(left, right, verdict);
    if (following) this.open(...following);
    else this.dialog.close();
  }

  scrollTogether() {
    let leading = null;
    for (const side of Object.values(this.sides)) {
      side.addEventListener("pointerenter", () => { leading = side; });
      side.addEventListener("focus", () => { leading = side; });
      side.addEventListener("scroll", () => {
        if (leading !== side) return;
        const other = side === this.sides.left ? this.sides.right : this.sides.left;
        const room = side.scrollHeight - side.clientHeight;
        other.scrollTop = room > 0 ? (side.scrollTop / room) * (other.scrollHeight - other.clientHeight) : 0;
      });
    }
  }
}

function marked(parts, side) {
  const text = document.createElement("div");
  text.className = "prose plain";
  let mark = null;
  for (const [where, word] of parts) {
    if (where === "same") { text.append(word); mark = null; }
    else if (where === side) {
      if (!mark) { mark = document.createElement(side === "left" ? "del" : "ins"); text.append(mark); }
      mark.append(word);
    }
  }
  return text;
}
