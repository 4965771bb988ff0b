"""How a person stands with a campaign: how far they are, what they cannot judge, what they are measured by."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class GoldItem(models.Model):
    """That what is right of an item is known: its labels measure people. No annotator ever learns which these are.

    Of a demonstration nothing is known beforehand: each that is written for such a prompt waits for a reviewer's rating
    (DemonstrationScore)."""

    item = models.OneToOneField("labels.Item", on_delete=models.CASCADE, related_name="gold")
    # Response ids, best tier first; what is left out is unknown.
    tiers = models.JSONField(default=list, blank=True)
    # Of ratings and honesty checks: the right rating by name; names left out are unknown.
    ratings = models.JSONField(default=dict, blank=True)
    explanation = models.TextField(blank=True)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="gold_items")
    at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.tiers or self.ratings}"


class DemonstrationScore(models.Model):
    """How good a reviewer finds a demonstration that somebody wrote to qualify, from 1 to 7. Given once."""

    label = models.OneToOneField("labels.Label", on_delete=models.CASCADE, related_name="score")
    score = models.PositiveSmallIntegerField()
    note = models.CharField(max_length=1000, blank=True)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="scores")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(score__gte=1, score__lte=7), name="demonstration_score_from_1_to_7"
            )
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.label_id}: {self.score}"


class Qualification(models.Model):
    """Whether a person may label in a campaign that asks for gold first; without the row they have not begun."""

    class State(models.TextChoices):
        """Still at it, decided by their labels of gold, or let in by a researcher all the same."""

        PENDING = "pending", _("at the first items")
        PASSED = "passed", _("qualified")
        FAILED = "failed", _("not admitted")
        OVERRIDDEN = "overridden", _("admitted by a researcher")

    campaign = models.ForeignKey("labels.Campaign", on_delete=models.CASCADE, related_name="qualifications")
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="qualifications"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "annotator"], name="qualification_one_per_person")
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.annotator_id}: {self.state}"


class QueuePlace(models.Model):
    """Up to where in a campaign's queue one person has come. A shortcut only: without the row nothing is different."""

    campaign = models.ForeignKey("labels.Campaign", on_delete=models.CASCADE, related_name="queue_places")
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="queue_places"
    )
    place = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "annotator"], name="queue_place_one_per_person")
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.annotator_id}: {self.place}"


class Skip(models.Model):
    """That a person said they cannot judge an item, and why. They are not asked again."""

    class Reason(models.TextChoices):
        """Why an item cannot be judged."""

        UNCLEAR = "unclear-prompt", _("I do not understand what is asked")
        LANGUAGE = "language", _("I do not read this language well enough")
        EXPERTISE = "expertise", _("It needs knowledge that I do not have")
        DISTRESSING = "distressing", _("I would rather not read this")
        BROKEN = "broken", _("The text is damaged or unreadable")
        SAME = "same-answers", _("The answers are all the same")
        OTHER = "other", _("Another reason")

    item = models.ForeignKey("labels.Item", on_delete=models.CASCADE, related_name="skips")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="skips")
    reason = models.CharField(max_length=16, choices=Reason.choices)
    note = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "annotator"], name="skip_once_per_person")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.item_id} {self.annotator_id}: {self.reason}"
