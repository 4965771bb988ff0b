// How the judgement came about: what was on the screen for how long, every move with its time and its hand. It goes
// with the submission, is kept with the draft, and is shown to nobody here.
const FORMAT = "labelplatform-ranking-log/1", MOST_MOVES = 600, IDLE = 30_000, TICK = 1000;
const EMPTY = { first_seen_ms: null, dwell_ms: 0, depth_percent: 0, expanded_ms: [], read: null };

export class Log {
  constructor(letters, signal) {
    Object.assign(this, { letters, touched: Date.now(), inView: new Set(), last: Date.now() });
    this.told = { opened: Date.now(), first_action_ms: null, active_seconds: 0, edits_after_complete: 0, moves_left_out: 0, inputs: [], views: [], moves: [], complete: false };
    this.cards = Object.fromEntries(letters.map((letter) => [letter, structuredClone(EMPTY)]));
    const input = (kind) => { this.touched = Date.now(); if (kind && !this.told.inputs.includes(kind)) this.told.inputs.push(kind); };
    addEventListener("keydown", () => input("keyboard"), { passive: true, signal });
    addEventListener("pointerdown", (event) => input(["mouse", "touch", "pen"].find((kind) => kind === event.pointerType)), { passive: true, signal });
    for (const kind of ["wheel", "touchmove", "scroll"]) addEventListener(kind, () => input(), { passive: true, signal, capture: true });
    const timer = setInterval(() => this.tick(), TICK);
    signal.addEventListener("abort", () => clearInterval(timer));
    document.addEventListener("visibilitychange", () => this.tick(), { signal });
  }

  restore(kept) {
    if (!kept || typeof kept !== "object" || !Array.isArray(kept.moves)) return;
    const { cards = {}, ...told } = kept;
    Object.assign(this.told, told);
    for (const letter of this.letters) Object.assign(this.cards[letter], cards[letter]);
  }
  get kept() { return { ...this.told, cards: this.cards }; }

  get ms() { return Math.max(0, Date.now() - this.told.opened); }
  get seconds() { return this.told.active_seconds; }

  // Time on the screen counts while the tab is to be seen; active time also ends half a minute after the last touch.
  tick() {
    const passed = Math.min(Date.now() - this.last, 2 * TICK);
    this.last = Date.now();
    if (document.hidden) return;
    for (const letter of this.inView) this.cards[letter].dwell_ms += passed;
    if (Date.now() - this.touched < IDLE) this.told.active_seconds = Math.round((this.told.active_seconds + passed / 1000) * 1000) / 1000;
  }

  seen(letter, visible) {
    this.tick();
    if (visible) { this.inView.add(letter); this.cards[letter].first_seen_ms ??= this.ms; } else this.inView.delete(letter);
  }
  depth(letter, percent) { this.cards[letter].depth_percent = Math.max(this.cards[letter].depth_percent, Math.min(100, Math.round(percent))); }
  expanded(letter) { if (this.cards[letter].expanded_ms.length < 50) this.cards[letter].expanded_ms.push(this.ms); }
  read(letter, how) { this.cards[letter].read ??= how; }
  view(name) { if (this.told.views.length < 200) this.told.views.push([this.ms, name]); }

  move(deed, letter, source, from, to, complete) {
    const { told } = this;
    told.first_action_ms ??= this.ms;
    if (told.complete && deed === "place" && source !== "presort") told.edits_after_complete += 1;
    told.complete ||= complete;
    told.moves.push([this.ms, deed, letter, source, from ?? null, to ?? null]);
    if (told.moves.length > MOST_MOVES) { told.moves.shift(); told.moves_left_out += 1; }
  }

  report({ presort, rateFirst }) {
    this.tick();
    const { complete: _complete, ...told } = this.told;
    return JSON.stringify({
      format: FORMAT, ...told, presort, rate_first: rateFirst, language: document.documentElement.lang, viewport: [innerWidth, innerHeight],
      active_seconds: Math.round(told.active_seconds), wall_seconds: Math.round(this.ms / 1000), cards: Object.fromEntries(
        Object.entries(this.cards).map(([letter, card]) => [letter, { ...card, dwell_ms: Math.round(card.dwell_ms) }]),
      ),
    });
  }
}
