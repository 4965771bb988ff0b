"""The likelihood of a leaderboard: chosen by tie model, fitted to any weighting of the rankings.

Comparisons alone need only the matrices of wins and ties (`ratings`); rankings need their choices (`plackett_luce`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.counted_rankings import Named
from evaluator.statistics.plackett_luce import (
    RESAMPLE_GRADIENT,
    Choices,
    choices_of,
    fit_choices,
    information,
)
from evaluator.statistics.rating_pairs import RankedPairs, is_separated, reachable
from evaluator.statistics.ratings import Fit, fit

Floats = NDArray[np.float64]
MODELS = ("davidson", "efron", "half")


@dataclass(frozen=True)
class Model:
    """The rankings (`patterns`) of one connected group of policies, `group` being their indices in `pairs`.

    `choices` is None where pairs are enough: comparisons only, or ties halved. `scale` shapes the search on resamples.
    """

    pairs: RankedPairs
    patterns: tuple[Named, ...]
    group: tuple[int, ...]
    ties: str
    choices: Choices | None
    scale: Floats | None = None

    def matrices(self, times: Floats) -> tuple[Floats, Floats]:
        """Weighted wins and ties of the group's pairs, [R, R] each; `times` is [M]."""
        grid = np.ix_(self.group, self.group)
        wins, ties = self.pairs.counts(times)
        return wins[grid], ties[grid]

    def separated(self, times: Floats) -> bool:
        """Whether these rankings have no finite ratings, as far as their pairs show."""
        return is_separated(*self.matrices(times), ties_modelled=self.ties == "davidson")

    def fit(self, times: Floats, start: Fit | None = None) -> Fit:
        """The best ratings. Refuses to give any where the likelihood runs away (ArithmeticError)."""
        if self.choices is None:
            wins, ties = self.matrices(times)
            return fit(wins, ties, tie_model="half" if self.ties == "half" else "davidson", start=start)
        begin = self._begin(times) if start is None or start.parameters is None else start.parameters
        exact = {} if start is None else {"scale": self.scale, "gradient": RESAMPLE_GRADIENT}
        found = fit_choices(self.choices, times, start=begin, **exact)  # type: ignore[arg-type]
        sizes = self.choices.sizes
        log_tie = float(found.log_ties[sizes.index(2)]) if 2 in sizes else -math.inf
        return Fit(found.strengths, log_tie, found.log_likelihood, found.parameters())

    def shaped_by(self, point: Fit, times: Floats) -> "Model":
        """The same model with the information at `point` as its scale."""
        if self.choices is None or point.parameters is None:
            return self
        scale = information(self.choices, self.choices.totals(times), point.parameters)
        return replace(self, scale=scale)

    def core(self, times: Floats) -> tuple[int, ...]:
        """Places in the group of the most policies that all lose to and win over each other on some path; () if two."""
        wins, ties = self.matrices(times)
        paths = reachable((wins + ties) > 0)
        together = paths & paths.T
        sizes = together.sum(axis=1)
        largest = together[int(sizes.argmax())]
        alone = int((sizes == sizes.max()).sum()) == int(largest.sum())
        return tuple(int(at) for at in np.flatnonzero(largest)) if alone else ()

    def among(self, places: Sequence[int]) -> "Model":
        """The model of these places of the group alone: responses of the others are taken out of the rankings."""
        group = [self.group[place] for place in places]
        names = {self.pairs.policies[index] for index in group}
        inside = [tuple(one for one in pattern if one[0] in names) for pattern in self.patterns]
        return model_of(self.pairs, inside, group, self.ties)

    def _begin(self, times: Floats) -> Floats:
        """Ratings of the pairs with halved ties, which have a maximum wherever the group is connected both ways."""
        assert self.choices is not None
        wins, ties = self.matrices(times)
        strengths = fit(wins, ties, tie_model="half").strengths
        more = len(self.choices.sizes) + (0 if self.choices.features is None else len(self.choices.features))
        return np.concatenate([strengths, np.zeros(more)])


def model_of(
    pairs: RankedPairs,
    patterns: Sequence[Named],
    group: Sequence[int],
    ties: str,
    style: Sequence[Floats] | None = None,
) -> Model:
    """The model of `patterns`, of which those outside `group` count as nothing. Refuses another tie model."""
    if ties not in MODELS:
        raise ValueError(f"tie model {ties!r}: wanted one of {', '.join(MODELS)}")
    only_comparisons = all(len(places) <= 2 for places in patterns)
    if ties == "half" or (only_comparisons and ties == "davidson" and style is None):
        return Model(pairs, tuple(patterns), tuple(group), ties, None)
    place = {pairs.policies[index]: at for at, index in enumerate(group)}
    inside = [
        tuple((place[policy], tier) for policy, tier in places)
        if all(policy in place for policy, _ in places)
        else ()
        for places in patterns
    ]
    choices = choices_of(inside, len(group), efron=ties == "efron", style=style)
    return Model(pairs, tuple(patterns), tuple(group), ties, choices)
