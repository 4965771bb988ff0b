"""Programs that a suite of code ran, each with its verdict as a row, so that pages can look for one."""

from django.db import models
from django.utils.translation import gettext_lazy as _

VERDICTS = ["pass", "fail", "timeout", "unjudged", "refused"]


class JudgedSubmission(models.Model):
    """One program of a problem; `number` is the problem's place in its report, `place` the program's among its own."""

    class Verdict(models.TextChoices):
        PASS = "pass", _("passed")
        FAIL = "fail", _("failed")
        TIMEOUT = "timeout", _("out of time")
        UNJUDGED = "unjudged", _("not judged")
        REFUSED = "refused", _("refused")

    run = models.ForeignKey("evaluations.EvaluationRun", models.PROTECT, related_name="submissions")
    number = models.PositiveIntegerField()
    problem = models.CharField(max_length=200)
    place = models.PositiveIntegerField()
    temperature = models.FloatField(null=True, blank=True)
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    reason = models.TextField(blank=True)
    call = models.TextField(blank=True)
    calls = models.PositiveIntegerField(default=0)
    attempt = models.CharField(max_length=40, blank=True)
    wall_only = models.BooleanField(default=False)
    program = models.TextField(blank=True)

    class Meta:
        ordering = ["run", "number", "place"]
        constraints = [
            models.UniqueConstraint(fields=["run", "number", "place"], name="one_judgement_per_submission"),
            models.CheckConstraint(name="submission_verdict_known", condition=models.Q(verdict__in=VERDICTS)),
            # What looks forged is never a pass.
            models.CheckConstraint(
                name="no_pass_is_an_attempt", condition=~models.Q(verdict="pass") | models.Q(attempt="")
            ),
        ]
        indexes = [models.Index(fields=["run", "verdict"], name="submission_by_verdict")]

    def __str__(self) -> str:
        return f"{self.problem} {self.place}"
