"""Rankings of several annotators laid side by side: aligned by item and response, never by their place in a list.

What a ranking says of two of its responses is one of three: the first stands higher, the second does, they tie.
Two responses it leaves unranked are mutually unknown (both below all ranked ones): no figure counts that pair.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Relations = NDArray[np.int8]
FIRST, TIE, SECOND, UNKNOWN = 1, 0, -1, 2


@dataclass(frozen=True)
class RankingLabel:
    """One ranking as statistics see it.

    `tiers` holds the tier (0 is best) of each of `responses`, None for an unranked one. `prompt` is what is resampled
    as a whole (None: the item itself). `shown` is the order shown, first to last, `words` the length of each response,
    `seconds` the active time; each may be absent. Refuses fewer than two responses, repeated ones, and lengths that
    differ (ValueError).
    """

    item: str
    annotator: str
    responses: tuple[str, ...]
    tiers: tuple[int | None, ...]
    id: str = ""
    prompt: str | None = None
    kind: str = "ranking"
    shown: tuple[str, ...] = ()
    words: tuple[int, ...] = ()
    seconds: float | None = None

    def __post_init__(self) -> None:
        known = set(self.responses)
        if len(known) < 2 or len(known) != len(self.responses) or len(self.tiers) != len(known):
            raise ValueError(f"item {self.item}: wanted two or more different responses, a tier for each")
        if self.shown and set(self.shown) != known:
            raise ValueError(f"item {self.item}: the order shown does not name each response once")
        if self.words and len(self.words) != len(known):
            raise ValueError(f"item {self.item}: {len(self.words)} lengths of {len(known)} responses")

    @property
    def cluster(self) -> Hashable:
        """What a resample takes or leaves as a whole: the prompt, where known, else the item."""
        return ("item", self.item) if self.prompt is None else ("prompt", self.prompt)


@dataclass(frozen=True)
class AlignedRankings:
    """L rankings of I items on one grid; column r of an item is the r-th of all its responses, sorted by name.

    `relations` [L, pairs of columns]: FIRST, TIE, SECOND or UNKNOWN. `ranks` [L, columns]: midrank from 1 among the
    label's responses, NaN where absent or mutually unknown. `tied` [L]: Σ(t³ - t) over its tiers of t responses.
    `complete` [L]: every response of the item has a rank.
    """

    labels: tuple[RankingLabel, ...]
    items: tuple[str, ...]
    item: Integers  # [L]
    sizes: Integers  # [I] responses of the item
    cluster: Integers  # [I]
    relations: Relations
    ranks: Floats
    tied: Floats
    complete: NDArray[np.bool_]

    @property
    def clusters(self) -> int:
        """How many prompts (or items) are resampled."""
        return int(self.cluster.max(initial=-1)) + 1


def first_and_repeated(
    labels: Iterable[RankingLabel],
) -> tuple[list[RankingLabel], list[tuple[RankingLabel, RankingLabel]]]:
    """Each annotator's first label of each item, and (first, later) for every later one, in the order given."""
    first: dict[tuple[str, str], RankingLabel] = {}
    repeated = []
    for label in labels:
        earlier = first.setdefault((label.item, label.annotator), label)
        if earlier is not label:
            repeated.append((earlier, label))
    return list(first.values()), repeated


def align(labels: Sequence[RankingLabel]) -> AlignedRankings:
    """All `labels` on one grid, in the order given: what an annotator labelled twice stands there twice."""
    members: dict[str, set[str]] = {}
    for label in labels:
        members.setdefault(label.item, set()).update(label.responses)
    items = {name: number for number, name in enumerate(members)}
    columns = {name: {one: at for at, one in enumerate(sorted(found))} for name, found in members.items()}
    width = max((len(found) for found in members.values()), default=2)
    tiers = np.full((len(labels), width), np.nan)
    for row, label in enumerate(labels):
        at = columns[label.item]
        for response, tier in zip(label.responses, label.tiers, strict=True):
            tiers[row, at[response]] = np.inf if tier is None else tier
    item = np.array([items[label.item] for label in labels], dtype=np.int64)
    sizes = np.array([len(found) for found in members.values()], dtype=np.int64)
    ranks, tied = _midranks(tiers)
    return AlignedRankings(
        labels=tuple(labels),
        items=tuple(items),
        item=item,
        sizes=sizes,
        cluster=_clusters(labels),
        relations=_relations(tiers),
        ranks=ranks,
        tied=tied,
        complete=np.isfinite(ranks).sum(axis=1) == sizes[item],
    )


def numbered(names: Iterable[Hashable]) -> Integers:
    """The names as numbers from 0, in the order of first appearance."""
    index: dict[Hashable, int] = {}
    return np.array([index.setdefault(name, len(index)) for name in names], dtype=np.int64)


def pairs_within(group: Integers) -> tuple[Integers, Integers]:
    """Indices (a, b), a before b, of all pairs that belong to the same group; `group` is [N]."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    longest = int(np.bincount(group).max(initial=0)) if len(group) else 0
    found = []
    for lag in range(1, longest):
        start = np.flatnonzero(ordered[lag:] == ordered[:-lag])
        found.append((order[start], order[start + lag]))
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found])


def _clusters(labels: Sequence[RankingLabel]) -> Integers:
    of_item: dict[str, Hashable] = {}
    for label in labels:
        of_item.setdefault(label.item, label.cluster)
    return numbered(of_item.values())


def _relations(tiers: Floats) -> Relations:
    """Signs of tier differences over all pairs of columns; absent (NaN) and twice unranked (inf - inf) are UNKNOWN."""
    left, right = np.array(list(combinations(range(tiers.shape[1]), 2)), dtype=np.int64).T
    with np.errstate(invalid="ignore"):
        signs = np.sign(tiers[:, right] - tiers[:, left])
    return np.where(np.isnan(signs), UNKNOWN, signs).astype(np.int8)


def _midranks(tiers: Floats) -> tuple[Floats, Floats]:
    """Midranks 1 + better + (equal - 1) / 2 by row, and Σ(t³ - t): a response in a tier of t adds t² - 1."""
    below = tiers[:, None, :] < tiers[:, :, None]
    equal = tiers[:, None, :] == tiers[:, :, None]
    group = equal.sum(axis=2)
    ranks = 1 + below.sum(axis=2) + (group - 1) / 2
    unknown = np.isnan(tiers) | (np.isinf(tiers) & (group > 1))
    tied = np.where(unknown, 0, group**2 - 1).sum(axis=1)
    return np.where(unknown, np.nan, ranks), tied.astype(np.float64)
