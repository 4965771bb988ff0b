"""Evaluation, comparison and leaderboard runs, and every figure they measured as a row of its own."""

from django.db import models
from django.utils.translation import gettext_lazy as _

# Known to Django by being imported here.
from labelplatform.evaluations.code_models import JudgedSubmission  # noqa: F401

VERDICTS = ["", "regression", "improvement", "no-change-confirmed", "not-enough-data"]


class EvaluationRun(models.Model):
    """One suite asked of one subject: a policy's folder, a file of responses, or a reward model's scores."""

    project = models.ForeignKey("accounts.Project", models.PROTECT, related_name="evaluation_runs")
    name = models.CharField(max_length=120)
    suite = models.CharField(max_length=60)
    variant = models.CharField(max_length=60, blank=True)
    subject = models.ForeignKey("jobs.Artifact", models.PROTECT, related_name="evaluations_of_it")
    data = models.ForeignKey(
        "jobs.Artifact", models.PROTECT, related_name="evaluations_with_it", null=True, blank=True
    )
    seed = models.PositiveIntegerField(default=0)
    job = models.OneToOneField("jobs.Job", models.PROTECT, related_name="evaluation_run")
    report = models.OneToOneField(
        "jobs.Artifact", models.PROTECT, related_name="evaluation_run", null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(name="evaluation_names_a_suite", condition=~models.Q(suite=""))]

    def __str__(self) -> str:
        return self.name


class Better(models.TextChoices):
    HIGHER = "higher", _("higher is better")
    LOWER = "lower", _("lower is better")
    NEITHER = "neither", _("neither direction is better")


class Figure(models.Model):
    """What every stored figure is: a value with its interval and n, or no value with the reason why."""

    group = models.CharField(max_length=200, blank=True)
    value = models.FloatField(null=True, blank=True)
    low = models.FloatField(null=True, blank=True)
    high = models.FloatField(null=True, blank=True)
    n = models.PositiveIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    better = models.CharField(max_length=10, choices=Better.choices, default=Better.NEITHER)

    class Meta:
        abstract = True


def _figure_constraints(prefix: str) -> list[models.BaseConstraint]:
    """A figure has a value or says why it has none; an interval is in order and has both its ends."""
    return [
        models.CheckConstraint(
            name=f"{prefix}_has_value_or_reason",
            condition=models.Q(value__isnull=False) | ~models.Q(reason=""),
        ),
        models.CheckConstraint(
            name=f"{prefix}_direction_known",
            condition=models.Q(better__in=["higher", "lower", "neither"]),
        ),
        models.CheckConstraint(
            name=f"{prefix}_interval_in_order",
            # A database takes "unknown" for a yes: that both ends are there must be said.
            condition=models.Q(low__isnull=True, high__isnull=True)
            | models.Q(low__isnull=False, high__isnull=False, low__lte=models.F("high")),
        ),
    ]


class MeasuredMetric(Figure):
    run = models.ForeignKey(EvaluationRun, models.PROTECT, related_name="metrics")
    name = models.CharField(max_length=120)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "name", "group"], name="one_metric_per_name_and_group"),
            *_figure_constraints("metric"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.group}".strip()


class ComparisonRun(models.Model):
    """A candidate's evaluation against a baseline's, item by item."""

    class Verdict(models.TextChoices):
        UNKNOWN = "", _("not known yet")
        REGRESSION = "regression", _("regression confirmed")
        IMPROVEMENT = "improvement", _("improvement confirmed")
        NO_CHANGE = "no-change-confirmed", _("no change, confirmed")
        NOT_ENOUGH = "not-enough-data", _("not enough data")

    project = models.ForeignKey("accounts.Project", models.PROTECT, related_name="comparison_runs")
    baseline = models.ForeignKey(EvaluationRun, models.PROTECT, related_name="comparisons_as_baseline")
    candidate = models.ForeignKey(EvaluationRun, models.PROTECT, related_name="comparisons_as_candidate")
    job = models.OneToOneField("jobs.Job", models.PROTECT, related_name="comparison_run")
    report = models.OneToOneField(
        "jobs.Artifact", models.PROTECT, related_name="comparison_run", null=True, blank=True
    )
    verdict = models.CharField(max_length=30, choices=Verdict.choices, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="comparison_of_two", condition=~models.Q(baseline=models.F("candidate"))
            ),
            models.CheckConstraint(name="comparison_verdict_known", condition=models.Q(verdict__in=VERDICTS)),
        ]

    def __str__(self) -> str:
        return f"{self.candidate} – {self.baseline}"


