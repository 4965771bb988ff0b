"""Makes what tests need in one line each, by the same services as the product."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings

from labelplatform.accounts.models import Membership, Project, Role, User
from labelplatform.accounts.services import create_project, create_user, set_role
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import register_artifact

PASSWORD = "correct horse battery staple"


def build_user(username: str, *, kind: str = User.Kind.PERSON, password: str = PASSWORD) -> User:
    return create_user(username=username, password=password, kind=kind, by=None)


def build_project(slug: str = "harbour", **people: User) -> Project:
    """A project with its people by role: `build_project("harbour", researcher=rosa)`."""
    project = create_project(name=slug.title(), slug=slug, by=None)
    for role, user in people.items():
        build_membership(project, user, role)
    return project


def build_membership(project: Project, user: User, role: str = Role.ANNOTATOR) -> Membership:
    return set_role(project=project, user=user, role=role, by=None)


def build_artifact(
    project: Project,
    kind: str = Artifact.Kind.POLICY,
    name: str = "",
    *,
    files: Mapping[str, str] | None = None,
    made_by: Job | None = None,
    detail: Mapping[str, Any] | None = None,
) -> Artifact:
    """A registered folder with these files (one file with a content of its own unless told)."""
    folder = Path("built") / uuid4().hex
    for file, text in (files or {"content.txt": str(folder)}).items():
        path = Path(settings.ARTIFACTS_DIR) / folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    name = name or f"{kind}-{folder.name[:8]}"
    return register_artifact(
        project=project, kind=kind, name=name, folder=folder, made_by=made_by, detail=detail
    )
