// A button on each block of code that puts it on the clipboard; only where the browser lets a page do that.
export function copyButtons(form, words) {
  if (!navigator.clipboard) return;
  for (const block of form.querySelectorAll(".prose pre")) {
    const frame = document.createElement("div"), button = document.createElement("button");
    frame.className = "code";
    Object.assign(button, { type: "button", className: "button button--small code__copy", textContent: words.copy });
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.textContent).then(() => { button.textContent = words.copied; }, () => {});
    });
    block.replaceWith(frame);
    block.tabIndex = 0;
    frame.append(block, button);
  }
}
