"""Sentences of a text, with their places: rules without a model, for English and Chinese, cased or not."""

import re
from dataclasses import dataclass

LONGEST_SENTENCE = 10_000  # characters; what is longer is no sentence
PIECE = 1_000  # characters that one piece of a context may have, so that one long line is not one vector
END = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s)|[。！？；]+[”’」』）]*|\n+")
ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st sr jr vs etc e.g i.e u.s u.k inc ltd co corp gen col lt sgt rep sen gov capt rev hon "
    "jan feb mar apr jun jul aug sep sept oct nov dec mt ft approx dept est ave blvd a.m p.m ph.d d.c".split()
)
NUMBERED = frozenset("no nos fig figs vol pp p ch sec".split())  # abbreviations only before a number: "No. 5"
WORD = re.compile(r"\w")
TOKENISED_NUMBER = re.compile(r"\d \. \d")
LAST_WORD = re.compile(r"[^\s(\[\"“]+$")


@dataclass(frozen=True)
class Sentence:
    """One sentence and where it stands: `text` is the whole text's characters `start` to `end`."""

    text: str
    start: int
    end: int


def split_sentences(text: str) -> list[Sentence]:
    """The sentences of a text in order, blank space around them left off.

    A sentence ends at . ! ? before blank space, at 。！？； and at a line's end, but not after an abbreviation or an
    initial ("Dr.", "J."). A piece without a letter or a digit belongs to the sentence before it. No text, no sentence.
    """
    bounds, start = [], 0
    for match in END.finditer(text):
        if match.group()[0] == "." and _goes_on(text, match.start(), start):
            continue
        bounds.append((start, match.end()))
        start = match.end()
    bounds.append((start, len(text)))
    return _joined(text, bounds)


def pieces(text: str, longest: int = PIECE) -> list[Sentence]:
    """The sentences of a text, those over `longest` characters cut at blank space where there is some."""
    found = []
    for sentence in split_sentences(text):
        start = sentence.start
        while sentence.end - start > longest:
            cut = text.rfind(" ", start + 1, start + longest)
            end = cut if cut > 0 else start + longest
            found.append(Sentence(text[start:end], start, end))
            start = end + (cut > 0)
        if start < sentence.end:
            found.append(Sentence(text[start : sentence.end], start, sentence.end))
    return found


def _goes_on(text: str, place: int, start: int) -> bool:
    """Whether the full stop at `place` belongs to an abbreviation, an initial or a number written "98 . 7"."""
    if text[place : place + 2] == "..":
        return False
    if TOKENISED_NUMBER.match(text, max(start, place - 2)):
        return True
    match = LAST_WORD.search(text[max(start, place - 12) : place])
    if match is None:
        return False
    word = match.group().lower()
    if word in NUMBERED:
        return text[place + 1 : place + 4].lstrip()[:1].isdigit()
    return word in ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word != "i" and word.isascii())


def _joined(text: str, bounds: list[tuple[int, int]]) -> list[Sentence]:
    found: list[Sentence] = []
    for start, end in bounds:
        piece = text[start:end]
        if not piece.strip():
            continue
        first = start + len(piece) - len(piece.lstrip())
        last = start + len(piece.rstrip())
        if found and not WORD.search(piece):
            first = found.pop().start
        found.append(Sentence(text[first:last], first, last))
    return found
