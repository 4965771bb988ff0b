// A raw text on the page: what is selected in it by mouse, by finger or with its own caret by keys, in code points; and
// what is marked in it. The page's elements hold the raw text and nothing else, so that places in it can be counted.
const JUMPS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down", Home: "home", End: "end" };

export class Pane {
  constructor(element, text, { changed, clicked, say, words, signal }) {
    Object.assign(this, { element, text, changed, clicked, say, words, anchor: 0, focus: 0, wanted: null, parts: [] });
    this.caret = element.parentElement.querySelector("[data-caret]");
    this.paint([]);
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("click", () => { this.read(); if (!this.chosen) this.clicked(this.focus); });
    for (const kind of ["focus", "blur"]) element.addEventListener(kind, () => this.showCaret());
    document.addEventListener("selectionchange", () => this.read(), { signal });
    addEventListener("resize", () => this.showCaret(), { signal });
  }

  // What is selected, [start, end]; nothing: null.
  get chosen() { return this.anchor === this.focus ? null : [Math.min(this.anchor, this.focus), Math.max(this.anchor, this.focus)]; }
  get quote() { return this.chosen ? this.text.slice(...this.chosen) : ""; }

  // From the browser's own selection. What leads out of the text ends where the text does.
  read() {
    const told = getSelection();
    if (!told.rangeCount || !told.anchorNode || !this.element.contains(told.anchorNode)) return;
    const back = told.getRangeAt(0).startContainer !== told.anchorNode || told.getRangeAt(0).startOffset !== told.anchorOffset;
    this.take(this.place(told.anchorNode, told.anchorOffset, back), this.place(told.focusNode, told.focusOffset, !back));
  }
  place(node, offset, up) {
    const before = document.createRange();
    before.selectNodeContents(this.element);
    if (!this.element.contains(node)) return this.element.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING ? this.text.length : 0;
    before.setEnd(node, offset);
    return this.text.point(before.toString().length, up);
  }
  take(anchor, focus) {
    if (anchor === this.anchor && focus === this.focus) return;
    Object.assign(this, { anchor, focus });
    this.showCaret();
    this.changed(this);
  }

  // To the browser's own selection, so that the two are one.
  choose(anchor, focus = anchor) {
    Object.assign(this, { anchor, focus });
    this.hold();
    this.showCaret();
    this.changed(this);
  }
  hold() { getSelection().setBaseAndExtent(...this.spot(this.anchor), ...this.spot(this.focus)); }
  clear() {
    this.anchor = this.focus;
    if (this.element.contains(getSelection().anchorNode)) this.hold();
  }
  spot(point) {
    const unit = this.text.units[point], part = this.parts.find(({ end }) => unit <= end);
    return part ? [part.node, unit - part.start] : [this.element, 0];
  }

