"""Reads: who may see what. Every way from an address to an object begins here."""

from django.contrib.auth.models import AnonymousUser
from django.db.models import BigAutoField, QuerySet, SlugField

from labelplatform.accounts.models import Membership, Project, User
from labelplatform.compiled_queries import Compiled, Given

_MEMBERSHIP = Compiled(
    lambda: Membership.objects.select_related("project").filter(
        project__slug=Given("slug", SlugField()), user=Given("user", BigAutoField())
    )
)


def membership(user: User | AnonymousUser, slug: str) -> Membership | None:
    """The user's membership of the project at this address; None also when there is no such project."""
    if not user.is_authenticated or not user.is_active:
        return None
    if user.places is not None:
        return user.places.get(slug)
    found: Membership | None = _MEMBERSHIP.first(slug=slug, user=user.pk)
    return found


def projects_visible_to(user: User | AnonymousUser) -> QuerySet[Project]:
    if not user.is_authenticated or not user.is_active:
        return Project.objects.none()
    return Project.objects.filter(memberships__user=user)


def memberships_of(user: User) -> QuerySet[Membership]:
    """A person's places in all their projects, by the projects' names."""
    return user.memberships.select_related("project").order_by("project__name", "pk")


def members(project: Project) -> QuerySet[Membership]:
    """Everybody in a project: administrators first, simulated and imported annotators last."""
    return project.memberships.select_related("user").order_by("user__kind", "role", "user__username")
