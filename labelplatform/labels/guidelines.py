"""Reading guidelines: the newest version, the one a label was given under, and who has yet to hear of a change."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Min, OuterRef, QuerySet, Subquery
from django.utils.translation import get_language

from labelplatform.accounts.models import User
from labelplatform.labels.guideline_text import text_for
from labelplatform.labels.models import Campaign, GuidelineReading, GuidelineVersion, Ranking
from labelplatform.labels.word_diff import Part, shortened, word_diff


@dataclass(frozen=True)
class Change:
    """From one version to another: every note since, and the difference in one language."""

    older: GuidelineVersion
    newer: GuidelineVersion
    notes: list[str]
    parts: list[Part]


@dataclass(frozen=True)
class Use:
    """How many labels of a campaign were given under one version of its guidelines; None before there was any."""

    campaign: str
    number: int | None
    labels: int


def newest(campaign: Campaign) -> GuidelineVersion | None:
    """The version that holds now; None where nobody wrote any."""
    return campaign.guideline_versions.order_by("-number").first()


def in_force(campaign: Campaign, at: datetime) -> GuidelineVersion | None:
    """The version that held at a moment."""
    return campaign.guideline_versions.filter(at__lte=at).order_by("-number").first()


def history(campaign: Campaign) -> list[GuidelineVersion]:
    """All versions, the newest first."""
    return list(campaign.guideline_versions.select_related("by").order_by("-number"))


def labels_by_version(rankings: QuerySet[Ranking]) -> list[Use]:
    """Under which versions these rankings were given, campaign by campaign; one statement."""
    held = GuidelineVersion.objects.filter(campaign=OuterRef("item__campaign"), at__lte=OuterRef("at"))
    number = Subquery(held.order_by("-number").values("number")[:1])
    campaign = ("item__campaign", "item__campaign__name")
    counted = rankings.order_by().annotate(guidelines=number).values_list(*campaign, "guidelines")
    found = counted.annotate(labels=Count("pk")).order_by(
        "item__campaign", F("guidelines").asc(nulls_first=True)
    )
    return [Use(name, version, labels) for _campaign, name, version, labels in found]


def change(older: GuidelineVersion, newer: GuidelineVersion, language: str) -> Change:
    """What is different, in the language that this reader is shown of the newer one."""
    chinese = bool(newer.chinese) and text_for(newer, language) == newer.chinese
    texts = (one.chinese if chinese else one.english for one in (older, newer))
    between = GuidelineVersion.objects.filter(
        campaign=newer.campaign_id, number__gt=older.number, number__lte=newer.number
    )
    notes = [note for note in between.order_by("number").values_list("note", flat=True) if note]
    return Change(older, newer, notes, shortened(word_diff(*texts)))


def unread_changes(annotator: User, campaigns: Iterable[Campaign], language: str) -> dict[int, Change]:
    """For each of these campaigns whose guidelines changed since this person learned of them: what is different.

    Whoever confirmed none has known, since their first label, the version of then. Whoever has no label either has
    nothing to unlearn. One statement as long as no campaign has a second version.
    """
    by_campaign: dict[int, list[GuidelineVersion]] = defaultdict(list)
    versions = GuidelineVersion.objects.filter(campaign__in=[campaign.pk for campaign in campaigns])
    for version in versions.defer("english", "chinese").order_by("number"):
        by_campaign[version.campaign_id].append(version)
    several = {pk: found for pk, found in by_campaign.items() if len(found) > 1}
    if not several:
        return {}
    known = _known(annotator, several)
    stale = {pk: (known[pk], found[-1].number) for pk, found in several.items()
             if pk in known and known[pk] < found[-1].number}  # fmt: skip
    return {pk: change(_one(pk, older), _one(pk, newer), language) for pk, (older, newer) in stale.items()}


def changes_to_tell(annotator: User, campaigns: Sequence[Campaign]) -> list[tuple[Campaign, Change]]:
    """The same for the reader's language, campaign by campaign in the order given."""
    found = unread_changes(annotator, campaigns, get_language() or "en")
    return [(campaign, found[campaign.pk]) for campaign in campaigns if campaign.pk in found]


def _known(annotator: User, several: dict[int, list[GuidelineVersion]]) -> dict[int, int]:
    """The number of the version that this person knows, by campaign."""
    confirmed = GuidelineReading.objects.filter(annotator=annotator, campaign__in=several)
    known = dict(confirmed.values_list("campaign", "number"))
    theirs = Ranking.objects.filter(annotator=annotator, item__campaign__in=set(several) - set(known))
    first = theirs.order_by().values_list("item__campaign").annotate(first=Min("at"))
    return known | {pk: _number_at(several[pk], at) for pk, at in first}


def _number_at(versions: Sequence[GuidelineVersion], at: datetime) -> int:
    """The number that held then; before the first version, the first: there was nothing else to be read."""
    return max((version.number for version in versions if version.at <= at), default=versions[0].number)


def _one(campaign: int, number: int) -> GuidelineVersion:
    return GuidelineVersion.objects.get(campaign=campaign, number=number)
