"""The jobs' pages: all promises of a project, and one of them with progress, log and the command that repeats it."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.jobs import queries, services
from labelplatform.jobs.models import Job

LISTED = 50


def _job(project: Project, pk: int) -> Job:
    job = queries.job_visible_in(project, pk)
    if job is None:
        raise Http404
    return job


def _live(response: HttpResponse, moving: bool) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    if moving:
        response["X-Live"] = "on"
    return response


@require_safe
@project_view(Role.RESEARCHER)
def index(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """Every job of the project, the running first."""
    pages = Paginator(queries.jobs_of(project), LISTED)
    shown = pages.get_page(request.GET.get("page"))
    page = {
        "project": project,
        "page": shown,
        "jobs": [queries.live_job(job) for job in shown],
        "counts": queries.counts_of(project),
    }
    return render(request, "jobs/index.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def index_live(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """The first page of the list again, while anything moves."""
    jobs = queries.live_jobs(project, count=LISTED)
    page = {"project": project, "jobs": jobs}
    return _live(render(request, "jobs/index_live.html", page), any(job.moving for job in jobs))


@require_safe
@project_view(Role.RESEARCHER)
def job(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """One job: how it goes, what it was told, what came of it."""
    found = _job(project, pk)
    page = {
        "project": project,
        "live": queries.live_job(found),
        "job": found,
        "inputs": found.inputs.all(),
        "outputs": found.outputs.all(),
        "spec": sorted(found.spec.items()),
        "repeat_command": queries.repeat_command(found),
    }
    return render(request, "jobs/job.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def job_live(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """The part of a job's page that changes, asked for again while the job goes on."""
    live = queries.live_job(_job(project, pk))
    page = {"project": project, "live": live, "job": live.job}
    return _live(render(request, "jobs/job_live.html", page), live.moving)


@require_POST
@project_view(Role.RESEARCHER)
def cancel(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """Take the promise back."""
    found = services.cancel(job=_job(project, pk), by=signed_in(request))
    words = (
        _("The job was cancelled.")
        if found.is_finished
        else _("The job was asked to stop; it does so in seconds.")
    )
    messages.info(request, words)
    return redirect("jobs:job", slug=project.slug, pk=found.pk)


@require_POST
@project_view(Role.RESEARCHER)
def resume(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """Another try of a job that came to nothing, from where it was."""
    found = _job(project, pk)
    try:
        services.resume(job=found, by=signed_in(request))
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    else:
        messages.info(request, _("The job waits for a worker and goes on from what it has kept."))
    return redirect("jobs:job", slug=project.slug, pk=found.pk)
