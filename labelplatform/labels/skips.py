"""Reading skips: what was set aside and why, how often each reason was given, and who skips far more than others."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Prefetch, QuerySet

from labelplatform.accounts.models import User
from labelplatform.labels.models import Campaign, Item, Label, PastSkip, Ranking, Skip, Slot

if TYPE_CHECKING:
    from evaluator.statistics.outstanding import Share


def set_aside(campaign: Campaign) -> QuerySet[Item]:
    """Items that wait for a researcher's look, with who skipped them and why; a page of them takes two statements."""
    parked = Slot.objects.filter(campaign=campaign, state=Slot.State.PARKED)
    items = campaign.items.filter(repeat=None, pk__in=parked.values("item")).select_related("prompt")
    skips = Skip.objects.select_related("annotator").order_by("pk")
    return items.prefetch_related(Prefetch("skips", queryset=skips)).order_by("pk")


@dataclass(frozen=True)
class ReasonCount:
    """How often a reason was given."""

    title: str
    times: int


@dataclass(frozen=True)
class PersonSkips:
    """How often somebody skipped, of all items that they decided on."""

    user: User
    share: Share
    # The reason they gave most.
    mostly: str


@dataclass(frozen=True)
class SkipStatistics:
    """A campaign's skips, those of items that were put back since too."""

    total: int
    reasons: list[ReasonCount]
    people: list[PersonSkips]


def statistics(campaign: Campaign) -> SkipStatistics:
    """By reason and by person, the most first; four statements, whatever the campaign's length."""
    from evaluator.statistics.outstanding import outstanding

    given: dict[int, Counter[str]] = {}
    for model in (Skip, PastSkip):
        rows = model.objects.filter(item__campaign=campaign).order_by().values_list("annotator", "reason")
        for annotator, reason, times in rows.annotate(times=Count("pk")):
            given.setdefault(annotator, Counter())[reason] += times
    table = Ranking if campaign.gives_rankings else Label
    labels = table._default_manager.filter(item__campaign=campaign, surplus=False).order_by()
    labelled = dict(labels.values_list("annotator").annotate(times=Count("pk")))
    skipped = {pk: given.get(pk, Counter()).total() for pk in given.keys() | labelled.keys()}
    shares = outstanding({pk: (times, times + labelled.get(pk, 0)) for pk, times in skipped.items()})
    users = User.objects.in_bulk(given)
    people = [
        PersonSkips(users[pk], shares[pk], str(Skip.Reason(reasons.most_common(1)[0][0]).label))
        for pk, reasons in given.items()
    ]
    people.sort(key=lambda one: (not one.share.flagged, -one.share.times, one.user.username))
    by_reason: Counter[str] = sum(given.values(), Counter())
    titles = [ReasonCount(str(Skip.Reason(name).label), times) for name, times in by_reason.most_common()]
    return SkipStatistics(by_reason.total(), titles, people)
