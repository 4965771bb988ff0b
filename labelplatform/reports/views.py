"""What researchers read: the overview of a project."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labelplatform.accounts.access import project_view
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.reports import home as overview


@require_safe
@project_view(Role.RESEARCHER)
def home(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """A project in one screen: what is here, what is running, what needs me."""
    page = {
        "project": project,
        "rooms": overview.rooms(project),
        "jobs": overview.unfinished_jobs(project),
        "needs": overview.needs(project),
    }
    return render(request, "reports/home.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def home_live(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """The part of the overview that moves."""
    page = {"project": project, "jobs": overview.unfinished_jobs(project)}
    response = render(request, "reports/home_live.html", page)
    response["X-Live"] = "on"
    response["Cache-Control"] = "no-store"
    return response
