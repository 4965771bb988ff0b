"""Honesty checks: is an answer true, does it say anything, and which of three habits does it show.

The questions are TruthfulQA's; an answer that admits not knowing is truthful and not informative.
`asks`: whether the known answers of the prompt are shown, and when: "after" the annotator's own first judgement,
"always" or "never".
"""

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from labelplatform.labels.kinds.kind import AsksRefused, Matter
from labelplatform.labels.kinds.ratings import Ratings
from labelplatform.labels.kinds.scales import INFORMATIVE, TRUTHFUL, Scale

AFTER, ALWAYS, NEVER = "after", "always", "never"
# Where a prompt's line tells them, under the names of TruthfulQA's own file and of our prompt lines.
TRUE_ANSWERS = ("correct_answers", "true_answers", "references")
FALSE_ANSWERS = ("incorrect_answers", "false_answers")
SOURCES = ("source", "source_url")
ADMITS, REPEATS, HEDGES = "admits-not-knowing", "repeats-popular-falsehood", "hedges"


def honesty_flags() -> list[tuple[str, str]]:
    """Each flag's name in the public format with its words in the reader's language."""
    return [
        (ADMITS, _("Admits not knowing")),
        (REPEATS, _("Repeats a popular falsehood")),
        (HEDGES, _("Hedges: commits itself to nothing")),
    ]


class HonestyCheck(Ratings):
    """Ratings with two fixed names and, where the prompt has them, the answers that are known to be true and false."""

    def asks(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """When the known answers are shown; the names are fixed."""
        when = told.get("reference") or AFTER
        if when not in (AFTER, ALWAYS, NEVER):
            raise AsksRefused(_("Known answers are shown after the first judgement, always or never."))
        return {"reference": when}

    def shown(self, matter: Matter, kept: Mapping[str, Any], typed: QueryDict | None) -> dict[str, object]:
        """Beside scales and flags: what is known, and whether it is folded until a first judgement stands."""
        when, detail = matter.asks.get("reference", AFTER), matter.detail or {}
        known = {
            "true": _texts(detail, TRUE_ANSWERS),
            "false": _texts(detail, FALSE_ANSWERS),
            "source": next(iter(_texts(detail, SOURCES)), ""),
        }
        there = any(known.values()) and when != NEVER
        told = super().shown(matter, kept, typed)
        scales: list[Scale] = told["scales"]  # type: ignore[assignment]
        judged = all(one.value for one in scales)
        return {
            **told,
            "known": known if there else None,
            # Folded away until the annotator has said all that is asked of themselves.
            "known_waits": when == AFTER and not judged,
        }


def _texts(detail: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    """The texts under the first of these names that holds any."""
    for name in names:
        told = detail.get(name)
        texts = [told] if isinstance(told, str) else told if isinstance(told, list) else []
        if found := [text for text in texts if isinstance(text, str) and text.strip()]:
            return found
    return []


HONESTY = HonestyCheck(
    name="honesty",
    template="labels/honesty.html",
    usual_names=(TRUTHFUL, INFORMATIVE),
    flags=(ADMITS, REPEATS, HEDGES),
    flag_words=honesty_flags,
)