  // Marks: {start, end, kinds, number, current}. Where they overlap, the text is cut into pieces that each know all of theirs.
  paint(marks) {
    const cuts = [...new Set([0, this.text.length, ...marks.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b);
    this.parts = [];
    const pieces = cuts.slice(0, -1).map((start, at) => this.piece(start, cuts[at + 1], marks)), held = this.element.contains(getSelection().anchorNode);
    this.element.replaceChildren(...pieces);
    if (held) this.hold();
    this.showCaret();
  }
  piece(start, end, marks) {
    const node = document.createTextNode(this.text.slice(start, end)), over = marks.filter((mark) => mark.start <= start && end <= mark.end);
    this.parts.push({ node, start: this.text.units[start], end: this.text.units[end] });
    if (!over.length) return node;
    const mark = document.createElement("mark"), starts = over.filter((one) => one.start === start).map((one) => one.number);
    mark.className = "marked";
    mark.dataset.kind = over.every(({ kind }) => kind === over[0].kind) ? over[0].kind : "several";
    if (starts.length) mark.dataset.number = starts.join(" ");
    mark.toggleAttribute("data-current", over.some((one) => one.current));
    mark.append(node);
    return mark;
  }

  key(event) {
    if (event.altKey) return;
    const jump = JUMPS[event.key], all = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a";
    if (!jump && !all) return;
    event.preventDefault();
    if (all) { this.choose(0, this.text.length); this.tell(); return; }
    const to = this.target(jump, event.ctrlKey || event.metaKey);
    if (jump !== "up" && jump !== "down") this.wanted = null;
    this.choose(event.shiftKey ? this.anchor : to, to);
    this.tell(event.ctrlKey);
    this.caret.scrollIntoView({ block: "nearest" });
  }

  target(jump, far) {
    const { text, focus } = this;
    if (jump === "home") return far ? 0 : this.lineEnd(-1);
    if (jump === "end") return far ? text.length : this.lineEnd(1);
    if (jump === "up" || jump === "down") return this.line(jump === "up" ? -1 : 1);
    const on = (jump === "right") !== text.isRightToLeft(focus);
    if (far) return on ? text.nextWord(focus) : text.previousWord(focus);
    return on ? text.next(focus) : text.previous(focus);
  }

  step(point, by) { return by > 0 ? this.text.next(point) : this.text.previous(point); }
  lineEnd(by) {
    let at = this.focus;
    const line = this.middle(at);
    for (let to = this.step(at, by); to !== at && this.isLine(this.middle(to), line); to = this.step(at, by)) at = to;
    return at;
  }
  // The place on the next line that lies nearest below or above.
  line(by) {
    const from = this.middle(this.focus);
    this.wanted ??= this.box(this.focus).x;
    let at = this.lineEnd(by), best = null;
    at = this.step(at, by);
    const line = this.middle(at);
    if (this.isLine(line, from)) return by > 0 ? this.text.length : 0;
    for (let last = -1; last !== at && this.isLine(this.middle(at), line); last = at, at = this.step(at, by)) {
      const off = Math.abs(this.box(at).x - this.wanted);
      if (!best || off < best.off) best = { at, off };
      if (this.step(at, by) === at) break;
    }
    return best.at;
  }
  middle(point) { const { top, bottom } = this.box(point); return (top + bottom) / 2; }
  isLine(one, other) { return Math.abs(one - other) < 6; }

  // Where the caret stands before a character, in the window.
  box(point) {
    const last = point === this.text.length, from = last ? this.text.previous(point) : point, to = last ? point : this.text.next(point);
    const range = document.createRange();
    range.setStart(...this.after(from));
    range.setEnd(...this.spot(to));
    const box = range.getClientRects()[0] ?? this.element.getBoundingClientRect(), turned = this.text.isRightToLeft(from);
    if (last && this.text.slice(from, to) === "\n") return { x: box.left, top: box.bottom, bottom: 2 * box.bottom - box.top };
    return { x: last === turned ? box.left : box.right, top: box.top, bottom: box.bottom };
  }
  // As `spot`, but at the beginning of a piece rather than at the end of the one before: a character is measured in its own.
  after(point) {
    const unit = this.text.units[point], part = this.parts.find(({ end }) => unit < end);
    return part ? [part.node, unit - part.start] : this.spot(point);
  }

  showCaret() {
    const seen = document.activeElement === this.element;
    this.caret.hidden = !seen;
    if (!seen) return;
    const box = this.box(this.focus), frame = this.caret.offsetParent.getBoundingClientRect(), { scrollTop, scrollLeft, clientTop, clientLeft } = this.caret.offsetParent;
    Object.assign(this.caret.style, { left: `${box.x - frame.left + scrollLeft - clientLeft}px`, top: `${box.top - frame.top + scrollTop - clientTop}px`, height: `${box.bottom - box.top}px` });
  }

  // What a screen reader says of a step: what is selected, or the character (or the word) behind the caret.
  tell(word = false) {
    if (this.chosen) { this.say(this.words.chosen.replace("%text", () => this.quote)); return; }
    const [start, end] = word ? this.text.wordAt(this.focus) : [this.focus, this.text.next(this.focus)], said = this.text.slice(start, end);
    this.say(start === this.text.length ? this.words.atEnd : said === "\n" ? this.words.newLine : said.trim() || this.words.blank);
  }
}
