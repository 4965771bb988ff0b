"""Rounds of learning from people: answers are sampled and ranked, a reward model and then a policy learn from that."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

FEWEST_ANSWERS, MOST_ANSWERS = 2, 8


class RoundSeries(models.Model):
    """Rounds that follow each other, from the policy of round 0 on: each samples from the newest policy there is."""

    project = models.ForeignKey("accounts.Project", models.PROTECT, related_name="round_series")
    name = models.CharField(max_length=80)
    policy = models.ForeignKey("jobs.Artifact", models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="round_series_name_unique_in_project"),
            models.CheckConstraint(name="round_series_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class RoundStep(models.TextChoices):
    """Where a round is; in this order and never back."""

    SAMPLE = "sample", _("Answers are sampled")
    RANK = "rank", _("People rank")
    FREEZE = "freeze", _("Rankings are frozen")
    REWARD_MODEL = "reward-model", _("The reward model learns")
    PPO = "ppo", _("The policy learns")
    DONE = "done", _("Done")


class Round(models.Model):
    """One round. What each step made is linked here once, in the transaction that begins the step."""

    class LearnsFrom(models.TextChoices):
        """Whose rankings the reward model of a round is trained on."""

        THIS = "this", _("the rankings of this round")
        ALL = "all", _("the rankings of all rounds so far")

    series = models.ForeignKey(RoundSeries, models.PROTECT, related_name="rounds")
    number = models.PositiveIntegerField()
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="rounds")
    created_at = models.DateTimeField(auto_now_add=True)

    # What was asked.
    prompt_set = models.ForeignKey("prompts.PromptSet", models.PROTECT, related_name="rounds")
    # The newest policy when the round began: who answers.
    policy = models.ForeignKey("jobs.Artifact", models.PROTECT, related_name="+")
    # Where PPO starts, and whose weights the reward model begins with.
    start = models.ForeignKey("jobs.Artifact", models.PROTECT, related_name="+")
    reward_model_start = models.ForeignKey("jobs.Artifact", models.PROTECT, related_name="+")
    wanted_rankings = models.PositiveIntegerField()
    answers = models.PositiveSmallIntegerField()
    overlap = models.PositiveSmallIntegerField(default=1)
    learns_from = models.CharField(max_length=4, choices=LearnsFrom.choices, default=LearnsFrom.ALL)
    # A ranking of the round before weighs so much, of the one before that its square, and so on.
    older_weight = models.FloatField(default=1)
    guidelines = models.TextField(blank=True)
    # Settings by verb: sample, reward-model, ppo.
    told = models.JSONField(default=dict)
    seed = models.PositiveIntegerField(default=0)

    # How it goes.
    step = models.CharField(max_length=12, choices=RoundStep.choices, default=RoundStep.SAMPLE)
    step_since = models.DateTimeField(auto_now_add=True)
    # Why the next step could not begin; empty while nothing is wrong. Of a job that failed its own row tells.
    failure = models.TextField(blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)

    # What came of it.
    sampling = models.ForeignKey("jobs.Job", models.PROTECT, related_name="+")
    # Answers of round 0's policy to the same prompts, one each, for people to compare with; none in round 0.
    anchors = models.ForeignKey("jobs.Job", models.PROTECT, null=True, blank=True, related_name="+")
    campaign = models.OneToOneField(
        "labels.Campaign", models.PROTECT, null=True, blank=True, related_name="round"
    )
    snapshot = models.OneToOneField(
        "snapshots.Snapshot", models.PROTECT, null=True, blank=True, related_name="round"
    )
    reward_model = models.OneToOneField(
        "training.TrainingRun", models.PROTECT, null=True, blank=True, related_name="+"
    )
    ppo = models.OneToOneField(
        "training.TrainingRun", models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["series", "number"]
        constraints = [
            models.UniqueConstraint(fields=["series", "number"], name="round_number_unique_in_series"),
            # The next one samples from the policy that this one makes.
            models.UniqueConstraint(
                fields=["series"],
                condition=~Q(step="done") & Q(stopped_at=None),
                name="round_one_at_a_time",
            ),
            models.CheckConstraint(name="round_step_known", condition=Q(step__in=RoundStep.values)),
            models.CheckConstraint(
                name="round_answers_few",
                condition=Q(answers__gte=FEWEST_ANSWERS, answers__lte=MOST_ANSWERS),
            ),
            models.CheckConstraint(name="round_wants_rankings", condition=Q(wanted_rankings__gte=1)),
            models.CheckConstraint(
                name="round_older_weight_a_share", condition=Q(older_weight__gt=0, older_weight__lte=1)
            ),
            models.CheckConstraint(
                name="round_learns_from_known", condition=Q(learns_from__in=["this", "all"])
            ),
            models.CheckConstraint(
                name="round_step_has_what_it_needs",
                condition=Q(step="sample")
                | Q(step="rank", campaign__isnull=False)
                | Q(step="freeze", snapshot__isnull=False)
                | Q(step="reward-model", reward_model__isnull=False)
                | Q(step__in=["ppo", "done"], ppo__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.series} · {self.number}"

    @property
    def is_moving(self) -> bool:
        """Whether there is still something to come."""
        return self.step != RoundStep.DONE and self.stopped_at is None
