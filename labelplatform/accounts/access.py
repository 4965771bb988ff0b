"""The door of every page inside a project: `/p/<slug>/…`.

Not signed in: to the sign-in page. No such project, or no membership of it: 404, so that nobody learns what exists
elsewhere. A member with another role: 403. The view is given `project` and `membership` and never sees the address.
"""

from collections.abc import Callable
from functools import wraps
from typing import Protocol, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase

from labelplatform.accounts import queries
from labelplatform.accounts.models import Role, User


class ProjectView(Protocol):
    """A view behind the door; `roles` is what the permission matrix of the tests reads."""

    roles: frozenset[str]

    def __call__(self, request: HttpRequest, slug: str, **address: object) -> HttpResponseBase: ...


def project_view(*roles: str) -> Callable[[Callable[..., HttpResponseBase]], ProjectView]:
    """Lets in members with one of `roles`, and administrators; without roles every member of the project."""
    unknown = set(roles) - set(Role.values)
    if unknown:
        raise ValueError(f"unknown roles {sorted(unknown)}: wanted some of {Role.values}")
    admitted = frozenset({*roles, Role.ADMINISTRATOR.value} if roles else Role.values)

    def door(view: Callable[..., HttpResponseBase]) -> ProjectView:
        @wraps(view)
        def enter(request: HttpRequest, slug: str, **address: object) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            membership = queries.membership(request.user, slug)
            if membership is None:
                raise Http404
            if membership.role not in admitted:
                raise PermissionDenied
            # The top bar asks again.
            request.membership = membership  # type: ignore[attr-defined]
            return view(request, project=membership.project, membership=membership, **address)

        enter.roles = admitted  # type: ignore[attr-defined]
        return cast(ProjectView, enter)

    return door


def signed_in(request: HttpRequest) -> User:
    """The person behind a request that has passed a door."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
