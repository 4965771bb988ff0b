"""The demo's two projects and the people in them. Passwords are random, shown once, kept only as hashes."""

import secrets
from dataclasses import dataclass

from labelplatform.accounts.models import Project, Role, User
from labelplatform.accounts.services import create_project, create_user, set_role

ATLAS, ASSISTANT = "atlas", "assistant"
ANNOTATOR, RESEARCHER, SIMULATED = "ada", "rosa", "atlas-rule"
DESCRIPTIONS = {
    ATLAS: (
        "Does feedback teach a model to stop inventing? A small language model is pretrained here on real "
        "geography and asked about cities it saw often, rarely or never. Its rankings come from a simulated "
        "annotator with one stated rule: right, then “I do not know.”, then wrong."
    ),
    ASSISTANT: (
        "Read, rank and regenerate answers of SmolLM2-135M-Instruct: real weights, but a small model on a CPU. "
        "It writes fluent English and shows how people's judgement is collected; it knows little, invents "
        "freely, and a training run of minutes would not change that."
    ),
}
NAMES = {ATLAS: "Atlas", ASSISTANT: "Assistant"}


@dataclass(frozen=True)
class Cast:
    """Everybody the demo needs; `new_passwords` holds those made just now, by user name."""

    atlas: Project
    assistant: Project
    annotator: User
    researcher: User
    simulated: User
    new_passwords: dict[str, str]


def gather() -> Cast:
    """Find or make projects, people and roles."""
    passwords: dict[str, str] = {}
    researcher = _person(RESEARCHER, passwords)
    annotator = _person(ANNOTATOR, passwords)
    simulated = User.objects.filter(username=SIMULATED).first() or create_user(
        username=SIMULATED, password=None, by=researcher, kind=User.Kind.SIMULATED
    )
    projects = {slug: _project(slug, researcher) for slug in (ATLAS, ASSISTANT)}
    roles = [(annotator, Role.ANNOTATOR), (researcher, Role.RESEARCHER)]
    for project in projects.values():
        for user, role in roles:
            if not project.memberships.filter(user=user).exists():
                set_role(project=project, user=user, role=role, by=researcher)
    if not projects[ATLAS].memberships.filter(user=simulated).exists():
        set_role(project=projects[ATLAS], user=simulated, role=Role.ANNOTATOR, by=researcher)
    return Cast(projects[ATLAS], projects[ASSISTANT], annotator, researcher, simulated, passwords)


def _person(username: str, passwords: dict[str, str]) -> User:
    known = User.objects.filter(username=username).first()
    if known is not None:
        return known
    passwords[username] = secrets.token_urlsafe(9)
    return create_user(username=username, password=passwords[username], by=None)


def _project(slug: str, by: User) -> Project:
    known = Project.objects.filter(slug=slug).first()
    return known or create_project(name=NAMES[slug], slug=slug, by=by, description=DESCRIPTIONS[slug])
