// A raw text in Unicode code points, which is how the public formats count; a browser counts UTF-16 units. Pure: no page.
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

export class RawText {
  constructor(raw, language) {
    Object.assign(this, { raw, language, units: [0] });
    for (const point of raw) this.units.push(this.units.at(-1) + point.length);
  }

  get length() { return this.units.length - 1; }
  slice(start, end) { return this.raw.slice(this.units[start], this.units[end]); }

  // The code point at a unit; inside of a surrogate pair the one that begins before it, or with `up` the one after.
  point(unit, up = false) {
    const at = under(this.units, unit);
    return up && this.units[at] < unit ? at + 1 : at;
  }

  // What people take for one character: an emoji with its skin tone, a letter with its accents.
  get characters() { return (this.found ??= this.ends("grapheme", () => true) ?? Array.from(this.units, (_unit, at) => at)); }
  next(point) { return this.characters[under(this.characters, point) + 1] ?? this.length; }
  previous(point) { return this.characters[under(this.characters, point - 1)] ?? 0; }

  get words() { return (this.told ??= this.ends("word", ({ isWordLike }) => isWordLike, true) ?? this.characters.slice(0, -1).map((start, at) => [start, this.characters[at + 1]])); }
  // As in most editors: on to the end of a word, back to the start of one.
  nextWord(point) { return (this.words.find(([, end]) => end > point) ?? [0, this.length])[1]; }
  previousWord(point) { return (this.words.findLast(([start]) => start < point) ?? [0])[0]; }
  wordAt(point) { return this.words.find(([start, end]) => start <= point && point < end) ?? [point, this.next(point)]; }

  ends(granularity, kept, pairs = false) {
    if (!globalThis.Intl?.Segmenter) return null;
    const found = [];
    for (const part of new Intl.Segmenter(this.language || undefined, { granularity }).segment(this.raw)) {
      const start = this.point(part.index);
      if (kept(part)) found.push(pairs ? [start, this.point(part.index + part.segment.length)] : start);
    }
    return pairs ? found : [...found, this.length];
  }

  // Whether the line that a point stands in is written from right to left: its first letter says so.
  isRightToLeft(point) {
    const at = this.units[point], line = this.raw.slice(this.raw.lastIndexOf("\n", at - 1) + 1).split("\n", 1)[0];
    return RIGHT_TO_LEFT.test(line.match(/\p{L}/u)?.[0] ?? "");
  }

  // The span without blanks at its ends: they come with a double click, and nobody means them. Nothing but blanks is no span.
  trimmed([start, end]) {
    while (start < end && !this.slice(start, start + 1).trim()) start += 1;
    while (start < end && !this.slice(end - 1, end).trim()) end -= 1;
    return start < end ? [start, end] : null;
  }
}

// The last place of a rising list that is at most `value`; -1 before the first.
function under(list, value) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= value) low = middle + 1; else high = middle;
  }
  return low - 1;
}
