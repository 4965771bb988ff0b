"""People, projects and the trail of what was done."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from labelplatform.accounts import queries
from labelplatform.accounts.models import AuditEntry, Membership, Project, User
from labelplatform.accounts.services import create_user, record, remove_membership, set_preferences, set_role


def test_role_is_one_by_project_and_its_changes_are_on_the_trail(
    project: Project, ada: User, rosa: User
) -> None:
    set_role(project=project, user=ada, role="reviewer", by=rosa)
    assert Membership.objects.get(project=project, user=ada).role == "reviewer"
    entry = AuditEntry.objects.filter(verb="set role").last()
    assert entry is not None
    assert (entry.by, entry.project, entry.detail["before"], entry.detail["role"]) == (
        *(rosa, project),
        *("annotator", "reviewer"),
    )


@pytest.mark.parametrize("wrong", [{"role": "owner"}, {"project": None}])
def test_database_refuses_memberships_that_cannot_be(
    project: Project, ada: User, wrong: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.filter(user=ada).update(**wrong)


def test_trail_is_append_only(project: Project, ada: User) -> None:
    record(by=ada, verb="look", obj=project, project=project)
    with pytest.raises(TypeError, match="append only"):
        AuditEntry.objects.filter(by=ada).update(verb="never looked")
    with pytest.raises(TypeError, match="append only"):
        AuditEntry.objects.all().delete()


def test_removed_member_sees_the_project_no_more_and_the_trail_stays(
    project: Project, ada: User, rosa: User
) -> None:
    remove_membership(membership=Membership.objects.get(project=project, user=ada), by=rosa)
    assert queries.membership(ada, "harbour") is None
    assert AuditEntry.objects.filter(verb="remove membership", by=rosa).count() == 1


def test_projects_are_seen_by_their_members(
    project: Project, other_project: Project, ada: User, olga: User
) -> None:
    assert list(queries.projects_visible_to(ada)) == [project]
    assert list(queries.projects_visible_to(olga)) == [other_project]
    ada.is_active = False
    assert not queries.projects_visible_to(ada).exists()


def test_nobody_signs_in_as_a_simulated_annotator(db: None) -> None:
    rule = create_user(username="rule", password=None, by=None, kind=User.Kind.SIMULATED)
    assert not rule.has_usable_password()
    assert rule.kind == "simulated"


def test_preferences_are_what_is_offered(ada: User) -> None:
    set_preferences(user=ada, language="zh-hans", theme="dark")
    ada.refresh_from_db()
    assert (ada.language, ada.theme) == ("zh-hans", "dark")
    with pytest.raises(ValidationError):
        set_preferences(user=ada, language="tlh", theme="dark")
    with pytest.raises(ValidationError):
        set_preferences(user=ada, language="en", theme="pink")
