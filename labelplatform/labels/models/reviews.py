"""What reviewers do with labels: a decision where annotators disagree, a word about a label they looked at."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Adjudication(models.Model):
    """That an item wants a deciding ranking, and the one it got. The labels it decides about stay as they are."""

    class Reason(models.TextChoices):
        """Why an item came onto the list."""

        DISAGREEMENT = "disagreement", _("people disagree")
        PICKED = "picked", _("picked by a reviewer")

    item = models.OneToOneField("labels.Item", on_delete=models.CASCADE, related_name="adjudication")
    reason = models.CharField(max_length=12, choices=Reason.choices)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField(auto_now_add=True)
    decision = models.OneToOneField(
        "labels.Ranking", on_delete=models.PROTECT, null=True, blank=True, related_name="decides"
    )
    note = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.reason}"


class Review(models.Model):
    """A reviewer's look at one label: drawn into a sample, then accepted or returned with a note for its annotator."""

    class Verdict(models.TextChoices):
        """What the reviewer said."""

        WAITING = "waiting", _("to be reviewed")
        ACCEPTED = "accepted", _("accepted")
        RETURNED = "returned", _("returned")

    ranking = models.OneToOneField("labels.Ranking", on_delete=models.CASCADE, related_name="review")
    verdict = models.CharField(max_length=8, choices=Verdict.choices, default=Verdict.WAITING)
    note = models.CharField(max_length=1000, blank=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="reviews"
    )
    drawn_at = models.DateTimeField(auto_now_add=True)
    at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict="waiting", reviewer=None, at=None)
                | Q(verdict__in=["accepted", "returned"], reviewer__isnull=False, at__isnull=False),
                name="review_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(verdict="returned") | ~Q(note=""), name="review_returned_with_a_note"
            ),
        ]
        indexes = [models.Index(fields=["verdict"], name="review_verdict")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.ranking_id}: {self.verdict}"


class ReliabilityRun(models.Model):
    """The annotator-reliability model of a campaign's labels as they were at one moment: a job, and what it found."""

    campaign = models.ForeignKey("labels.Campaign", on_delete=models.CASCADE, related_name="reliability_runs")
    job = models.OneToOneField("jobs.Job", on_delete=models.PROTECT, related_name="reliability_run")
    report = models.OneToOneField(
        "jobs.Artifact", on_delete=models.PROTECT, null=True, blank=True, related_name="reliability_run"
    )
    last_ranking = models.BigIntegerField()
    labels = models.PositiveIntegerField(default=0)
    items = models.PositiveIntegerField(default=0)
    # One entry an annotator: user (id), and reliability and accuracy with value, low, high, n and reason.
    figures = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.pk}"
