"""Frozen sets of labels."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Snapshot(models.Model):
    """A request to freeze labels; its artifact is the immutable, digested folder, once the job has written it."""

    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="snapshots")
    name = models.CharField(_("name"), max_length=120)
    artifact = models.OneToOneField(
        "jobs.Artifact", on_delete=models.PROTECT, null=True, blank=True, related_name="snapshot"
    )
    job = models.ForeignKey("jobs.Job", on_delete=models.PROTECT, null=True, related_name="snapshots")
    # What was asked: campaigns, sources, until, and the last ranking that existed then.
    filters = models.JSONField(default=dict)
    counts = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="snapshot_name_unique_in_project")
        ]
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name
