// The item is ours while we work on it: signs of life, the time left, a word before it runs out.
import { answered } from "./labels_keeping.js";

const SIGN_OF_LIFE = 20_000, IDLE = 300_000, WARN_SECONDS = 120;

export class Lease {
  constructor(form, { words, keeping, tell, say, signal }) {
    Object.assign(this, { form, words, keeping, tell, say, touched: Date.now(), left: Number(form.dataset.secondsLeft), lapsed: false, warned: false });
    for (const kind of ["keydown", "pointerdown", "wheel", "touchmove"]) addEventListener(kind, () => { this.touched = Date.now(); }, { passive: true, signal });
    const timers = [setInterval(() => this.tick(), 1000), setInterval(() => this.signOfLife(), SIGN_OF_LIFE)];
    signal.addEventListener("abort", () => timers.forEach(clearInterval));
    addEventListener("online", () => this.signOfLife(), { signal });
    this.signOfLife();
    this.tick();
  }

  tick() {
    this.left = Math.max(0, this.left - 1);
    const time = `${Math.floor(this.left / 60)}:${String(this.left % 60).padStart(2, "0")}`, over = this.left <= 0 || this.lapsed;
    this.tell("left", over ? this.words.lapsed : this.words.left.replace("%time", time), this.left < WARN_SECONDS);
    const near = this.left <= WARN_SECONDS;
    this.form.querySelector("[data-lease]").hidden = !near || over;
    if (near && !over && !this.warned) this.say(this.words.leaseEnds);
    this.warned = near;
  }

  async signOfLife({ asked = false } = {}) {
    if (this.keeping.sent || (!asked && (document.hidden || Date.now() - this.touched > IDLE))) return;
    const answer = await this.keeping.post(this.form.dataset.renewUrl, new FormData(this.form)).catch(() => null);
    if (answered(answer)) { this.left = (await answer.json()).seconds_left; this.lapsed = false; }
    else if (answer && answer.status === 410) this.lapsed = true;
    this.tick();
  }
}
