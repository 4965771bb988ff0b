"""Pairs of policies out of rankings, and whether they can be rated at all: connected, and not separated."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


class PolicyRanking(NamedTuple):
    """One ranking seen from the leaderboard: (policy, tier from 0) of each response; tier None is unranked.

    Unranked responses lie below all ranked ones and say nothing about each other. `slices` are what it can be grouped
    by (domain, language, mode), `at` its time in ISO 8601, `style` the features of each response in `places`.
    """

    id: str
    places: tuple[tuple[str, int | None], ...]
    annotator: str = ""
    slices: tuple[tuple[str, str], ...] = ()
    at: str = ""
    style: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class RankedPairs:
    """All pairs of different policies, [M] each: indices into `policies`, the ranking's index, its share of weight.

    The pairs of one ranking weigh 1 together: a ranking of nine says more than a comparison, but its 36 pairs
    are not 36 independent opinions.
    """

    policies: tuple[str, ...]
    rankings: tuple[str, ...]
    ranking: NDArray[np.int64]
    better: NDArray[np.int64]
    worse: NDArray[np.int64]
    tied: Booleans
    weight: Floats

    def counts(self, times: Floats | None = None) -> tuple[Floats, Floats]:
        """Weighted wins [P, P] (row beats column) and ties [P, P] (symmetric), each ranking taken `times` [R] times."""
        weight = self.weight if times is None else self.weight * times[self.ranking]
        size = len(self.policies)
        cell = self.better * size + self.worse
        wins = _sums(cell, np.where(self.tied, 0.0, weight), size * size).reshape(size, size)
        ties = _sums(cell, np.where(self.tied, weight, 0.0), size * size).reshape(size, size)
        return wins, ties + ties.T


def _sums(cell: NDArray[np.int64], weight: Floats, cells: int) -> Floats:
    return np.asarray(np.bincount(cell, weights=weight, minlength=cells), dtype=np.float64)


def pairs_in_order(ordered: Sequence[PolicyRanking], policies: tuple[str, ...]) -> RankedPairs:
    """The pairs of all rankings in the order given, as indices into `policies`; rankings without a pair drop out."""
    index = {policy: number for number, policy in enumerate(policies)}
    rows: list[tuple[int, int, int, bool, float]] = []
    used: list[str] = []
    for ranking in ordered:
        found = _pairs_of_one(ranking)
        if found:
            rows += [(len(used), index[b], index[w], tie, 1 / len(found)) for b, w, tie in found]
            used.append(ranking.id)
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), (), ()]
    ranking_of, better, worse = (np.array(column, dtype=np.int64) for column in columns[:3])
    tied, weight = np.array(columns[3], dtype=np.bool_), np.array(columns[4], dtype=np.float64)
    return RankedPairs(policies, tuple(used), ranking_of, better, worse, tied, weight)


def _pairs_of_one(ranking: PolicyRanking) -> list[tuple[str, str, bool]]:
    found = []
    for (first, first_tier), (second, second_tier) in combinations(ranking.places, 2):
        if first == second or (first_tier is None and second_tier is None):
            continue
        if first_tier == second_tier:
            found.append((min(first, second), max(first, second), True))
        elif second_tier is None or (first_tier is not None and first_tier < second_tier):
            found.append((first, second, False))
        else:
            found.append((second, first, False))
    return found


def tells(places: tuple[tuple[str, int | None], ...]) -> bool:
    """Whether a ranking says anything of two different policies."""
    return bool(_pairs_of_one(PolicyRanking("", places)))


def reachable(edges: Booleans) -> Booleans:
    """[P, P]: whether a path of edges leads from row to column; every policy reaches itself."""
    paths = edges | np.eye(len(edges), dtype=np.bool_)
    for _ in range(max(1, len(edges).bit_length())):
        paths = (paths.astype(np.float64) @ paths.astype(np.float64)) > 0
    return paths


def components(wins: Floats, ties: Floats) -> list[list[int]]:
    """Groups of policies that rankings connect, as indices; a policy in no pair is a group of its own."""
    paths = reachable((wins + wins.T + ties) > 0)
    groups: dict[int, list[int]] = {}
    for policy, row in enumerate(paths):
        groups.setdefault(int(np.argmax(row)), []).append(policy)
    return list(groups.values())


def is_separated(wins: Floats, ties: Floats, *, ties_modelled: bool) -> bool:
    """Whether the likelihood has no finite maximum on one connected group.

    Without a tie parameter: some policies are never beaten or tied by the others (Ford 1957): the graph of wins,
    ties both ways, is not strongly connected. With Davidson's, ratings also run away together with the tie parameter
    when d exists with d_i - d_j >= 1 for each win and |d_i - d_j| <= 1 for each tie: difference constraints, feasible
    unless the graph (win -1, tie +1) has a negative cycle.
    """
    beats, tie = wins > 0, ties > 0
    if not reachable(beats | tie).all():
        return True
    if not ties_modelled or not tie.any():
        return False
    length = np.where(beats, -1.0, np.where(tie, 1.0, np.inf))
    distance = np.zeros(len(wins))
    for _ in range(len(wins)):
        shorter = np.minimum(distance, (distance[:, None] + length).min(axis=0))
        if np.array_equal(shorter, distance):
            return True
        distance = shorter
    return False
