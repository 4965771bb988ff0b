// Nothing is lost: drafts to this device at once and to the server soon after, and the submission, sent again with the
// same key until it is answered.
import { Device } from "./labels_device.js";

const SAVE_AFTER = 800, RETRY = 4_000;
// In bytes: what a browser still sends of a page that is closing, and what a draft keeps its steps to undo within.
const KEPT_ALIVE = 60_000, LARGEST_DRAFT = 200_000;
const BYTES = new TextEncoder();

// Whoever is signed out is led to the sign-in page, or has no valid token any more: that is no answer.
export function signedOut(answer) { return Boolean(answer) && (answer.redirected || answer.status === 403); }
export function answered(answer) { return Boolean(answer) && answer.ok && !signedOut(answer); }

export class Keeping {
  constructor(form, words, told, signal) {
    Object.assign(this, { form, words, told, timer: 0, device: new Device(), version: 0, base: 0, sent: false });
    this.place = form.dataset.draftUrl;
    this.writer = crypto.randomUUID ? crypto.randomUUID() : String(Math.random());
    addEventListener("blur", () => this.saveNow(), { signal });
    addEventListener("online", () => this.saveNow(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.timer));
    this.device.tidy();
  }

  get token() { return this.form.elements.csrfmiddlewaretoken.value; }
  post(url, body, type, more) {
    const headers = { "X-CSRFToken": this.token, Accept: "application/json", ...(type ? { "Content-Type": type } : {}), ...more };
    return fetch(url, { method: "POST", body, headers, keepalive: !body || (typeof body === "string" && bytes(body) < KEPT_ALIVE) });
  }
  beacon(url) {
    const body = new FormData();
    body.append("csrfmiddlewaretoken", this.token);
    navigator.sendBeacon(url, body);
  }

  // The newer of what the server kept and what this device kept.
  async draft() {
    const there = JSON.parse(this.form.dataset.draft || "{}"), here = await this.device.read(this.place) || {};
    const draft = (here.at || 0) > (there.at || 0) ? here : there;
    // What is gone on from has been seen here: its last save may still be on its way while the page is reloaded.
    this.base = draft.version || 0;
    this.version = Math.max(there.version || 0, here.version || 0);
    return draft;
  }

  save(state) {
    this.version += 1;
    this.state = fitting({ ...state, version: this.version, base: this.base, writer: this.writer, at: Date.now() });
    this.device.write(this.place, this.state);
    this.told("saved", this.words.saving);
    // From the first change on, not from the last: whoever never pauses is saved all the same.
    if (!this.timer) this.timer = setTimeout(() => this.saveNow(), SAVE_AFTER);
  }

  async saveNow() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (!this.state || this.sent || this.saving) return;
    const state = this.state;
    this.saving = true;
    const answer = await this.post(this.form.dataset.draftUrl, JSON.stringify(state), "application/json").catch(() => null);
    this.saving = false;
    if (answered(answer)) {
      if (this.state === state) this.state = null;
      else this.timer = setTimeout(() => this.saveNow(), SAVE_AFTER);
      this.told("saved", this.words.saved.replace("%time", new Date().toLocaleTimeString([], { hour12: false })));
    } else if (answer && answer.status === 409) this.told("saved", (await answer.json()).problem, true);
    else {
      this.told("saved", signedOut(answer) ? this.words.signedOut : this.words.offline);
      if (!answer) this.timer = setTimeout(() => this.saveNow(), RETRY);
    }
  }

  leave() {
    if (!this.sent && this.state) this.post(this.form.dataset.draftUrl, JSON.stringify(this.state), "application/json").catch(() => null);
  }

  // Resolves with {next} or {problem}; without a connection it tries again, and the key makes every retry the same submission.
  async submit() {
    this.sent = true;
    clearTimeout(this.timer);
    for (;;) {
      const answer = await this.post(location.href, new FormData(this.form)).catch(() => null);
      const told = answer && (answer.headers.get("Content-Type") || "").startsWith("application/json") ? await answer.json() : null;
      if (signedOut(answer)) { this.sent = false; return { problem: this.words.signedOut }; }
      if (told && told.next) { this.device.remove(this.place); return { ...told, plain: answer.status === 200 }; }
      if (answer && answer.status < 500) { this.sent = false; return told || { problem: this.words.offline }; }
      this.told("saved", this.words.kept);
      await new Promise((resolve) => { setTimeout(resolve, RETRY); });
    }
  }
}

function bytes(text) { return BYTES.encode(text).length; }

// A draft has its limit; the oldest steps to undo are what is missed least.
function fitting(state) {
  let { history = [], future = [] } = state;
  while (bytes(JSON.stringify({ ...state, history, future })) > LARGEST_DRAFT && (history.length || future.length)) {
    [history, future] = [history.slice(Math.ceil(history.length / 2)), []];
  }
  return { ...state, history, future };
}
