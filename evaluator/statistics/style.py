"""How a response is dressed: length, headers, lists, bold, as leaderboards control for it."""

import math
import re

STYLE_NAMES = ("length", "headers", "lists", "bold")
HEADER = re.compile(r"^ {0,3}#{1,6}\s+\S", re.MULTILINE)
LIST_ITEM = re.compile(r"^ *(?:[-*+]|\d{1,9}[.)])\s+\S", re.MULTILINE)
BOLD = re.compile(r"\*\*(?!\s)[^*\n]+\*\*|__(?!\s)[^_\n]+__")
FENCED = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1", re.MULTILINE | re.DOTALL)
WORD = re.compile(r"[^\W\u3400-\u9fff]+|[\u3400-\u9fff]")


def features(text: str) -> tuple[float, ...]:
    """log(1 + count) of words (a Han character counts as one), Markdown headers, list items and bold runs.

    Logarithms make a difference of two responses the ratio of their counts. What stands in a code block is no style.
    """
    plain = FENCED.sub("", text)
    counts = (len(WORD.findall(text)), *(len(one.findall(plain)) for one in (HEADER, LIST_ITEM, BOLD)))
    return tuple(math.log1p(count) for count in counts)
