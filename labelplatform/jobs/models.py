"""What was promised (Job), what came of it (Artifact), and what promises itself again (Schedule)."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Artifact(models.Model):
    """A folder of files that never changes, known by its digest: a policy, a snapshot, a report …"""

    class Kind(models.TextChoices):
        BASE_MODEL = "base_model", _("base model")
        POLICY = "policy", _("policy")
        REWARD_MODEL = "reward_model", _("reward model")
        SNAPSHOT = "snapshot", _("snapshot")
        RESPONSES = "responses", _("responses")
        REPORT = "report", _("report")
        CORPUS = "corpus", _("corpus")
        QUESTIONS = "questions", _("questions")
        SCORES = "scores", _("scores")

    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="artifacts")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    name = models.CharField(max_length=120)
    digest = models.CharField(max_length=64)
    folder = models.CharField(max_length=300)
    made_by = models.ForeignKey(
        "Job", null=True, blank=True, on_delete=models.PROTECT, related_name="outputs"
    )
    detail = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "kind", "name"], name="artifact_name_unique_by_kind"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        """Where the files lie on this machine."""
        return Path(settings.ARTIFACTS_DIR) / self.folder


class Job(models.Model):
    """A remembered promise. The row is the truth; a message may be lost, doubled or late without harm."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")
        LOST = "lost", _("lost")

    class Queue(models.TextChoices):
        CPU = "cpu", "cpu"
        GPU = "gpu", "gpu"

    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=40)
    spec = models.JSONField(default=dict)
    repeat = models.PositiveIntegerField(default=0)
    identity = models.CharField(max_length=64)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    inputs = models.ManyToManyField(Artifact, related_name="used_by", blank=True)
    queue = models.CharField(max_length=4, choices=Queue.choices, default=Queue.CPU)
    code_version = models.CharField(max_length=60, blank=True)

    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Grows by one with each claim and never goes back: what is written with an older number is refused.
    fence = models.PositiveIntegerField(default=0)
    # host:pid:start of the process that runs the attempt.
    worker = models.CharField(max_length=120, blank=True)
    # The child: leader of a process group of its own, and its start time, since numbers are used again.
    pid = models.PositiveIntegerField(null=True, blank=True)
    pid_started = models.FloatField(null=True, blank=True)
    argv = models.JSONField(default=list, blank=True)
    rung_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    progress = models.JSONField(default=dict, blank=True)
    failure = models.TextField(blank=True)
    exit_code = models.IntegerField(null=True, blank=True)
    log_tail = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["state", "rung_at"], name="job_due"),
            models.Index(fields=["project", "state"], name="job_by_project_and_state"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["queued", "running", "succeeded", "failed", "cancelled", "lost"]
                ),
                name="job_state_is_known",
            ),
            # The same promise is made once; after a failure or a cancel it may be made again.
            models.UniqueConstraint(
                fields=["project", "identity"],
                condition=~models.Q(state__in=["failed", "cancelled"]),
                name="job_promised_once",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["queued", "running", "lost"], finished_at__isnull=True)
                | models.Q(state__in=["succeeded", "failed", "cancelled"], finished_at__isnull=False),
                name="job_finished_has_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(pid__isnull=True, pid_started__isnull=True)
                | models.Q(pid__isnull=False, pid_started__isnull=False),
                name="job_pid_has_a_start_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="running") | models.Q(heartbeat_at__isnull=False, fence__gte=1),
                name="job_running_has_a_heartbeat",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def folder(self) -> str:
        """The present attempt's run folder, relative to ARTIFACTS_DIR. No two attempts ever share one."""
        return f"jobs/{self.pk}/attempt-{self.fence}"

    @property
    def run_folder(self) -> Path:
        return Path(settings.ARTIFACTS_DIR) / self.folder

    @property
    def out_folder(self) -> str:
        """What the command was told as `--out`, relative to ARTIFACTS_DIR: the folder that becomes an artifact."""
        return f"{self.folder}/out"

    @property
    def is_finished(self) -> bool:
        return self.state in {self.State.SUCCEEDED, self.State.FAILED, self.State.CANCELLED}


class Schedule(models.Model):
    """Enqueues a job of a named kind every so many minutes, or when an artifact of a kind appears."""

    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="schedules")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=40)
    spec = models.JSONField(default=dict)
    every_minutes = models.PositiveIntegerField(null=True, blank=True)
    artifact_kind = models.CharField(max_length=16, choices=Artifact.Kind.choices, blank=True)
    active = models.BooleanField(default=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    rounds = models.PositiveIntegerField(default=0)
    next_due_at = models.DateTimeField(null=True, blank=True)
    # Artifacts up to this one were there before the schedule; which later ones it has answered stands beside it.
    after_artifact_id = models.BigIntegerField(default=0)
    answered = models.ManyToManyField(Artifact, related_name="answered_by", blank=True)
    failure = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="schedule_name_unique_in_project"),
            models.CheckConstraint(
                condition=models.Q(every_minutes__gte=1, artifact_kind="", next_due_at__isnull=False)
                | (
                    models.Q(every_minutes__isnull=True, next_due_at__isnull=True)
                    & ~models.Q(artifact_kind="")
                ),
                name="schedule_by_clock_or_by_artifact",
            ),
        ]

    def __str__(self) -> str:
        return self.name
