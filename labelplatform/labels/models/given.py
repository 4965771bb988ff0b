"""What every submitted label has, whatever it says: its keys, how long it took, whether it counts."""

from django.db import models

from labelplatform.labels.models.campaigns import Campaign


class Given(models.Model):
    """A fact that one person gave about one item. Never changed: an edit would be a new one."""

    key = models.CharField(max_length=200)
    source = models.CharField(max_length=12, choices=Campaign.Source.choices)
    seconds = models.FloatField(null=True, blank=True)
    submission = models.UUIDField(unique=True)
    # Digest of what was submitted: the same submission key with another body is refused.
    body_digest = models.CharField(max_length=64)
    # Kept, shown, not exported: late work whose slot had gone to somebody else, and what a newer version replaced.
    surplus = models.BooleanField(default=False)
    # Keys of an imported line that we have no column for: they come back on export.
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.key
