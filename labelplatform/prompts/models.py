"""What is put to models and what they answered."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class PromptSet(models.Model):
    """A named collection of prompts of one project."""

    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="prompt_sets")
    name = models.CharField(_("name"), max_length=120)
    purpose = models.TextField(_("purpose"), blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="prompt_set_name_unique_in_project")
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class Prompt(models.Model):
    """One prompt: messages with roles, and what is known about it. Never changed after import."""

    class Mode(models.TextChoices):
        """What the answer may draw on."""

        TEXT_GROUNDED = "text-grounded", _("text-grounded")
        KNOWLEDGE_SEEKING = "knowledge-seeking", _("knowledge-seeking")
        CREATIVE = "creative", _("creative")

    prompt_set = models.ForeignKey(PromptSet, on_delete=models.CASCADE, related_name="prompts")
    key = models.CharField(max_length=200)
    messages = models.JSONField()
    context = models.TextField(blank=True)
    domain = models.CharField(max_length=100, blank=True)
    language = models.CharField(max_length=35, blank=True)
    mode = models.CharField(max_length=20, choices=Mode.choices, blank=True)
    # Keys of the imported line that we have no column for: they come back on export.
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["prompt_set", "key"], name="prompt_key_unique_in_set")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.key

    @property
    def last_message(self) -> str:
        """The text that the answer answers."""
        return str(self.messages[-1]["content"]) if self.messages else ""


class Response(models.Model):
    """One answer to a prompt, by a policy or a person. Never changed."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="responses")
    key = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    policy = models.ForeignKey(
        "jobs.Artifact", on_delete=models.PROTECT, null=True, blank=True, related_name="responses"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="responses"
    )
    # The job of this installation that sampled it; a recorded response came in by import and has none.
    job = models.ForeignKey(
        "jobs.Job", on_delete=models.SET_NULL, null=True, blank=True, related_name="responses"
    )
    recorded = models.BooleanField(default=False)
    sampling = models.JSONField(default=dict, blank=True)
    seed = models.BigIntegerField(null=True, blank=True)
    provenance = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prompt", "key"], name="response_key_unique_in_prompt")
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.key

    @property
    def policy_name(self) -> str:
        """Who wrote it, as the public formats name it: the artifact, or the name the import gave; may be empty."""
        if self.policy is not None:
            return str(self.policy.name)
        return str(self.provenance.get("policy", ""))
