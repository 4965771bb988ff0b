"""A ladder, its rungs (one size with one seed), and emergence reports, of a ladder or of a file of points."""

from django.db import models


class Ladder(models.Model):
    """Several sizes of a model, pretrained on one corpus and asked the same items. What was told never changes."""

    project = models.ForeignKey("accounts.Project", models.PROTECT, related_name="ladders")
    name = models.CharField(max_length=80)
    # Text beside the tasks; without it the models read the tasks alone.
    text = models.ForeignKey(
        "jobs.Artifact", models.PROTECT, related_name="ladders_with_text", null=True, blank=True
    )
    taught = models.ForeignKey("jobs.Artifact", models.PROTECT, related_name="ladders_taught")
    asked = models.ForeignKey("jobs.Artifact", models.PROTECT, related_name="ladders_asked")
    tasks = models.JSONField()
    settings = models.JSONField(default=dict)
    requested_by = models.ForeignKey(
        "accounts.User", models.SET_NULL, related_name="ladders", null=True, blank=True
    )
    # Why the next step could not be begun; empty while all goes on.
    failure = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="ladder_name_unique_in_project"),
            models.CheckConstraint(name="ladder_has_a_name", condition=~models.Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class Rung(models.Model):
    """One size with one seed: its training, then its evaluation."""

    ladder = models.ForeignKey(Ladder, models.CASCADE, related_name="rungs")
    place = models.PositiveIntegerField()
    size = models.CharField(max_length=20)
    seed = models.PositiveIntegerField()
    training = models.OneToOneField("training.TrainingRun", models.PROTECT, related_name="rung")
    evaluation = models.OneToOneField("jobs.Job", models.PROTECT, related_name="rung", null=True, blank=True)

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(fields=["ladder", "size", "seed"], name="one_rung_per_size_and_seed"),
            models.UniqueConstraint(fields=["ladder", "place"], name="one_rung_per_place"),
        ]

    def __str__(self) -> str:
        return f"{self.size}, seed {self.seed}"


class EmergenceRun(models.Model):
    """An emergence report being made, or made: metrics against model scale."""

    project = models.ForeignKey("accounts.Project", models.PROTECT, related_name="emergence_runs")
    name = models.CharField(max_length=120)
    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="emergence_runs", null=True, blank=True)
    job = models.OneToOneField("jobs.Job", models.PROTECT, related_name="emergence_run")
    report = models.OneToOneField(
        "jobs.Artifact", models.PROTECT, related_name="emergence_run", null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(name="emergence_has_a_name", condition=~models.Q(name=""))]

    def __str__(self) -> str:
        return self.name
