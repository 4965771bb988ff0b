"""A training run: the scientific thing behind a job, its name, its purpose and the artifact it made."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from labelplatform.training.round_models import Round as Round
from labelplatform.training.round_models import RoundSeries as RoundSeries


class TrainingRun(models.Model):
    """One run of a training verb. What it was told stands in its job's frozen spec, not here again."""

    class Kind(models.TextChoices):
        IMPORT = "import-gguf", _("imported weights")
        PRETRAIN = "pretrain", _("pretraining")
        SFT = "sft", _("supervised fine-tuning")
        REWARD_MODEL = "reward-model", _("reward model")
        PPO = "ppo", _("PPO")

    project = models.ForeignKey("accounts.Project", models.PROTECT, related_name="training_runs")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    name = models.CharField(max_length=120)
    purpose = models.CharField(max_length=300, blank=True)
    job = models.OneToOneField("jobs.Job", models.PROTECT, related_name="training_run")
    output = models.OneToOneField(
        "jobs.Artifact", models.PROTECT, related_name="training_run", null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="training_run_kind_known",
                condition=models.Q(kind__in=["import-gguf", "pretrain", "sft", "reward-model", "ppo"]),
            ),
            models.CheckConstraint(name="training_run_has_a_name", condition=~models.Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name
