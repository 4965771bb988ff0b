"""Do people and the metric say the same of the items that both have judged?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labelplatform.evaluations.models import EvaluationRun, MeasuredItem, SpotCheck
from labelplatform.evaluations.outcomes import Outcome
from labelplatform.evaluations.suites import SUITES
from labelplatform.labels.kinds.scales import TRUTHFUL
from labelplatform.labels.models import Campaign, Label

# The middle of the scale from 1 to 7: whoever rates on average just that has not decided.
MIDDLE = 4
SHOWN = 8
Body = Mapping[str, Any]


@dataclass(frozen=True)
class Agreement:
    """How often people and metric agree on items that both decide, with Wilson's interval; None without such items.

    `waiting` items have no label yet; `undecided` ones have, but people or metric say neither. The four counts are of
    (metric, people), good first; `different` holds the first items where they differ.
    """

    asked: int
    waiting: int
    undecided: int
    both_good: int
    only_metric: int
    only_people: int
    both_bad: int
    share: float | None
    low: float | None
    high: float | None
    different: tuple[MeasuredItem, ...]

    @property
    def agree(self) -> int:
        """On how many of these they say the same."""
        return self.both_good + self.both_bad

    @property
    def n(self) -> int:
        """How many items both decide."""
        return self.both_good + self.only_metric + self.only_people + self.both_bad


def agreement_of(run: EvaluationRun) -> Agreement | None:
    """People against metric on this evaluation's spot checks; None where nobody was asked."""
    checks = list(SpotCheck.objects.filter(item__run=run).select_related("item").order_by("item__place"))
    if not checks:
        return None
    kind = SUITES[run.suite].checked_as
    bodies: dict[int, list[Body]] = {check.label_item_id: [] for check in checks}
    told = Label.objects.filter(item__in=bodies, kind=kind, surplus=False).values_list("item", "body")
    for item, body in told:
        bodies[item].append(body)
    judged = [(check.item, bodies[check.label_item_id]) for check in checks if bodies[check.label_item_id]]
    pairs = [(item, metric_says(item.outcome), people_say(kind, own)) for item, own in judged]
    return _counted(len(checks), len(checks) - len(judged), pairs)


def _counted(
    asked: int, waiting: int, pairs: Sequence[tuple[MeasuredItem, bool | None, bool | None]]
) -> Agreement:
    from evaluator.statistics.intervals import (
        wilson,  # here: it brings NumPy, which no other page of this room wants
    )

    decided = [(item, metric, people) for item, metric, people in pairs if None not in (metric, people)]
    counts = {
        (metric, people): sum((metric, people) == (one, other) for _item, one, other in decided)
        for metric in (True, False)
        for people in (True, False)
    }
    agree, n = counts[True, True] + counts[False, False], len(decided)
    low, high = wilson(agree, n) if n else (None, None)
    different = [item for item, metric, people in decided if metric != people]
    return Agreement(
        asked=asked,
        waiting=waiting,
        undecided=len(pairs) - n,
        both_good=counts[True, True],
        only_metric=counts[True, False],
        only_people=counts[False, True],
        both_bad=counts[False, False],
        share=agree / n if n else None,
        low=low,
        high=high,
        different=tuple(different[:SHOWN]),
    )


def metric_says(outcome: str) -> bool | None:
    """Whether the metric finds nothing false: who abstains says nothing false. None where it does not decide."""
    return {Outcome.RIGHT: True, Outcome.ABSTAINED: True, Outcome.WRONG: False}.get(Outcome(outcome))


def people_say(kind: str, bodies: Sequence[Body]) -> bool | None:
    """Whether people find nothing false: by the mean of their ratings, or by what most of them marked.

    None where they are exactly in the middle.
    """
    if kind == Campaign.Kind.SPANS:
        clean = sum(not body["spans"] for body in bodies)
        lead = 2 * clean - len(bodies)
    else:
        lead = sum(body["ratings"][TRUTHFUL] for body in bodies) - MIDDLE * len(bodies)
    return None if lead == 0 else lead > 0
