"""What people said about answers: facts that are never changed."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from labelplatform.labels.models.campaigns import RANKING_KINDS, Campaign
from labelplatform.labels.models.given import Given
from labelplatform.labels.models.items import Item, Slot


class Ranking(Given):
    """A submitted order of an item's responses. Never changed: an edit would be a new ranking."""

    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="rankings")
    # Empty for imported labels that no slot asked for.
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, null=True, blank=True, related_name="rankings")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="rankings")
    kind = models.CharField(
        max_length=12, choices=[choice for choice in Campaign.Kind.choices if choice[0] in RANKING_KINDS]
    )
    # Of a label that was returned and given again: the version before it, which is kept and counts no more.
    replaces = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaced_by"
    )
    # Response ids in the order they were seen.
    shown_order = models.JSONField(default=list, blank=True)
    unacceptable = models.BooleanField(default=False)
    # How clear each gap between neighbouring tiers is, best first: 1 slight, 2 clear, 3 large. Nothing: not told.
    margins = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slot"], condition=Q(surplus=False), name="ranking_one_per_slot"),
            models.UniqueConstraint(
                fields=["item", "annotator"], condition=Q(surplus=False), name="ranking_person_once_per_item"
            ),
            models.CheckConstraint(
                condition=Q(seconds__isnull=True) | Q(seconds__gte=0), name="ranking_seconds_not_negative"
            ),
        ]
        # An import looks its lines up by id, a broken download goes on after one.
        indexes = [models.Index(fields=["key"], name="ranking_key")]
        ordering = ["pk"]


class Placement(models.Model):
    """Where a ranking put a response: tier 1 is best, equal tiers tie, none means left unranked."""

    ranking = models.ForeignKey(Ranking, on_delete=models.CASCADE, related_name="placements")
    response = models.ForeignKey("prompts.Response", on_delete=models.PROTECT, related_name="placements")
    tier = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ranking", "response"], name="placement_once"),
            models.CheckConstraint(
                condition=Q(tier__isnull=True) | Q(tier__gte=1, tier__lte=9), name="placement_tier_1_to_9"
            ),
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.response_id}@{self.tier}"


class ResponseFlag(models.Model):
    """A named mark that a ranking put on one response."""

    ranking = models.ForeignKey(Ranking, on_delete=models.CASCADE, related_name="flags")
    response = models.ForeignKey("prompts.Response", on_delete=models.PROTECT, related_name="flags")
    name = models.CharField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ranking", "response", "name"], name="flag_once")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class ResponseRating(models.Model):
    """A number from 1 to 7 that a ranking gave to one response under a name, such as `overall`."""

    ranking = models.ForeignKey(Ranking, on_delete=models.CASCADE, related_name="ratings")
    response = models.ForeignKey("prompts.Response", on_delete=models.PROTECT, related_name="ratings")
    name = models.CharField(max_length=60)
    # People give whole numbers on our page; other houses' files may hold halves.
    value = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ranking", "response", "name"], name="rating_once"),
            models.CheckConstraint(condition=Q(value__gte=1, value__lte=7), name="rating_1_to_7"),
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.name} {self.value:g}"


class RankingLog(models.Model):
    """How a ranking came about on our page: what was looked at for how long, every move. For research into bias."""

    ranking = models.OneToOneField(Ranking, on_delete=models.CASCADE, related_name="log")
    body = models.JSONField(default=dict)
    # Why a log that the page sent was not kept; the ranking counts all the same.
    dropped = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.ranking_id}"
