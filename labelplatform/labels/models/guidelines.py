"""How a campaign wants to be judged, version by version, and who has read which."""

from typing import NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Q


class WrittenOnce(models.QuerySet["GuidelineVersion"]):
    """Refuses to change what people were told: labels were given under it."""

    def update(self, **changes: object) -> NoReturn:
        raise TypeError("A version of guidelines never changes: publish a new one.")

    def delete(self) -> NoReturn:
        raise TypeError("A version of guidelines never goes: labels were given under it.")


class GuidelineVersion(models.Model):
    """One text of a campaign's guidelines, in English, in Chinese or in both. Never changed: an edit is a new one.

    Which version was in force when a label was given follows from the two times (labels/guidelines.py).
    """

    campaign = models.ForeignKey(
        "labels.Campaign", on_delete=models.CASCADE, related_name="guideline_versions"
    )
    number = models.PositiveIntegerField()
    english = models.TextField(blank=True)
    chinese = models.TextField(blank=True)
    # What is different from the version before, in the words of whoever wrote it.
    note = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="guideline_versions"
    )
    at = models.DateTimeField()

    objects = WrittenOnce.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "number"], name="guideline_number_unique_in_campaign"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="guideline_number_from_1"),
        ]
        ordering = ["campaign", "number"]

    def __str__(self) -> str:
        return f"{self.campaign_id} v{self.number}"


class GuidelineReading(models.Model):
    """Up to which version a person has confirmed to have read a campaign's guidelines."""

    campaign = models.ForeignKey(
        "labels.Campaign", on_delete=models.CASCADE, related_name="guideline_readings"
    )
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="guideline_readings"
    )
    number = models.PositiveIntegerField()
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "annotator"], name="guideline_reading_one_per_person")
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.annotator_id}: {self.number}"
