"""The address of a list of items, read: what cannot be read is as if it had not been said."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict

from labelplatform.evaluations.item_queries import Filters, beside
from labelplatform.evaluations.models import EvaluationRun
from labelplatform.evaluations.outcomes import Outcome
from labelplatform.evaluations.queries import group_name, metric_name

LONGEST_SEARCH = 200
LARGEST_PLACE = 2**31 - 1
FIGURES_OFFERED = 100


@dataclass(frozen=True)
class Option:
    """One choice of a filter: its value, its words, whether it is chosen."""

    value: str
    words: str
    chosen: bool


def filters_of(run: EvaluationRun, asked: QueryDict) -> Filters:
    """What an address asks of this evaluation's items."""
    other = number(asked, "with")
    return Filters(
        outcome=asked.get("outcome", "") if asked.get("outcome", "") in Outcome.values else "",
        group=asked.get("group", "") if "=" in asked.get("group", "") else "",
        score=asked.get("score", ""),
        low=_float(asked.get("low", "")),
        high=_float(asked.get("high", "")),
        text=asked.get("text", "").strip()[:LONGEST_SEARCH],
        other=None if other is None else beside(run).filter(pk=other).first(),
        differ=asked.get("differ") == "1",
    )


def number(asked: QueryDict, name: str) -> int | None:
    """A whole number of an address; None for anything else."""
    told = asked.get(name, "")
    if not (told.isascii() and told.isdecimal()) or len(told) > len(str(LARGEST_PLACE)):
        return None
    return int(told) if int(told) <= LARGEST_PLACE else None


def _float(told: str) -> float | None:
    try:
        value = float(told)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def address_of(filters: Filters) -> str:
    """The same filters as an address says them, without its question mark; pages add where they start."""
    told = {
        "outcome": filters.outcome,
        "group": filters.group,
        "score": filters.score if filters.low is not None or filters.high is not None else "",
        "low": "" if filters.low is None else f"{filters.low:g}",
        "high": "" if filters.high is None else f"{filters.high:g}",
        "text": filters.text,
        "with": "" if filters.other is None else str(filters.other.pk),
        "differ": "1" if filters.differ else "",
    }
    return urlencode({name: value for name, value in told.items() if value})


def outcome_options(filters: Filters, counts: Sequence[tuple[str, str, int]]) -> list[Option]:
    """The outcomes that there are, each with how many."""
    return [Option(value, f"{words} ({count})", value == filters.outcome) for value, words, count in counts]


def group_options(run: EvaluationRun, filters: Filters) -> list[Option]:
    """The slices that figures were made of."""
    groups = run.metrics.exclude(group="").order_by("group").values_list("group", flat=True).distinct()
    return [Option(group, group_name(group), group == filters.group) for group in groups[:FIGURES_OFFERED]]


def score_options(run: EvaluationRun, filters: Filters) -> list[Option]:
    """The scores that items have: the names of the figures over all of them."""
    names = run.metrics.filter(group="").order_by("pk").values_list("name", flat=True)
    return [Option(name, metric_name(name), name == filters.score) for name in names[:FIGURES_OFFERED]]


def other_options(run: EvaluationRun, filters: Filters) -> list[Option]:
    """Other evaluations that asked the same."""
    chosen = filters.other.pk if filters.other else None
    return [
        Option(str(one.pk), f"{one.subject.name}: {one.name}", one.pk == chosen)
        for one in beside(run)[:FIGURES_OFFERED]
    ]
