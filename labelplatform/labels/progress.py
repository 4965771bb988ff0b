"""Reading how far a campaign is and how fast it goes. Gold, repeats and late work are no part of what is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import TruncDate

from labelplatform.labels.models import Campaign, Label, Ranking, Slot

# The pace is that of so many whole days up to now, or since the first label where that is less.
PACE_DAYS = 14
CHART_DAYS = 30


@dataclass(frozen=True)
class Pace:
    """How many wanted labels came in on each whole day (24 hours) before now, the latest first; from how many people.

    Days before the first label, and the broken day in which it was given, are no part of it.
    """

    counts: list[int]
    people: int


@dataclass(frozen=True)
class Wanted:
    """Wanted labels: done, still to do, and set aside, which nobody is asked for."""

    done: int
    to_do: int
    set_aside: int

    @property
    def all(self) -> int:
        """Every slot of the items that are no gold."""
        return self.done + self.to_do + self.set_aside


def wanted(campaign: Campaign) -> Wanted:
    """How far the campaign is; one statement."""
    slots = Slot.objects.filter(campaign=campaign, item__gold=None, item__repeat=None).order_by()
    by_state = dict(slots.values_list("state").annotate(slots=Count("pk")))
    done, parked = by_state.get(Slot.State.DONE, 0), by_state.get(Slot.State.PARKED, 0)
    return Wanted(done, sum(by_state.values()) - done - parked, parked)


def pace(campaign: Campaign, now: datetime) -> Pace:
    """How fast it goes now; one statement."""
    days = range(PACE_DAYS)
    ends = [now - timedelta(days=day) for day in range(PACE_DAYS + 1)]
    counted = {f"day{n}": Count("pk", filter=Q(at__lte=ends[n], at__gt=ends[n + 1])) for n in days}
    recent = Count("annotator", filter=Q(at__lte=now, at__gt=ends[-1]), distinct=True)
    found = _labels(campaign).aggregate(first=Min("at"), people=recent, **counted)
    first = found["first"]
    whole = 0 if first is None else min(PACE_DAYS, (now - first) // timedelta(days=1))
    return Pace([found[f"day{n}"] for n in range(whole)], found["people"])


def labels_per_day(campaign: Campaign, now: datetime) -> list[tuple[date, int]]:
    """The last days of the calendar with how many wanted labels each brought, the oldest first; one statement."""
    today = now.date()
    first = today - timedelta(days=CHART_DAYS - 1)
    rows = _labels(campaign).filter(at__date__gte=first).annotate(day=TruncDate("at"))
    counts = dict(rows.values_list("day").annotate(labels=Count("pk")))
    days = [first + timedelta(days=number) for number in range(CHART_DAYS)]
    return [(day, counts.get(day, 0)) for day in days]


def _labels(campaign: Campaign) -> QuerySet[Ranking] | QuerySet[Label]:
    """Labels that fill a wanted slot."""
    table = Ranking if campaign.gives_rankings else Label
    found = table._default_manager.filter(
        item__campaign=campaign, item__gold=None, item__repeat=None, surplus=False
    )
    return found.filter(slot__isnull=False).order_by()
