"""What changes if one annotator is left out: agreement and ratings reckoned again without them."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluator.policy_rankings import policy_ranking
from evaluator.rankings import Ranking
from evaluator.report_files import Metric
from evaluator.statistics.agreement import agreement
from evaluator.statistics.counted_rankings import count_rankings
from evaluator.statistics.ranking_labels import RankingLabel
from evaluator.statistics.rating_intervals import Resampling, rate_counted
from evaluator.statistics.resampling import Sampling


@dataclass(frozen=True)
class Drop:
    """One policy's rating with all annotators and without one of them; None where it is not rated."""

    policy: str
    rating: float | None
    without: float | None
    reason: str | None


def agreement_without(
    labels: Sequence[RankingLabel], annotators: Sequence[str], sampling: Sampling
) -> list[Metric]:
    """Krippendorff's alpha and pairwise agreement of the rankings without each of `annotators`, with intervals."""
    found = []
    for name in annotators:
        rest = agreement([one for one in labels if one.annotator != name], sampling)
        for metric, figure in (("krippendorff_alpha", rest.alpha), ("pairwise_agreement", rest.pairwise)):
            method = figure.method if figure.low is not None else None
            bounds = (figure.value, figure.low, figure.high, figure.n, f"annotator={name}", figure.reason)
            found.append(Metric(f"{metric}_without", *bounds, method, "higher"))
    return found


def ratings_without(rankings: Sequence[Ranking], annotator: str) -> list[Drop]:
    """Every policy's rating with and without the rankings of `annotator`; none where no response names a policy."""
    seen = [policy_ranking(one) for one in rankings]
    points = Resampling(resamples=0)
    every = rate_counted(count_rankings(seen), points)
    rest = rate_counted(count_rankings(one for one in seen if one.annotator != annotator), points)
    after = {row.policy: row for row in rest.rows}
    found = []
    for row in every.rows:
        left = after.get(row.policy)
        reason = (
            f"only {annotator} ranked it" if left is None else left.reason if left.rating is None else None
        )
        found.append(Drop(row.policy, row.rating, None if left is None else left.rating, reason))
    return found


def rating_metrics(drops: Sequence[Drop], annotator: str) -> list[Metric]:
    """The ratings as metrics: `rating_without`, its group annotator and policy, with the rating of all beside it."""
    return [
        Metric(
            "rating_without",
            one.without,
            None,
            None,
            0,
            f"annotator={annotator}, {one.policy}",
            one.reason or (None if one.without is not None else "not rated"),
            better="neither",
            extra={"policy": one.policy, "with": one.rating},
        )
        for one in drops
    ]
