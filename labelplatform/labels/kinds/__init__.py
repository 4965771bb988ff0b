"""Kinds of labels beside orders of answers. One verb, one page, one file for all; what differs is told here.

A new kind is a module of its own with one object of the shape `LabelKind`, registered below.
"""

from collections.abc import Mapping

from labelplatform.labels.kinds.demonstrations import DEMONSTRATION
from labelplatform.labels.kinds.honesty import HONESTY
from labelplatform.labels.kinds.kind import (
    AsksRefused,
    Body,
    LabelKind,
    LabelLine,
    Matter,
    Unreadable,
    digest,
)
from labelplatform.labels.kinds.ratings import RATING
from labelplatform.labels.kinds.spans import SPANS
from labelplatform.labels.models import Campaign

__all__ = [
    "FILES",
    "KINDS",
    "AsksRefused",
    "Body",
    "LabelKind",
    "LabelLine",
    "Matter",
    "Unreadable",
    "digest",
    "kind_of",
    "kind_of_line",
    "kinds_in_file",
]

# A line that names no kind is asked for their keys in this order: all have a response, so demonstrations are last.
KINDS: dict[str, LabelKind] = {kind.name: kind for kind in (RATING, HONESTY, SPANS, DEMONSTRATION)}
# The public files of these kinds, by their names without the ending; several kinds may share one.
FILES = tuple(dict.fromkeys(kind.file for kind in KINDS.values()))


def kind_of(campaign: Campaign) -> LabelKind | None:
    """What a campaign's labels are; None where they are orders of answers."""
    return KINDS.get(campaign.kind)


def kind_of_line(line: Mapping[str, object]) -> LabelKind | None:
    """The kind of label that a public line tells, by its name or by the key that only such lines have."""
    named = line.get("kind")
    if isinstance(named, str) and named:
        return KINDS.get(named)
    return next((kind for kind in KINDS.values() if kind.told_by in line), None)


def kinds_in_file(file: str) -> list[str]:
    """The kinds whose lines stand in the public file of this name, such as `ratings`."""
    return [kind.name for kind in KINDS.values() if kind.file == file]
