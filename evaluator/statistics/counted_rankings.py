"""Rankings counted: each different one once, with how many times each annotator gave it.

A million comparisons of a hundred policies are fifteen thousand different ones; whatever is reckoned many times over,
as resamples are, is reckoned on those.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.rating_pairs import PolicyRanking, tells

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Named = tuple[tuple[str, int | None], ...]
PLACES_OF: Callable[[PolicyRanking], Named] = itemgetter(PolicyRanking._fields.index("places"))
ANNOTATOR_OF: Callable[[PolicyRanking], str] = itemgetter(PolicyRanking._fields.index("annotator"))


@dataclass(frozen=True)
class CountedRankings:
    """M different rankings (`patterns`) and T cells of them by annotator: pattern, annotator and times, [T] each.

    All in sorted order, whatever the order of the rankings. `policies` are all that are named, also those of rankings
    that say nothing of two different ones; such rankings are in no pattern.
    """

    policies: tuple[str, ...]
    patterns: tuple[Named, ...]
    annotators: tuple[str, ...]
    pattern: Integers
    annotator: Integers
    times: Floats

    @property
    def total(self) -> int:
        """How many rankings there are."""
        return int(self.times.sum())

    def by_pattern(self, cells: Floats) -> Floats:
        """Cell weights [T] summed by pattern, [M]."""
        size = len(self.patterns)
        return np.asarray(np.bincount(self.pattern, weights=cells, minlength=size), dtype=np.float64)


def count_rankings(rankings: Iterable[PolicyRanking]) -> CountedRankings:
    """The rankings counted."""
    kept = list(rankings)
    # Columns by itemgetter, not by name in a loop: of a million rankings each loop costs a tenth of a second more.
    people = {name: number for number, name in enumerate(dict.fromkeys(map(ANNOTATOR_OF, kept)))}
    annotator = np.fromiter(map(people.__getitem__, map(ANNOTATOR_OF, kept)), np.int64, count=len(kept))
    # By identity first: a reader gives one object for all equal places, and comparing addresses is cheap.
    places = [*map(PLACES_OF, kept)]
    address = np.fromiter(map(id, places), dtype=np.int64, count=len(places))
    _, first, number = np.unique(address, return_index=True, return_inverse=True)
    table = np.stack([number, annotator], axis=1)
    return _counted([places[at] for at in first], list(people), table)


def _counted(raw: list[Named], people: list[str], table: Integers) -> CountedRankings:
    """From the rows (number of the places as they stand, number of the annotator), [N, 2]."""
    telling = {places: canonical(places) for places in raw if tells(places)}
    patterns = sorted(set(telling.values()), key=_sort_key)
    at_pattern = {places: at for at, places in enumerate(patterns)}
    names = sorted(people)
    at_name = {name: at for at, name in enumerate(names)}
    pattern = np.array([at_pattern[telling[one]] if one in telling else -1 for one in raw], dtype=np.int64)
    annotator = np.array([at_name[name] for name in people], dtype=np.int64)
    both = pattern[table[:, 0]] * max(1, len(names)) + annotator[table[:, 1]]
    cells, times = np.unique(both[pattern[table[:, 0]] >= 0], return_counts=True)
    told, number = np.unique(cells % max(1, len(names)), return_inverse=True)  # annotators who say something
    return CountedRankings(
        policies=tuple(sorted({policy for places in raw for policy, _ in places})),
        patterns=tuple(patterns),
        annotators=tuple(names[at] for at in told),
        pattern=cells // max(1, len(names)),
        annotator=number,
        times=times.astype(np.float64),
    )


def canonical(places: Named) -> Named:
    """The same ranking with tiers numbered from 0 and responses in one order: by tier, unranked last, then policy."""
    tiers = sorted({tier for _, tier in places if tier is not None})
    number = {tier: at for at, tier in enumerate(tiers)}
    renumbered = [(policy, None if tier is None else number[tier]) for policy, tier in places]
    return tuple(sorted(renumbered, key=lambda place: (place[1] is None, place[1] or 0, place[0])))


def _sort_key(places: Named) -> tuple[tuple[str, int], ...]:
    return tuple((policy, -1 if tier is None else tier) for policy, tier in places)
