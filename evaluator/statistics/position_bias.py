"""Does an annotator prefer what is shown first? A flag that may be looked at after every item, without end.

Orders are drawn without regard to what the responses say (uniformly, or balanced by Latin squares). So for an annotator
who judges the responses, whatever their tastes, the place of each response is chance: the first shown lies in a best
tier of t among K responses with probability t/K, independently from item to item. Ties thus count as they are: a tied
best tier is a hit with the greater chance t/K; an item whose responses all tie (t = K) says nothing and is no look.

A test repeated after every item would in the end flag everybody. The chance of a false alarm is therefore spent over
the looks (Lan and DeMets 1983): after n items at most α(n) of it, of which FALSE_ALARMS is never exceeded however long
one goes on looking. Boundaries are exact: the distribution of hits on paths not flagged yet (Poisson-binomial).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.ranking_labels import RankingLabel

Floats = NDArray[np.float64]
FALSE_ALARMS = 0.01
PLANNED_ITEMS = 50
SPENT_BY_THEN = 0.8
FEWEST_FOR_ORDER = 10


@dataclass(frozen=True)
class Trial:
    """One item: whether the first shown was in the best tier, and the chance of that for an honest annotator."""

    hit: bool
    chance: float


@dataclass(frozen=True)
class PositionFlag:
    """Whether an annotator is flagged, after which look (counted from 1), and why in words.

    `hits` of `looks` items had the first shown best where `expected` would be by chance, up to the flag where there is
    one, else up to now. `p_value` is the exact chance of as many hits at that look alone, not corrected for the others;
    `spent` is what all looks up to then may have flagged of honest annotators.
    """

    flagged: bool
    looks: int
    hits: int
    expected: float
    p_value: float | None
    spent: float
    reason: str


def spent(looks: int, *, level: float = FALSE_ALARMS) -> float:
    """The share of honest annotators that may be flagged by then: 0.8·level·(n/50)² up to 50 looks, which is where the
    plan wants its power, and level·(1 - 0.2·50/n) beyond: the rest is spent ever more slowly, never all of it.
    """
    if looks <= PLANNED_ITEMS:
        return level * SPENT_BY_THEN * (looks / PLANNED_ITEMS) ** 2
    return level * (1 - (1 - SPENT_BY_THEN) * PLANNED_ITEMS / looks)


def trials_of(labels: Sequence[RankingLabel]) -> list[Trial]:
    """One annotator's trials in the order given (which is the order of the looks: give labels in order of time).

    Left out: labels without an order shown, without a best tier, and those that tie all responses.
    """
    found = []
    for label in labels:
        tiers = dict(zip(label.responses, label.tiers, strict=True))
        ranked = [tier for tier in label.tiers if tier is not None]
        if not label.shown or not ranked:
            continue
        best = {response for response, tier in tiers.items() if tier == min(ranked)}
        if len(best) < len(tiers):
            found.append(Trial(label.shown[0] in best, len(best) / len(tiers)))
    return found


def position_flag(labels: Sequence[RankingLabel], *, level: float = FALSE_ALARMS) -> PositionFlag:
    """The flag of one annotator's labels, given in order of time.

    Where every order shown is the order in which the responses are stored, nothing was shuffled: place and quality
    cannot be told apart, and nobody is flagged.
    """
    placed = [label for label in labels if label.shown]
    if len(placed) >= FEWEST_FOR_ORDER and all(label.shown == label.responses for label in placed):
        reason = (
            f"not tested: all {len(placed)} labels were shown in the stored order, the order was never varied"
        )
        return PositionFlag(False, 0, 0, 0.0, None, 0.0, reason)
    return sequential_flag(trials_of(placed), level=level)


def sequential_flag(trials: Sequence[Trial], *, level: float = FALSE_ALARMS) -> PositionFlag:
    """The first look at which the hits reach the boundary, or none. Refuses chances outside 0 to 1 (ValueError).

    Each boundary is the fewest hits for which the chance of having been flagged by that look, on all paths, stays
    within `spent`. Costs as many steps as looks, each on that many numbers.
    """
    if not trials:
        return PositionFlag(False, 0, 0, 0.0, None, 0.0, "not enough data: no label with an order shown")
    alive, crossed, hits = np.ones(1), 0.0, 0
    for look, trial in enumerate(trials, start=1):
        alive = _after(alive, trial.chance)
        hits += trial.hit
        tail = np.cumsum(alive[::-1])[::-1]
        within = np.flatnonzero(tail <= spent(look, level=level) - crossed)
        boundary = int(within[0]) if len(within) else look + 1
        if hits >= boundary:
            return _verdict(trials[:look], flagged=True, level=level)
        crossed += float(alive[boundary:].sum())
        alive[boundary:] = 0.0
    return _verdict(trials, flagged=False, level=level)


def poisson_binomial_tail(chances: Sequence[float], hits: int) -> float:
    """P(at least `hits` successes) of independent trials with these chances."""
    distribution = np.ones(1)
    for chance in chances:
        distribution = _after(distribution, chance)
    return float(min(1.0, distribution[hits:].sum()))


def _after(distribution: Floats, chance: float) -> Floats:
    """The distribution of hits after one more trial; [n + 1] becomes [n + 2]."""
    if not 0 < chance < 1:
        raise ValueError(f"chance {chance}: wanted a number between 0 and 1, ends excluded")
    longer = np.append(distribution * (1 - chance), 0.0)
    longer[1:] += distribution * chance
    return longer


def _verdict(trials: Sequence[Trial], *, flagged: bool, level: float) -> PositionFlag:
    hits, looks = sum(trial.hit for trial in trials), len(trials)
    chances = [trial.chance for trial in trials]
    expected = sum(chances)
    p_value = poisson_binomial_tail(chances, hits)
    told = f"the first shown was best in {hits} of {looks} items, chance gives {expected:.1f}"
    if flagged:
        words = (
            f"{told} (p = {p_value:.2g}; all looks together flag at most {level:.0%} of honest annotators)"
        )
    else:
        words = f"{told}: within what looking after every item allows"
    return PositionFlag(flagged, looks, hits, expected, p_value, spent(looks, level=level), words)
