"""The words of one sentence as the detector compares them: stems, names, numbers, who speaks."""

import re
from dataclasses import dataclass

from evaluator.metrics.normalisation import CHINESE

# Digits stand in groups ("1,200" is 1 and 200), for tokenised texts write "1 , 200".
TOKEN = re.compile(rf"\d+|[{CHINESE}]|[^\W\d_{CHINESE}]+")
CONTRACTED_NOT = re.compile(r"(?i)(?<=\w)\s?n['’]t\b")  # "isn't" and the tokenised "is n't" are "is not"
FUNCTION_WORDS = frozenset(
    "a an the of in on at to from by for with as is are was were be been being am it its this that these those "
    "and or but if then than so too very can could will would shall should may might must do does did done have "
    "has had he she they them his her their him who whom whose which what when where why how there here not no "
    "nor into over under about after before between out up down off again also just only own same such s t d ll m "
    "re ve don isn didn doesn wasn i you we me my your our us mine yours yes oh well "
    "的 了 在 是 和 与 也 就 都 而 及".split()
)
SPEAKERS = frozenset("i me my mine you your yours we us our ours myself 我 你 您".split())
NUMBER_WORDS = dict(  # without "one", which seldom counts
    zip(
        "zero two three four five six seven eight nine ten eleven twelve".split(),
        "0 2 3 4 5 6 7 8 9 10 11 12".split(),
        strict=True,
    )
)
SUFFIXES = ("ingly", "edly", "ing", "ies", "ied", "ed", "es", "ly", "s")
SHORTEST_STEM = 3


@dataclass(frozen=True)
class Wording:
    """A sentence's stems in order and which of them have content; its names and numbers; how many words speak of the
    speakers; whether it asks."""

    stems: tuple[str, ...]
    content: tuple[bool, ...]
    names: frozenset[str]
    numbers: frozenset[str]
    speakers: int
    asks: bool


def wording_of(text: str) -> Wording:
    """What a sentence says, word by word. "He won 1,200 games." has the stems he, won, 1, 200, game."""
    spoken = TOKEN.findall(CONTRACTED_NOT.sub(" not", text))
    words = [word.lower() for word in spoken]
    return Wording(
        stems=tuple(stem(word) for word in words),
        content=tuple(word not in FUNCTION_WORDS for word in words),
        names=frozenset(stem(word) for word in _names(spoken)),
        numbers=frozenset(
            NUMBER_WORDS.get(word, word) for word in words if word[0].isdigit() or word in NUMBER_WORDS
        ),
        speakers=sum(word in SPEAKERS for word in words),
        asks="?" in text or "？" in text,
    )


def stem(word: str) -> str:
    """The word without its commonest English ending: "running" gives "runn", "cities" "cit". Numbers stay whole."""
    if not word[0].isdigit():
        for suffix in SUFFIXES:
            if word.endswith(suffix) and len(word) - len(suffix) >= SHORTEST_STEM:
                return word[: -len(suffix)]
    return word


def _names(spoken: list[str]) -> list[str]:
    """Capitalised words with content, lower-case; the first word of a sentence is capitalised anyway."""
    capitals = [word.lower() for word in spoken[1:] if word[0].isupper()]
    return [word for word in capitals if word not in FUNCTION_WORDS]
