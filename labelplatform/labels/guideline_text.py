"""Guidelines as people read them: markdown, with boxes for good and bad examples.

    ::: good
    An answer as it should be.
    :::

and the same with `bad`. What stands in a box is markdown too; whatever else begins with colons is text like any other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.safestring import SafeString

from labelplatform.labels.models import GuidelineVersion
from labelplatform.prompts.rendering import language_of, render_markdown

TEXT, GOOD, BAD = "text", "good", "bad"
OPENS = re.compile(r"^:::\s*(good|bad)\s*$", re.IGNORECASE)
CLOSES = re.compile(r"^:::\s*$")
CODE = re.compile(r"^\s{0,3}(```|~~~)")


@dataclass(frozen=True)
class Block:
    """A passage of guidelines: plain text, or an example."""

    kind: str
    html: SafeString


@dataclass(frozen=True)
class ShownGuidelines:
    """A version in the reader's language; `other_language` where it is written in the other one only."""

    version: GuidelineVersion
    text: str
    language: str
    other_language: bool
    blocks: list[Block]


def shown_guidelines(version: GuidelineVersion, language: str, *, below: int = 1) -> ShownGuidelines:
    """A version for a reader of `language` (a code of Django's); its headings stand `below` so many of the page's."""
    text = text_for(version, language)
    wanted = version.chinese if _reads_chinese(language) else version.english
    written_in = "zh-Hans" if text == version.chinese else language_of(text)
    return ShownGuidelines(version, text, written_in, text != wanted, blocks(text, below=below))


def text_for(version: GuidelineVersion, language: str) -> str:
    """The text in the reader's language, else in the other."""
    first, second = (version.english, version.chinese)
    if _reads_chinese(language):
        first, second = second, first
    return first if first.strip() else second


def _reads_chinese(language: str) -> bool:
    return language.startswith("zh")


def blocks(text: str, *, below: int = 1) -> list[Block]:
    """The passages of a text, sanitised; a box that nobody closed ends with the text."""
    return [Block(kind, render_markdown(passage, below)) for kind, passage in passages(text)]


def passages(text: str) -> Iterator[tuple[str, str]]:
    """(kind, markdown) of each passage, in order, without empty ones. Code is left alone, colons in it too."""
    kind, lines, in_code = TEXT, list[str](), False
    for line in text.splitlines():
        opens = None if in_code else OPENS.match(line)
        closes = not in_code and kind != TEXT and CLOSES.match(line)
        if not opens and not closes:
            in_code ^= bool(CODE.match(line))
            lines.append(line)
            continue
        if any(map(str.strip, lines)):
            yield kind, "\n".join(lines)
        kind, lines = (opens.group(1).lower() if opens else TEXT), []
    if any(map(str.strip, lines)):
        yield kind, "\n".join(lines)
