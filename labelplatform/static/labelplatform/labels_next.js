// The next item is promised and its page fetched while this one is worked on, so that submitting shows it at once.
const AGAIN = 60_000;

export class Next {
  constructor(form, keeping, signal) {
    Object.assign(this, { form, keeping, signal, asked: false, page: null, address: "" });
  }

  async look() {
    if (this.asked || this.keeping.sent) return;
    this.asked = true;
    const answer = await this.ask({ Prefer: "return=representation" });
    const address = answer?.headers.get("Content-Location");
    if (!address) return;
    this.address = address;
    if (this.signal.aborted) return;
    this.page = new DOMParser().parseFromString(await answer.text(), "text/html");
    // As long as we stay here, the promise is renewed.
    const timer = setInterval(() => { if (!document.hidden) this.promise(); }, AGAIN);
    this.signal.addEventListener("abort", () => clearInterval(timer));
  }

  async promise() {
    const answer = await this.ask();
    if (answer) this.address = (await answer.json()).next || "";
  }

  // The server's answer, or null where there is none to use.
  async ask(headers) {
    const answer = await this.keeping.post(this.form.dataset.nextUrl, undefined, undefined, headers).catch(() => null);
    return answer && answer.ok && !answer.redirected ? answer : null;
  }

  leave() { if (this.address) this.keeping.beacon(`${this.address}release/`); }

  // Puts the fetched page in this one's place; false where there is none for this address.
  show(address) {
    const main = this.page?.querySelector("main");
    if (!main?.querySelector("[data-draft-url]") || this.address !== address) return false;
    document.title = this.page.title;
    history.replaceState(null, "", address);
    document.querySelector("main").replaceWith(document.adoptNode(main));
    for (const back of document.querySelectorAll('.topbar input[name="next"]')) back.value = address;
    scrollTo(0, 0);
    return true;
  }
}
