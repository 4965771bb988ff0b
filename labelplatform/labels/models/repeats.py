"""Items put to one person a second time, so that we know how far they agree with themselves."""

from django.conf import settings
from django.db import models


class RepeatItem(models.Model):
    """That an item is the twin of another: the same prompt and responses, put again to the person who labelled it.

    A twin is an item of its own, so that all that keeps one label a person and item true stays true. Its one slot is
    that person's alone, and its label measures nothing but self-consistency: like a label of gold it is no part of
    exports, snapshots, progress and agreement. No annotator ever learns which items these are.
    """

    item = models.OneToOneField("labels.Item", on_delete=models.CASCADE, related_name="repeat")
    original = models.ForeignKey("labels.Item", on_delete=models.CASCADE, related_name="repeats")
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="repeat_items"
    )
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["original", "annotator"], name="repeat_once_per_person"),
            models.CheckConstraint(
                condition=~models.Q(item=models.F("original")), name="repeat_of_another_item"
            ),
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.original_id} again for {self.annotator_id}"
