"""Conversations with a policy."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Conversation(models.Model):
    """One person's talk with one policy."""

    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="conversations")
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    policy = models.ForeignKey("jobs.Artifact", on_delete=models.PROTECT, related_name="conversations")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.member_id} {self.pk}"


class Turn(models.Model):
    """One message of the person, as the prompt that holds the whole talk so far."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    ordinal = models.PositiveSmallIntegerField()
    prompt = models.OneToOneField("prompts.Prompt", on_delete=models.PROTECT, related_name="chat_turn")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "ordinal"], name="turn_ordinal_once")]
        ordering = ["ordinal"]

    def __str__(self) -> str:
        return f"{self.conversation_id}#{self.ordinal}"


class Answer(models.Model):
    """One asked-for answer of a turn: first the first, then one for each Regenerate."""

    class Preference(models.TextChoices):
        """This answer compared with the one before it."""

        BETTER = "better", _("better")
        SAME = "same", _("same")
        WORSE = "worse", _("worse")
        DISMISSED = "dismissed", _("dismissed")

    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="answers")
    ordinal = models.PositiveSmallIntegerField()
    job = models.ForeignKey("jobs.Job", on_delete=models.PROTECT, related_name="chat_answers")
    compared = models.CharField(max_length=9, choices=Preference.choices, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["turn", "ordinal"], name="answer_ordinal_once")]
        ordering = ["ordinal"]

    def __str__(self) -> str:
        return f"{self.turn_id}/{self.ordinal}"
