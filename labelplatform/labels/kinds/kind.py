"""What a kind of label must know of itself, and the few things that it is told."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.http import QueryDict

# What was said, in the canonical form of its kind: the same things said are the same bytes.
Body = dict[str, Any]


class AsksRefused(Exception):
    """Settings of a campaign that its kind does not know; the message is for the person."""


class Unreadable(Exception):
    """A form that cannot be read as a label; the message is for the person. Nothing is stored."""


@dataclass(frozen=True)
class Matter:
    """What one label is about: the texts of an item, and what its campaign asks."""

    asks: Mapping[str, Any]
    messages: Sequence[Mapping[str, str]] = ()
    context: str = ""
    # Keys of the prompt's line that no column holds, such as reference answers. For the server only.
    detail: Mapping[str, Any] | None = None
    # Of a demonstration: none.
    response: str = ""


@dataclass(frozen=True)
class LabelLine:
    """A public line of any of these kinds, as it is stored. `response` None: the label is about a prompt alone."""

    id: str
    annotator: str
    messages: Sequence[Mapping[str, Any]]
    prompt_key: str
    item_key: str
    body: Body
    # What was said, in short, for people who look a file over.
    told: str
    response: str | None = None
    response_key: str = ""
    policy: str = ""
    context: str = ""
    seconds: float | None = None
    source: str = ""
    # Keys that we have no column for: they come back on export.
    detail: Mapping[str, Any] = field(default_factory=dict)


class LabelKind(Protocol):
    """One kind. All its methods are pure: they read what they are given and nothing else."""

    @property
    def name(self) -> str:
        """As in Campaign.Kind and in the public line's `kind`."""

    @property
    def file(self) -> str:
        """The name of its public file without its ending: ratings, spans, demonstrations."""

    @property
    def template(self) -> str:
        """The page."""

    @property
    def draft_keys(self) -> Sequence[str]:
        """What of a draft is this kind's; what all pages need is in labels/sheets.py."""

    def asks(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """A campaign's settings in full, with what was not told filled in; AsksRefused for what is none."""

    def read(self, post: QueryDict, matter: Matter) -> Body:
        """What a form says; Unreadable where it says nothing that could be a label."""

    def check(self, body: Body, matter: Matter) -> Body:
        """The canonical form of what was said; JudgementRefused where it is not whole or not about this item."""

    def fits(self, draft: Mapping[str, Any], matter: Matter) -> bool:
        """Whether the kind's own part of a draft has its shape."""

    def shown(self, matter: Matter, kept: Mapping[str, Any], typed: QueryDict | None) -> dict[str, object]:
        """What the template needs beside the item: from a draft that was kept, or from a form that was refused."""

    @property
    def told_by(self) -> str:
        """The key that only its public lines have: it tells them from others where a line names no kind."""

    def in_short(self, body: Body) -> str:
        """What was said in one line, for people who look a table over."""

    def words(self, body: Body, matter: Matter) -> list[tuple[str, str]]:
        """Names with all that was said under them, for the person who said it."""

    def to_line(self, body: Body, matter: Matter) -> dict[str, object]:
        """The kind's own keys of the public line; labels/label_lines.py writes what all kinds have."""

    def from_line(self, line: Mapping[str, Any]) -> LabelLine:
        """A public line, read and checked; BadInput (found, wanted) for one that is none."""


def digest(body: Body) -> str:
    """What tells one label from another; time does not count."""
    told = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()
