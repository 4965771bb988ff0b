"""What is different between two texts, word by word; Chinese by character."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

SAME, REMOVED, ADDED, LEFT_OUT = "same", "removed", "added", "left-out"
HAN = "\u3400-\u4dbf\u4e00-\u9fff"
WORDS = re.compile(rf"\s+|[{HAN}]|[^\W{HAN}]+|[^\w\s]")
# Two passages of more words than that are shown as replaced whole: finding the best match grows with their product.
MOST_WORDS = 3000
SHOWN_AROUND = 160


@dataclass(frozen=True)
class Part:
    """A piece of text that is the same in both, only in the older or only in the newer."""

    kind: str
    text: str


def word_diff(older: str, newer: str) -> list[Part]:
    """The parts of both texts in reading order: same and removed ones make the older, same and added ones the newer."""
    old_lines, new_lines = older.splitlines(keepends=True), newer.splitlines(keepends=True)
    parts: list[Part] = []
    for tag, start, end, from_, to in _opcodes(old_lines, new_lines):
        gone, come = "".join(old_lines[start:end]), "".join(new_lines[from_:to])
        parts += [Part(SAME, gone)] if tag == "equal" else _within(gone, come)
    return list(_joined(parts))


def words(text: str) -> list[str]:
    """A text cut into words, signs, Chinese characters and blanks; joined they are the text again."""
    return WORDS.findall(text)


def shortened(parts: Sequence[Part], around: int = SHOWN_AROUND) -> list[Part]:
    """The same parts with only so much of what did not change as shows where a change stands."""
    found: list[Part] = []
    for number, part in enumerate(parts):
        if part.kind != SAME or len(part.text) <= 2 * around:
            found.append(part)
            continue
        before, after = number > 0, number < len(parts) - 1
        found += [Part(SAME, part.text[:around])] if before else []
        found += [Part(LEFT_OUT, "")]
        found += [Part(SAME, part.text[-around:])] if after else []
    return found


def _within(older: str, newer: str) -> Iterator[Part]:
    old_words, new_words = words(older), words(newer)
    if max(len(old_words), len(new_words)) > MOST_WORDS:
        yield from (Part(REMOVED, older), Part(ADDED, newer))
        return
    gone, come = "", ""
    for tag, start, end, from_, to in _opcodes(old_words, new_words):
        same = "".join(old_words[start:end])
        # A blank alone between two changes belongs to them: one change of three words, not three of one.
        if tag == "equal" and not (same.isspace() and "\n" not in same and (gone or come)):
            yield from (Part(REMOVED, gone), Part(ADDED, come), Part(SAME, same))
            gone, come = "", ""
            continue
        gone += same
        come += "".join(new_words[from_:to])
    yield from (Part(REMOVED, gone), Part(ADDED, come))


def _opcodes(older: Sequence[str], newer: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    # Without `autojunk`: the words that stand in a text most often are no noise.
    return SequenceMatcher(None, older, newer, autojunk=False).get_opcodes()


def _joined(parts: Sequence[Part]) -> Iterator[Part]:
    """The parts without empty ones, neighbours of one kind as one."""
    kind, text = "", ""
    for part in parts:
        if not part.text:
            continue
        if part.kind != kind:
            if text:
                yield Part(kind, text)
            kind, text = part.kind, ""
        text += part.text
    if text:
        yield Part(kind, text)
