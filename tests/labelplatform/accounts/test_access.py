"""The door of every project page."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory

from labelplatform.accounts.access import project_view
from labelplatform.accounts.models import Membership, Project, Role, User
from tests.labelplatform.builders import build_membership


@project_view("researcher")
def bench(request: HttpRequest, project: Project, membership: Membership, number: int = 0) -> HttpResponse:
    return HttpResponse(f"{project.slug} {membership.role} {number}")


@project_view()
def yard(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    return HttpResponse(membership.user.username)


def knock(view: object, user: User | AnonymousUser, slug: str = "harbour", **address: object) -> HttpResponse:
    request = RequestFactory().get(f"/p/{slug}/bench/")
    request.user = user
    return view(request, slug, **address)  # type: ignore[operator]


def test_door_gives_project_membership_and_address(project: Project, rosa: User) -> None:
    assert knock(bench, rosa, number=7).content == b"harbour researcher 7"


def test_door_sends_strangers_to_sign_in(project: Project) -> None:
    response = knock(yard, AnonymousUser())
    assert response.status_code == 302
    assert response["Location"].endswith("?next=/p/harbour/bench/")


@pytest.mark.parametrize("slug", ["harbour", "nowhere"])
def test_door_hides_projects_of_others(
    project: Project, other_project: Project, olga: User, slug: str
) -> None:
    with pytest.raises(Http404):
        knock(yard, olga, slug)


def test_door_refuses_another_role_of_the_same_project(project: Project, ada: User) -> None:
    with pytest.raises(PermissionDenied):
        knock(bench, ada)


def test_door_without_roles_admits_every_member(project: Project, ada: User, rosa: User) -> None:
    assert [knock(yard, user).content for user in (ada, rosa)] == [b"ada", b"rosa"]


def test_door_admits_administrators_where_any_role_enters(project: Project, olga: User) -> None:
    build_membership(project, olga, Role.ADMINISTRATOR)
    assert knock(bench, olga).status_code == 200


def test_door_refuses_the_disabled(project: Project, rosa: User) -> None:
    rosa.is_active = False
    with pytest.raises(Http404):
        knock(bench, rosa)


def test_door_is_not_built_for_unknown_roles() -> None:
    with pytest.raises(ValueError, match="unknown roles"):
        project_view("owner")


def test_door_tells_the_permission_matrix_whom_it_admits() -> None:
    assert bench.roles == {"researcher", "administrator"}
    assert yard.roles == set(Role.values)
