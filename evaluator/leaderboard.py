"""`evaluator leaderboard`: policies rated from all rankings whose responses name a policy."""

import time

from evaluator.progress import Progress
from evaluator.rankings import Ranking, read_rankings
from evaluator.report_files import Items, Metric, Report, Verdict, data_file, environment
from evaluator.specs import LeaderboardSpec
from evaluator.statistics.rating_intervals import PolicyRating, Ratings, rate
from evaluator.statistics.rating_pairs import PolicyRanking

VARIANTS = {
    "davidson": "davidson-composite: pairs of each ranking weigh 1 together, ties by Davidson's model",
    "half": "bradley-terry-composite: pairs of each ranking weigh 1 together, a tie is half a win each way",
}
INTERVAL = "percentile bootstrap over rankings"


def leaderboard(spec: LeaderboardSpec, progress: Progress) -> Report:
    """The report of `spec.rankings`: one metric `rating` a policy (its `group`), best first, unrated ones last.

    Scale: 1000 is the mean, 400 points are ten to one. `rank_best` and `rank_worst` are the ranks that the resamples
    leave open. Samples are the rankings used. Refuses a file without a ranking.
    """
    started = time.monotonic()
    rankings = read_rankings(spec.rankings)
    seen = [policy_ranking(ranking) for ranking in rankings]
    ratings = rate(seen, seed=spec.seed, resamples=spec.resamples, tie_model=spec.ties)
    progress.step(1, 1)
    used = set(ratings.rankings)
    return Report(
        suite="leaderboard",
        variant=VARIANTS[spec.ties],
        subject=str(spec.rankings),
        seed=spec.seed,
        metrics=[*(_metric(row) for row in ratings.rows), *_tie_parameter(ratings)],
        items=Items(len(rankings), len(used), 0, len(rankings) - len(used)),
        verdicts=[Verdict("rating", "not-enough-data", warning) for warning in ratings.warnings],
        data=[data_file(spec.rankings)],
        spec=spec.record(),
        samples=[
            _sample(ranking) for ranking in sorted(rankings, key=lambda one: one.id) if ranking.id in used
        ],
        extra={"warnings": list(ratings.warnings), "scale": {"mean": 1000, "points_for_ten_to_one": 400}},
        environment=environment(started),
    )


def policy_ranking(ranking: Ranking) -> PolicyRanking:
    """The ranking by policy: responses that name none are left out."""
    named = [response for response in ranking.responses if response in ranking.policy_of]
    places = [(ranking.policy_of[response], ranking.tier_of.get(response)) for response in named]
    return PolicyRanking(ranking.id, tuple(places))


def _metric(row: PolicyRating) -> Metric:
    counts = {"rankings": row.rankings, "wins": row.wins, "losses": row.losses, "ties": row.ties}
    ranks = {"rank_best": row.rank_best, "rank_worst": row.rank_worst}
    figures = (row.rating, row.low, row.high, row.rankings)
    interval = INTERVAL if row.low is not None else None
    return Metric("rating", *figures, row.policy, row.reason, interval, "higher", extra={**ranks, **counts})


def _tie_parameter(ratings: Ratings) -> list[Metric]:
    if ratings.tie_parameter is None:
        return []
    return [
        Metric("tie_parameter", ratings.tie_parameter, None, None, len(ratings.rankings), better="neither")
    ]


def _sample(ranking: Ranking) -> dict[str, object]:
    tiers: dict[int, list[str]] = {}
    unranked = []
    for response in ranking.responses:
        policy = ranking.policy_of.get(response)
        if policy is None:
            continue
        if response in ranking.tier_of:
            tiers.setdefault(ranking.tier_of[response], []).append(policy)
        else:
            unranked.append(policy)
    ordered = [sorted(tiers[number]) for number in sorted(tiers)]
    shown = {"annotator": ranking.annotator, "tiers": ordered, "unranked": sorted(unranked)}
    return {"id": ranking.id, "slices": {}, "scores": {}, **shown}
