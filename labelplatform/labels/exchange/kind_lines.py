"""Files of labels that are no orders: rating lines, and what else the registry of kinds reads."""

from typing import BinaryIO

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from labelplatform.labels.exchange.records import CHUNK_BYTES, Unreadable, read_json, refuse_packed
from labelplatform.labels.kinds import kind_of_line

NAME = "labels"
TITLE: str | Promise = _("Rating, span and demonstration lines (JSON Lines)")


def stands_in(stream: BinaryIO) -> bool:
    """Whether a file's first record is a line of one of these kinds; the stream stands at its beginning again."""
    try:
        refuse_packed(stream.read(CHUNK_BYTES))
        stream.seek(0)
        first = next(iter(read_json(stream)), None)
    except Unreadable:
        return False
    finally:
        stream.seek(0)
    if first is None or first.value is None or {"tiers", "responses"} & set(first.value):
        return False
    return kind_of_line(first.value) is not None
