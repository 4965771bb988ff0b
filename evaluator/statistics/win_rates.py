"""What a leaderboard predicts of comparisons: win rates and how well they fit, and which to collect next, how many."""

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.intervals import CONFIDENCE
from evaluator.statistics.power import POWER
from evaluator.statistics.rating_intervals import Draws
from evaluator.statistics.rating_pairs import RankedPairs
from evaluator.statistics.ratings import SCALE

Floats = NDArray[np.float64]
MOST_COMPARISONS = 100_000
FEWEST_EXPECTED = 5.0  # below it a cell's square is not chi-squared


@dataclass(frozen=True)
class WinRateFit:
    """How predicted and observed win rates differ: the mean over pairs of policies, weighted by their counts.

    `p_value` is of Pearson's chi-squared over wins, losses and ties of all pairs; None with a reason where the pairs
    are not independent (rankings of more than two) or too few.
    """

    mean_difference: float
    pairs: int
    p_value: float | None
    reason: str | None


@dataclass(frozen=True)
class Undecided:
    """Two policies whose order the data leave open: their difference in points, and how many comparisons would tell.

    `comparisons` is None where more than 100,000 would be wanted.
    """

    first: str
    second: str
    difference: float
    comparisons: int | None


def predicted(strengths: Floats, log_tie: float) -> tuple[Floats, Floats]:
    """Chances in one comparison, [R, R] each: that the row's policy wins, and of a tie (Davidson; 0 without ties)."""
    half = (strengths[:, None] - strengths[None, :]) / 2
    log_z = np.logaddexp(np.logaddexp(half, -half), log_tie)
    return np.exp(half - log_z), np.exp(log_tie - log_z)


def win_rates(draws: Draws) -> Floats:
    """Predicted win rate of the row's policy over the column's, a tie counted as half, [R, R]; 1/2 on the diagonal."""
    win, tie = predicted(draws.point.strengths, draws.point.log_tie)
    return win + tie / 2


def win_rate_fit(draws: Draws) -> WinRateFit:
    """How far the pairs of the rated policies are from what the ratings predict."""
    wins, losses, ties = pair_counts(draws)
    games = wins + losses + ties
    upper = np.triu(games, 1) > 0
    observed = (wins + ties / 2)[upper] / games[upper]
    difference = np.abs(observed - win_rates(draws)[upper])
    mean = float((difference * games[upper]).sum() / games[upper].sum())
    p_value, reason = _p_value(draws, wins, losses, ties, upper)
    return WinRateFit(mean, int(upper.sum()), p_value, reason)


def pair_counts(draws: Draws) -> tuple[Floats, Floats, Floats]:
    """Wins, losses and ties of the row's policy against the column's, [R, R] each, every pair counted as one."""
    model = draws.model
    pairs = model.pairs
    plain = RankedPairs(**{**vars(pairs), "weight": np.ones(len(pairs.weight))})
    wins, ties = plain.counts(np.round(draws.seen))
    grid = np.ix_(model.group, model.group)
    return wins[grid], wins.T[grid], ties[grid]


def _p_value(
    draws: Draws, wins: Floats, losses: Floats, ties: Floats, upper: NDArray[np.bool_]
) -> tuple[float | None, str | None]:
    from scipy.special import chdtrc  # here, not above: it takes half a second to load

    if not draws.only_comparisons:
        return None, "pairs of one ranking hang together: no test of the fit"
    win, tie = predicted(draws.point.strengths, draws.point.log_tie)
    has_ties = draws.point.log_tie > -math.inf
    games = (wins + losses + ties)[upper]
    chances = np.stack([win[upper], win.T[upper], tie[upper]])[: 3 if has_ties else 2]
    seen = np.stack([wins[upper], losses[upper], ties[upper]])
    if not has_ties:
        seen = np.stack([seen[0] + seen[2] / 2, seen[1] + seen[2] / 2])
    expected = chances * games
    enough = expected.min(axis=0) >= FEWEST_EXPECTED
    freedom = int(enough.sum()) * (len(chances) - 1) - (len(draws.policies) - 1) - has_ties
    if freedom < 1:
        return None, "not enough data: too few pairs of policies were compared often enough to test the fit"
    square = ((seen - expected) ** 2 / expected)[:, enough].sum()
    return float(chdtrc(freedom, square)), None


def undecided(draws: Draws) -> list[Undecided]:
    """Neighbours on the leaderboard whose order is open, those that fewest comparisons would tell first.

    With difference d, its variance v over resamples and the information I of one comparison of the two, n more give
    1 / (1/v + n·I); wanted is d = (z_97.5 % + z_80 %) standard errors: significant with 80 % power.
    """
    strengths = draws.point.strengths
    order = np.argsort(-strengths, kind="stable")
    win, tie = predicted(strengths, draws.point.log_tie)
    normal = NormalDist()
    level = normal.inv_cdf(0.5 + CONFIDENCE / 2)
    found = []
    for first, second in pairwise(order):
        gap = float(strengths[first] - strengths[second])
        apart = draws.strengths[:, first] - draws.strengths[:, second]
        apart = apart[np.isfinite(apart)]
        if len(apart) < max(2, len(draws.strengths) / 2):
            continue
        variance = float(np.var(apart, ddof=1))
        if gap > level * math.sqrt(variance):
            continue
        w, t = win[first, second], tie[first, second]
        information = float((1 - t) / 4 - ((2 * w - 1 + t) / 2) ** 2)
        reach = (level + normal.inv_cdf(POWER)) ** 2
        wanted = math.inf if gap == 0 else (reach / gap**2 - 1 / variance) / information
        names = (draws.policies[first], draws.policies[second])
        more = None if wanted > MOST_COMPARISONS else max(1, math.ceil(wanted))
        found.append(Undecided(*names, gap * SCALE, more))
    return sorted(found, key=lambda one: (one.comparisons is None, one.comparisons or 0, one.first))
