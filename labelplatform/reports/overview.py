"""A project in one screen, for those who research in it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labelplatform.accounts.access import project_view
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.reports.queries import overview


@require_safe
@project_view(Role.RESEARCHER)
def home(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """What is here, what is running, what needs me."""
    jobs = overview.unfinished_jobs(project)
    rooms, needs = overview.rooms(project), overview.needs(project)
    page = {"project": project, "rooms": rooms, "jobs": jobs, "needs": needs}
    return render(request, "reports/home.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def home_live(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """The part of the overview that moves; asked for again for as long as the page is open."""
    page = {"project": project, "jobs": overview.unfinished_jobs(project)}
    response = render(request, "reports/home_live.html", page)
    response["X-Live"] = "on"
    response["Cache-Control"] = "no-store"
    return response
