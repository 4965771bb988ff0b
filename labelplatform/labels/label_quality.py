"""How well ratings of single answers agree, name by name and person by person.

What is reckoned, `evaluator.statistics` reckons; it is imported where it is used, as in quality.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, quantiles
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from labelplatform.accounts.models import User
from labelplatform.labels.kinds import Matter, kind_of, kinds_in_file
from labelplatform.labels.kinds.ratings import Ratings
from labelplatform.labels.models import Campaign, Item, Label

if TYPE_CHECKING:
    from evaluator.statistics.intervals import Interval

# So that the page answers within a second.
MOST_LABELS = 5000
RESAMPLES = 200
ITEMS_SHOWN = 20


@dataclass(frozen=True)
class Given:
    """One label: who rated which item how."""

    item: int
    prompt: int
    annotator: int
    ratings: Mapping[str, float]
    flags: Sequence[str]
    seconds: float | None


@dataclass(frozen=True)
class NameQuality:
    """One rating name: how it came out, and how far people agree on it."""

    name: str
    n: int
    mean: float
    alpha: Interval


@dataclass(frozen=True)
class Spread:
    """One person's ratings under one name: the middle and the quarters around it; None where there are none."""

    name: str
    median: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class PersonRatings:
    """One annotator: how many labels, how fast, and their spread under each name."""

    user: User
    labels: int
    median_seconds: float | None
    spreads: list[Spread]


@dataclass(frozen=True)
class Apart:
    """An item whose ratings lie apart: by how much at most, and under which name."""

    item: Item
    name: str
    apart: float
    labels: int


@dataclass(frozen=True)
class LabelQuality:
    """All that the page tells. `left_out`: older labels that were not read."""

    labels: int
    items: int
    annotators: int
    left_out: int
    names: list[NameQuality]
    flags: list[tuple[str, int]]
    people: list[PersonRatings]
    apart: list[Apart]


def label_quality(campaign: Campaign) -> LabelQuality:
    """The agreement of a campaign's ratings and the spread of everybody's."""
    given = given_labels(campaign)
    names = rated_names(campaign, given)
    return LabelQuality(
        labels=len(given),
        items=len({one.item for one in given}),
        annotators=len({one.annotator for one in given}),
        left_out=_rated(campaign).count() - len(given),
        names=[one for name in names if (one := name_quality(given, name, seed=campaign.seed)) is not None],
        flags=_counted_flags(given),
        people=_people(given, names),
        apart=_apart(given),
    )


def given_labels(campaign: Campaign) -> list[Given]:
    """The newest labels that count, the newest first."""
    columns = ("item", "item__prompt", "annotator", "body", "seconds")
    found = _rated(campaign).order_by("-pk").values_list(*columns)[:MOST_LABELS]
    return [
        Given(item, prompt, annotator, body["ratings"], body["flags"], seconds)
        for item, prompt, annotator, body, seconds in found
    ]


def _rated(campaign: Campaign) -> QuerySet[Label]:
    kinds = kinds_in_file("ratings")
    # A label of a hidden repeat says how far its annotator agrees with themselves, and nothing else.
    return Label.objects.filter(item__campaign=campaign, item__repeat=None, surplus=False, kind__in=kinds)


def rated_names(campaign: Campaign, given: Sequence[Given]) -> list[str]:
    """The names that were rated: those that the campaign asks for in its order, then those of imported labels."""
    rated = {name for one in given for name in one.ratings}
    kind = kind_of(campaign)
    asked = kind.names(Matter(campaign.asks)) if isinstance(kind, Ratings) else []
    return [name for name in asked if name in rated] + sorted(rated - set(asked))


def name_quality(given: Sequence[Given], name: str, *, seed: int) -> NameQuality | None:
    """The ratings under one name; None where nobody gave any."""
    from evaluator.statistics.chance_corrected import RatingLabel, rating_alpha
    from evaluator.statistics.resampling import Sampling

    told = [one for one in given if name in one.ratings]
    if not told:
        return None
    # An item is one answer; answers of one prompt are drawn together.
    labels = [
        RatingLabel(str(one.item), str(one.item), str(one.annotator), one.ratings[name], str(one.prompt))
        for one in told
    ]
    alpha = rating_alpha(labels, level="ordinal", sampling=Sampling(seed=seed, resamples=RESAMPLES))
    return NameQuality(name, len(told), fmean(one.ratings[name] for one in told), alpha)


def _counted_flags(given: Sequence[Given]) -> list[tuple[str, int]]:
    """Each flag with how many labels have it, the commonest first."""
    counts: dict[str, int] = {}
    for one in given:
        for flag in one.flags:
            counts[flag] = counts.get(flag, 0) + 1
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _people(given: Sequence[Given], names: Sequence[str]) -> list[PersonRatings]:
    by_person: dict[int, list[Given]] = {}
    for one in given:
        by_person.setdefault(one.annotator, []).append(one)
    users = User.objects.in_bulk(by_person)
    rows = []
    for pk, theirs in by_person.items():
        seconds = [one.seconds for one in theirs if one.seconds is not None]
        spreads = [
            spread(name, [one.ratings[name] for one in theirs if name in one.ratings]) for name in names
        ]
        rows.append(PersonRatings(users[pk], len(theirs), median(seconds) if seconds else None, spreads))
    return sorted(rows, key=lambda row: (-row.labels, row.user.username))


def spread(name: str, values: Sequence[float]) -> Spread:
    """The median, and the first and third quartile (inclusive) where there are two values at least."""
    if len(values) < 2:
        return Spread(name, values[0] if values else None)
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return Spread(name, middle, low, high)


def _apart(given: Sequence[Given]) -> list[Apart]:
    """The items whose ratings lie furthest apart, widest first; those of one label are not among them."""
    by_item: dict[int, list[Given]] = {}
    for one in given:
        by_item.setdefault(one.item, []).append(one)
    found = []
    for item, labels in by_item.items():
        for name in sorted(set.intersection(*(set(one.ratings) for one in labels))):
            values = [one.ratings[name] for one in labels]
            if max(values) > min(values):
                found.append((max(values) - min(values), -item, name, len(labels)))
    widest = sorted(found, key=lambda one: (-one[0], one[1], one[2]))
    first = list(
        {item: (wide, -item, name, labels) for wide, item, name, labels in reversed(widest)}.values()
    )
    shown = sorted(first, key=lambda one: (-one[0], -one[1]))[:ITEMS_SHOWN]
    items = Item.objects.select_related("prompt").in_bulk([pk for _wide, pk, _name, _labels in shown])
    return [Apart(items[pk], name, wide, labels) for wide, pk, name, labels in shown]
