"""What people said in another form than an order: ratings, honesty checks, spans, demonstrations."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from labelplatform.labels.models.campaigns import RANKING_KINDS, Campaign
from labelplatform.labels.models.given import Given
from labelplatform.labels.models.items import Item, Slot


class Label(Given):
    """A submitted label that is no order of answers. Never changed: an edit would be a new label.

    What was said is one object in the canonical form of its kind (labels/kinds). Single ratings and flags have no rows
    of their own: whoever counts them reads a campaign's labels anyway, and `body__ratings__honest__gte=5` or
    `Avg(KeyTransform(...))` say the rest on both databases.
    """

    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="labels")
    # Empty for imported labels that no slot asked for.
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, null=True, blank=True, related_name="labels")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="labels")
    kind = models.CharField(
        max_length=16, choices=[choice for choice in Campaign.Kind.choices if choice[0] not in RANKING_KINDS]
    )
    body = models.JSONField()
    # How it came about on our page (labels/logs.py); empty where nothing was told, or {"dropped": why}.
    log = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slot"], condition=Q(surplus=False), name="label_one_per_slot"),
            models.UniqueConstraint(
                fields=["item", "annotator"], condition=Q(surplus=False), name="label_person_once_per_item"
            ),
            models.CheckConstraint(
                condition=Q(seconds__isnull=True) | Q(seconds__gte=0), name="label_seconds_not_negative"
            ),
        ]
        # An import looks its lines up by id, a broken download goes on after one.
        indexes = [models.Index(fields=["key"], name="label_key")]
        ordering = ["pk"]
