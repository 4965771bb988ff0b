"""Skips of items that were put back since."""

from django.conf import settings
from django.db import models

from labelplatform.labels.models.standing import Skip


class PastSkip(models.Model):
    """A skip of an item that was put back: it keeps nobody from the item any more, and counts in the statistics."""

    item = models.ForeignKey("labels.Item", on_delete=models.CASCADE, related_name="past_skips")
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="past_skips"
    )
    reason = models.CharField(max_length=16, choices=Skip.Reason.choices)
    note = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.item_id} {self.annotator_id}: {self.reason}"
