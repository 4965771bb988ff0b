"""Who there is, what they may do in which project, and what was done."""

from typing import NoReturn

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person, or a stated rule that labels as one would; the two are told apart wherever they are shown."""

    class Kind(models.TextChoices):
        PERSON = "person", _("person")
        SIMULATED = "simulated", _("simulated annotator")
        IMPORTED = "imported", _("imported annotator")

    class Theme(models.TextChoices):
        AUTO = "auto", _("as the device")
        LIGHT = "light", _("light")
        DARK = "dark", _("dark")

    # Their memberships by the projects' addresses, where they were read with them for one request.
    places: "dict[str, Membership] | None" = None

    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.PERSON)
    language = models.CharField(max_length=12, blank=True, default="")
    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.AUTO)
    # Single keys that they chose themselves for commands, page by page; what can be chosen, labels/own_keys.py says.
    keys = models.JSONField(default=dict, blank=True)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(language__in=["", "en", "zh-hans"]), name="user_language_is_offered"
            ),
        ]


class Project(models.Model):
    """What memberships, labels, jobs and artifacts belong to; nothing is seen from outside it."""

    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("address"), max_length=60, unique=True)
    description = models.TextField(_("description"), blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class Session(AbstractBaseSession):
    """A browser that is signed in, or not yet; `person` says whose it is, for the statement that reads both."""

    person = models.ForeignKey(User, models.CASCADE, null=True, related_name="sessions")

    class Meta(AbstractBaseSession.Meta):
        pass


class Role(models.TextChoices):
    ANNOTATOR = "annotator", _("annotator")
    REVIEWER = "reviewer", _("reviewer")
    RESEARCHER = "researcher", _("researcher")
    ADMINISTRATOR = "administrator", _("administrator")


class Membership(models.Model):
    """One person's one role in one project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=14, choices=Role.choices)
    # What they read (primary codes: "en", "zh") and what they know ("law"), for campaigns that ask for it.
    languages = models.JSONField(default=list, blank=True)
    domains = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="membership_once_in_project"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}: {self.role}"


class AppendOnly(models.QuerySet["AuditEntry"]):
    """Refuses to change what was written."""

    def update(self, **changes: object) -> NoReturn:
        raise TypeError("The audit trail is append only: write a new entry.")

    def delete(self) -> NoReturn:
        raise TypeError("The audit trail is append only: nothing is taken out.")


class AuditEntry(models.Model):
    """Who did what to which object, and when."""

    project = models.ForeignKey(Project, null=True, on_delete=models.SET_NULL, related_name="audit_entries")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="audit_entries"
    )
    verb = models.CharField(max_length=60)
    object_kind = models.CharField(max_length=60)
    object_id = models.CharField(max_length=60)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    objects = AppendOnly.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["project", "at"], name="audit_by_project_and_time")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.by}: {self.verb} {self.object_kind} {self.object_id}"
