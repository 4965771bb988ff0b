// Nothing is lost: drafts to this device at once and to the server soon after, signs of life for the lease, and the
// submission, sent again with the same key until it is answered.
const SAVE_AFTER = 800, SIGN_OF_LIFE = 20_000, IDLE = 300_000, ACTIVE = 30_000, RETRY = 4_000;

// Whoever is signed out is led to the sign-in page, or has no valid token any more: that is no answer.
function signedOut(answer) { return Boolean(answer) && (answer.redirected || answer.status === 403); }
function answered(answer) { return Boolean(answer) && answer.ok && !signedOut(answer); }

export class Keeping {
  constructor(form, words, told) {
    Object.assign(this, { form, words, told, timer: 0, seconds: 0, touched: Date.now(), left: Number(form.dataset.secondsLeft), lapsed: false });
    this.place = `draft:${form.dataset.draftUrl}`;
    for (const kind of ["keydown", "pointerdown", "wheel", "touchmove"]) addEventListener(kind, () => { this.touched = Date.now(); }, { passive: true });
    setInterval(() => this.tick(), 1000);
    setInterval(() => this.signOfLife(), SIGN_OF_LIFE);
    addEventListener("online", () => this.signOfLife());
    addEventListener("blur", () => this.saveNow());
    addEventListener("pagehide", () => this.leave());
    this.signOfLife();
  }

  get token() { return this.form.elements.csrfmiddlewaretoken.value; }
  post(url, body, type) {
    const headers = { "X-CSRFToken": this.token, Accept: "application/json", ...(type ? { "Content-Type": type } : {}) };
    return fetch(url, { method: "POST", body, headers, keepalive: true });
  }

  // The newer of what the server kept and what this device kept.
  draft() {
    const read = (text) => { try { return JSON.parse(text) || {}; } catch { return {}; } };
    const [there, here] = [read(this.form.dataset.draft), read(localStorage.getItem(this.place))];
    const draft = (here.at || 0) > (there.at || 0) ? here : there;
    this.seconds = Number(draft.seconds) || 0;
    return draft;
  }

  save(state) {
    this.state = { ...state, seconds: Math.round(this.seconds), at: Date.now() };
    localStorage.setItem(this.place, JSON.stringify(this.state));
    this.told("saved", this.words.saving);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.saveNow(), SAVE_AFTER);
  }

  async saveNow() {
    clearTimeout(this.timer);
    if (!this.state || this.sent) return;
    const state = this.state;
    const answer = await this.post(this.form.dataset.draftUrl, JSON.stringify(state), "application/json").catch(() => null);
    if (answered(answer)) {
      if (this.state === state) this.state = null;
      this.told("saved", this.words.saved.replace("%time", new Date().toLocaleTimeString([], { hour12: false })));
    } else this.told("saved", signedOut(answer) ? this.words.signedOut : this.words.offline);
  }

  tick() {
    if (!document.hidden && Date.now() - this.touched < ACTIVE) this.seconds += 1;
    this.left = Math.max(0, this.left - 1);
    const time = `${Math.floor(this.left / 60)}:${String(this.left % 60).padStart(2, "0")}`;
    this.told("left", this.left > 0 && !this.lapsed ? this.words.left.replace("%time", time) : this.words.lapsed, this.left < 120);
  }

  async signOfLife() {
    if (document.hidden || this.sent || Date.now() - this.touched > IDLE) return;
    const answer = await this.post(this.form.dataset.renewUrl, new FormData(this.form)).catch(() => null);
    if (answered(answer)) { this.left = (await answer.json()).seconds_left; this.lapsed = false; }
    else if (answer && answer.status === 410) this.lapsed = true;
  }

  leave() {
    if (this.sent) return;
    if (this.state) this.post(this.form.dataset.draftUrl, JSON.stringify(this.state), "application/json").catch(() => null);
    const beacon = new FormData();
    beacon.append("csrfmiddlewaretoken", this.token);
    navigator.sendBeacon(this.form.dataset.leaveUrl, beacon);
  }

  // Resolves with {next} or {problem}; without a connection it tries again, and the key makes every retry the same submission.
  async submit() {
    this.sent = true;
    clearTimeout(this.timer);
    this.form.elements.seconds.value = Math.round(this.seconds);
    for (;;) {
      const answer = await this.post(location.href, new FormData(this.form)).catch(() => null);
      const told = answer && (answer.headers.get("Content-Type") || "").startsWith("application/json") ? await answer.json() : null;
      if (signedOut(answer)) { this.sent = false; return { problem: this.words.signedOut }; }
      if (told && told.next) { localStorage.removeItem(this.place); return told; }
      if (answer && answer.status < 500) { this.sent = false; return told || { problem: this.words.offline }; }
      this.told("saved", this.words.kept);
      await new Promise((resolve) => { setTimeout(resolve, RETRY); });
    }
  }
}
