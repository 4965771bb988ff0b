"""Labels for tests of agreement, and brute-force figures straight from the definitions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from hypothesis import strategies as st

from evaluator.statistics.ranking_labels import RankingLabel
from evaluator.statistics.resampling import Sampling

POINT = Sampling(resamples=0, fewest=1)
NAMES = "abcdefghi"


def label(item: str, annotator: str, tiers: Sequence[int | None] | str, **more: Any) -> RankingLabel:
    """A label whose responses are a, b, c …; tiers as numbers, or as text ("01-" leaves c unranked)."""
    if isinstance(tiers, str):
        tiers = [None if one == "-" else int(one) for one in tiers]
    return RankingLabel(item, annotator, tuple(NAMES[: len(tiers)]), tuple(tiers), **more)


def said(one: RankingLabel, first: str, second: str) -> str | None:
    """What a label says of two responses, from the words of the definition."""
    tiers = dict(zip(one.responses, one.tiers, strict=True))
    if first not in tiers or second not in tiers:
        return None
    a, b = tiers[first], tiers[second]
    if a is None or b is None:
        if a is None and b is None:
            return None
        return "first" if b is None else "second"
    return "tie" if a == b else ("first" if a < b else "second")


def label_pairs_of(labels: Iterable[RankingLabel]) -> list[tuple[RankingLabel, RankingLabel]]:
    """Pairs of different annotators' first labels of one item."""
    first: dict[tuple[str, str], RankingLabel] = {}
    for one in labels:
        first.setdefault((one.item, one.annotator), one)
    return [(a, b) for a, b in combinations(first.values(), 2) if a.item == b.item]


def said_by_both(labels: Iterable[RankingLabel]) -> list[tuple[str, str]]:
    """What both say, over all pairs of labels and of responses that both know."""
    found = []
    for a, b in label_pairs_of(labels):
        for first, second in combinations(sorted({*a.responses, *b.responses}), 2):
            one, two = said(a, first, second), said(b, first, second)
            if one is not None and two is not None:
                found.append((one, two))
    return found


@st.composite
def ranking_sets(draw: st.DrawFn, *, unranked: bool = True) -> list[RankingLabel]:
    """A few items of K from 2 to 5, each labelled by some of four annotators, some of them twice."""
    found = []
    for item in range(draw(st.integers(1, 4))):
        count = draw(st.integers(2, 5))
        tier = st.integers(0, 3) | st.none() if unranked else st.integers(0, 3)
        for annotator in draw(st.lists(st.sampled_from(["ada", "ben", "cyd", "dot"]), max_size=5)):
            tiers = draw(st.lists(tier, min_size=count, max_size=count))
            found.append(label(f"i{item}", annotator, tiers))
    return found


def utilities(
    items: int, betas: Sequence[float], *, seed: int, size: int = 4, per_item: int = 3, tie: float = 0.0
) -> list[RankingLabel]:
    """Rankings by β·quality + Gumbel noise, of which every pair follows Bradley-Terry; closer than `tie` is a tie."""
    rng = np.random.default_rng(seed)
    found = []
    for item in range(items):
        quality = rng.normal(size=size)
        for annotator in rng.choice(len(betas), size=per_item, replace=False):
            worth = betas[annotator] * quality + rng.gumbel(size=size)
            order = np.argsort(-worth)
            steps = np.concatenate([[0], -np.diff(worth[order]) > tie])
            tiers = np.empty(size, dtype=int)
            tiers[order] = np.cumsum(steps)
            found.append(label(f"i{item}", f"a{annotator}", [int(one) for one in tiers]))
    return found
