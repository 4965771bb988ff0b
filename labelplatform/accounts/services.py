"""Writes: people, projects, memberships, and the line of the audit trail that each verb of the house leaves."""

from collections.abc import Mapping, Sequence

from django.core.exceptions import ValidationError
from django.db import models, transaction

from labelplatform.accounts import skills
from labelplatform.accounts.models import AuditEntry, Membership, Project, User
from labelplatform.compiled_queries import Insertion, Write

_ENTRIES = Insertion(AuditEntry)


def record(
    *, by: User | None, verb: str, obj: models.Model, project: Project | None, **detail: object
) -> AuditEntry:
    """One line of the audit trail, written in the caller's transaction so that deed and line stand or fall together."""
    entry = _entry(by, verb, obj, project, detail)
    _ENTRIES.insert(entry)
    return entry


def recording(
    *, by: User | None, verb: str, obj: models.Model, project: Project | None, **detail: object
) -> Write:
    """The same line, to be written together with the deed."""
    return _ENTRIES.write(_entry(by, verb, obj, project, detail))


def _entry(
    by: User | None, verb: str, obj: models.Model, project: Project | None, detail: dict[str, object]
) -> AuditEntry:
    kind, key = obj._meta.label_lower, str(obj.pk)
    return AuditEntry(project=project, by=by, verb=verb, object_kind=kind, object_id=key, detail=detail)


@transaction.atomic
def create_user(
    *, username: str, password: str | None, by: User | None, kind: str = User.Kind.PERSON, language: str = ""
) -> User:
    """A new account; without a password nobody can sign in as it (simulated and imported annotators)."""
    user = User.objects.create_user(username=username, password=password, kind=kind, language=language)
    record(by=by, verb="create user", obj=user, project=None, kind=kind)
    return user


@transaction.atomic
def create_project(*, name: str, slug: str, by: User | None, description: str = "") -> Project:
    project = Project.objects.create(name=name, slug=slug, description=description)
    record(by=by, verb="create project", obj=project, project=project, name=name)
    return project


@transaction.atomic
def set_role(*, project: Project, user: User, role: str, by: User | None) -> Membership:
    """The user's one role in the project: given, or changed."""
    before = Membership.objects.filter(project=project, user=user).values_list("role", flat=True).first()
    membership, _created = Membership.objects.update_or_create(
        project=project, user=user, defaults={"role": role}
    )
    record(
        by=by, verb="set role", obj=membership, project=project, user=user.username, role=role, before=before
    )
    return membership


@transaction.atomic
def set_skills(
    *, membership: Membership, languages: Sequence[str], domains: Sequence[str] | None = None, by: User
) -> None:
    """What somebody reads in a project and, where told, which domains they know: campaigns may ask for either."""
    membership.languages = sorted({skills.primary(language) for language in languages})
    for code in membership.languages:
        if not skills.is_code(code):
            raise ValidationError(f"languages: found {code!r}, wanted primary codes such as en, zh")
    if domains is not None:
        membership.domains = skills.normal(domains)
    membership.save(update_fields=["languages", "domains"])
    record(
        by=by,
        verb="set skills",
        obj=membership,
        project=membership.project,
        user=membership.user.username,
        languages=membership.languages,
        domains=membership.domains,
    )


@transaction.atomic
def remove_membership(*, membership: Membership, by: User | None) -> None:
    record(
        by=by,
        verb="remove membership",
        obj=membership,
        project=membership.project,
        user=membership.user.username,
        role=membership.role,
    )
    membership.delete()


@transaction.atomic
def set_preferences(*, user: User, language: str, theme: str) -> None:
    """The user's own language and theme, used on every device where they sign in."""
    user.language, user.theme = language, theme
    user.full_clean(exclude=["password"])
    user.save(update_fields=["language", "theme"])


def set_keys(*, user: User, keys: Mapping[str, Mapping[str, str]]) -> None:
    """The user's own keys, used on every device where they sign in; the caller has checked them."""
    user.keys = {page: dict(own) for page, own in keys.items()}
    user.save(update_fields=["keys"])


@transaction.atomic
def describe_project(*, project: Project, description: str, by: User | None) -> None:
    """What the project's page says it is for."""
    project.description = description
    project.save(update_fields=["description"])
    record(by=by, verb="describe project", obj=project, project=project)
