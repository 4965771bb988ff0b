"""What each round of a series measured: held-out accuracy, KL, and how often people prefer its answers to round 0's.

What is reckoned, `evaluator.statistics` reckons; it is imported where it is used: NumPy takes a while to load.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from labelplatform.jobs.models import Artifact
from labelplatform.labels.models import Placement
from labelplatform.training import round_queries
from labelplatform.training.models import TrainingRun
from labelplatform.training.round_models import Round, RoundSeries

if TYPE_CHECKING:
    from evaluator.statistics.head_to_head import Judged
    from evaluator.statistics.intervals import Interval


@dataclass(frozen=True)
class Figure:
    """A figure with its interval and what it rests on; without a value the reason."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class RoundRow:
    """One round with its figures."""

    round: Round
    state: str
    heldout_accuracy: Figure
    kl: Figure
    win_rate: Figure


def round_rows(series: RoundSeries) -> tuple[RoundRow, ...]:
    """All rounds of a series with their figures, oldest first; two statements, however many rounds."""
    rounds = list(round_queries.rounds_of(series))
    judged = _judged(series, rounds)
    return tuple(
        RoundRow(
            round=row,
            state=round_queries.state_of(row),
            heldout_accuracy=_measured(row.reward_model, "heldout_accuracy", "heldout_pairs"),
            kl=_measured(row.ppo, "kl", ""),
            win_rate=_win_rate(row, judged),
        )
        for row in rounds
    )


def _measured(run: TrainingRun | None, name: str, n: str) -> Figure:
    """A figure of a finished run's outcome, with its bounds where the run told them."""
    output: Artifact | None = run.output if run is not None else None
    if output is None:
        return Figure(None, reason=_("this step has not come to its end"))
    told: Mapping[str, Any] = output.detail.get("metrics", {})
    if told.get(name) is None:
        return Figure(None, reason=_("the run measured none: nothing was held out"))
    return Figure(told[name], told.get(f"{name}_low"), told.get(f"{name}_high"), told.get(n))


def _win_rate(row: Round, judged: Mapping[int, Sequence[Judged]]) -> Figure:
    """How often people put an answer of the round's policy above one of round 0's."""
    from evaluator.statistics.head_to_head import win_rate
    from evaluator.statistics.resampling import Sampling

    if row.policy_id == row.series.policy_id:
        return Figure(None, reason=_("it asks the policy of round 0 itself"))
    found: Interval = win_rate(judged.get(row.campaign_id or 0, ()), sampling=Sampling(seed=row.seed))
    reason = ""
    if found.value is None:
        reason = _("not enough data: %(n)s items that tell, wanted 10") % {"n": found.n}
    return Figure(found.value, found.low, found.high, found.n, reason)


def _judged(series: RoundSeries, rounds: Sequence[Round]) -> dict[int, list[Judged]]:
    """What people said of answers of a round's policy and of round 0's, by campaign; one statement."""
    from evaluator.statistics.head_to_head import Judged

    asked = {row.campaign_id: row.policy_id for row in rounds if row.policy_id != series.policy_id}
    wanted = Placement.objects.filter(
        ranking__item__campaign__in=[campaign for campaign in asked if campaign is not None],
        ranking__item__gold=None,
        ranking__item__repeat=None,
        ranking__surplus=False,
        response__policy__in={series.policy_id, *asked.values()},
    ).order_by("ranking", "pk")
    tiers: defaultdict[tuple[int, int, int], tuple[list[int | None], list[int | None]]]
    tiers = defaultdict(lambda: ([], []))
    names = ("ranking__item__campaign", "ranking__item", "ranking", "response__policy", "tier")
    for campaign, item, ranking, policy, tier in wanted.values_list(*names):
        ours, theirs = tiers[campaign, item, ranking]
        if policy == series.policy_id:
            theirs.append(tier)
        elif policy == asked[campaign]:
            ours.append(tier)
    found: defaultdict[int, list[Judged]] = defaultdict(list)
    for (campaign, item, _ranking), (ours, theirs) in tiers.items():
        found[campaign].append(Judged(item, ours, theirs))
    return found