class MeasuredEffect(Figure):
    """The change of one metric in one group: candidate less baseline, paired by item."""

    run = models.ForeignKey(ComparisonRun, models.PROTECT, related_name="effects")
    name = models.CharField(max_length=120)
    baseline_value = models.FloatField()
    candidate_value = models.FloatField()
    lost = models.PositiveIntegerField(default=0)
    gained = models.PositiveIntegerField(default=0)
    p_value = models.FloatField(null=True, blank=True)
    p_adjusted = models.FloatField(null=True, blank=True)
    verdict = models.CharField(max_length=30, choices=ComparisonRun.Verdict.choices, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "name", "group"], name="one_effect_per_name_and_group"),
            models.CheckConstraint(name="effect_verdict_known", condition=models.Q(verdict__in=VERDICTS)),
            *_figure_constraints("effect"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.group}".strip()

    @property
    def harm(self) -> float:
        """How much worse the candidate is: positive when it lost; nothing where neither direction is better."""
        signs = {Better.HIGHER: -1.0, Better.LOWER: 1.0}
        return signs.get(Better(self.better), 0.0) * (self.value or 0.0)


class LeaderboardRun(models.Model):
    project = models.ForeignKey("accounts.Project", models.PROTECT, related_name="leaderboard_runs")
    snapshot = models.ForeignKey("snapshots.Snapshot", models.PROTECT, related_name="leaderboard_runs")
    job = models.OneToOneField("jobs.Job", models.PROTECT, related_name="leaderboard_run")
    report = models.OneToOneField(
        "jobs.Artifact", models.PROTECT, related_name="leaderboard_run", null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.snapshot}"


class PolicyRating(Figure):
    """One policy's place on one leaderboard; `group` is the policy's name as the rankings wrote it."""

    run = models.ForeignKey(LeaderboardRun, models.PROTECT, related_name="ratings")
    policy = models.ForeignKey("jobs.Artifact", models.PROTECT, related_name="ratings", null=True, blank=True)
    rank_best = models.PositiveIntegerField(null=True, blank=True)
    rank_worst = models.PositiveIntegerField(null=True, blank=True)
    wins = models.PositiveIntegerField(default=0)
    losses = models.PositiveIntegerField(default=0)
    ties = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = [models.F("value").desc(nulls_last=True), "group"]
        constraints = [
            models.UniqueConstraint(fields=["run", "group"], name="one_rating_per_policy"),
            models.CheckConstraint(
                name="rank_range_in_order",
                condition=models.Q(rank_best__isnull=True, rank_worst__isnull=True)
                | models.Q(
                    rank_best__isnull=False, rank_worst__isnull=False, rank_best__lte=models.F("rank_worst")
                ),
            ),
            *_figure_constraints("rating"),
        ]

    def __str__(self) -> str:
        return self.group


class PolicyColour(models.Model):
    """The colour of a policy's name in a project: given once, in order of appearance, and never changed."""

    project = models.ForeignKey("accounts.Project", models.PROTECT, related_name="policy_colours")
    name = models.CharField(max_length=200)
    number = models.PositiveIntegerField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="one_colour_per_policy"),
            models.UniqueConstraint(fields=["project", "number"], name="one_policy_per_number"),
        ]

    def __str__(self) -> str:
        return self.name


class MeasuredItem(models.Model):
    """One item of an evaluation: what is looked for by, and where its line lies in the report's samples.jsonl.

    The texts stay in the file: a page reads the lines it shows, by their place.
    """

    class Outcome(models.TextChoices):
        RIGHT = "right", _("right")
        WRONG = "wrong", _("wrong")
        IN_PART = "in-part", _("right in part")
        ABSTAINED = "abstained", _("abstained")
        SCORED = "scored", _("scored, nothing decided")
        NOT_MEASURED = "not-measured", _("not measured")

    run = models.ForeignKey(EvaluationRun, models.CASCADE, related_name="items")
    place = models.PositiveIntegerField()
    # The sample's id; of a longer one its beginning with a digest.
    key = models.CharField(max_length=200)
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    scores = models.JSONField(default=dict)
    # By `name=`: a name that is a number would be read as a place in a list.
    slices = models.JSONField(default=dict)
    offset = models.BigIntegerField()
    length = models.PositiveIntegerField()

    class Meta:
        ordering = ["run", "place"]
        constraints = [
            models.UniqueConstraint(fields=["run", "place"], name="one_item_per_place"),
            models.UniqueConstraint(fields=["run", "key"], name="one_item_per_key"),
        ]
        indexes = [models.Index(fields=["run", "outcome", "place"], name="item_by_outcome")]

    def __str__(self) -> str:
        return self.key


class SpotCheck(models.Model):
    """That people are asked about a measured item, too: the item of a campaign that it became.

    Answers that are the same in two evaluations are one item of the campaign: nobody is asked twice.
    """

    item = models.OneToOneField(MeasuredItem, models.CASCADE, related_name="spot_check")
    label_item = models.ForeignKey("labels.Item", models.PROTECT, related_name="spot_checks")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.item}"
