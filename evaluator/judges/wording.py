"""What an answer's words say without a model: length, negations, refusals, and what it shares with others."""

import re
from collections import Counter
from collections.abc import Sequence

WORD = re.compile(r"[\w']+")
NEGATIONS = frozenset(
    "not no never n't none nothing nobody cannot can't don't doesn't isn't aren't won't didn't wasn't neither nor "
    "without false myth".split()
)
ABSTAINS = re.compile(
    r"no comment|don't know|do not know|not sure|unknown|unclear|no idea|depends|cannot|can't|no scientific|"
    r"no evidence",
    re.IGNORECASE,
)
WORDING_NAMES = (
    "words",
    "words not in the question",
    "share of words not in the question",
    "overlap with the question",
    "negates",
    "abstains",
    "starts with yes",
    "starts with no",
    "empty",
    "says I",
    "words of the question",
    "has a digit",
    "repeats itself",
)


def spoken(text: str) -> list[str]:
    """The words of a text in lower case, apostrophes kept."""
    return WORD.findall(text.lower())


def wording(question: str, answer: str) -> list[float]:
    """The figures of WORDING_NAMES."""
    asked, said = spoken(question), spoken(answer)
    own = [word for word in said if word not in set(asked)]
    return [
        len(said),
        len(own),
        len(own) / max(1, len(said)),
        overlap(said, asked),
        float(negates(said)),
        float(bool(ABSTAINS.search(answer))),
        float(said[:1] == ["yes"]),
        float(said[:1] == ["no"]),
        float(not answer.strip()),
        float("i" in said),
        len(asked),
        float(bool(re.search(r"\d", answer))),
        1 - len(set(said)) / max(1, len(said)),
    ]


def negates(said: Sequence[str]) -> bool:
    """Whether a word negates."""
    return not NEGATIONS.isdisjoint(said)


def overlap(one: Sequence[str], other: Sequence[str]) -> float:
    """F1 of the words two texts share, repeated ones as often as both have them; 0 where they share none."""
    shared = sum((Counter(one) & Counter(other)).values())
    return 2 * shared / (len(one) + len(other)) if shared else 0.0


def common_order(one: Sequence[str], other: Sequence[str]) -> float:
    """ROUGE-L's F: twice the longest common subsequence by both lengths; 0 where one is empty."""
    if not one or not other:
        return 0.0
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for place, their in enumerate(other, start=1):
            diagonal, row[place] = (
                row[place],
                diagonal + 1 if word == their else max(row[place], row[place - 1]),
            )
    return 2 * row[-1] / (len(one) + len(other))


def trigrams(said: Sequence[str]) -> frozenset[str]:
    """The letters of a text by threes, words parted by one blank and blanks around."""
    text = f" {' '.join(said)} "
    return frozenset(text[place : place + 3] for place in range(len(text) - 2))


def share_of_both(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard's share: what both have of what either has."""
    return len(one & other) / max(1, len(one | other))


def word_runs(text: str) -> list[str]:
    """Runs of one, two and three words."""
    said = spoken(text)
    return [
        " ".join(said[start : start + size]) for size in (1, 2, 3) for start in range(len(said) - size + 1)
    ]
