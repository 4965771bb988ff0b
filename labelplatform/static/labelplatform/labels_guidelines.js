// The guidelines beside the work: the same key opens and closes them, the answers stay as they are.
export class Guidelines {
  constructor(link, signal, meant = (key) => key) {
    this.link = link;
    link.addEventListener("click", (event) => {
      // With a modifier a link is a link: to a tab or window of its own.
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.open();
    }, { signal });
    this.panel = document.querySelector("[data-guidelines-panel]");
    this.panel.addEventListener("keydown", (event) => {
      if (!["g", "G"].includes(meant(event.key)) || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      // Once the panel is closed, the page would take the same press for the wish to open it.
      event.stopPropagation();
      this.panel.close();
    }, { signal });
    // A press beside the panel is a press on the page behind it: back to work.
    this.panel.addEventListener("click", (event) => { if (event.target === this.panel) this.panel.close(); }, { signal });
  }

  async open() {
    const answer = await fetch(`${this.link.href}?in=panel`).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) { if (!this.panel.childElementCount) { open(this.link.href, "_blank", "noopener"); return; } }
    else {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      this.panel.replaceChildren(...page.body.childNodes);
    }
    if (!this.panel.open) this.panel.showModal();
    this.panel.scrollTop = 0;
  }
}
