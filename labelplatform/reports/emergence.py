"""Emergence reports as pages: which there are, one with its verdicts and curves, and its files to take away."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from labelplatform.accounts.access import project_view
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.ladders.queries import emergence_runs_of
from labelplatform.reports.queries import emergence as curves

LISTED = 50


@require_safe
@project_view(Role.RESEARCHER)
def emergence(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """All emergence reports of the project, newest first, each with its verdicts counted."""
    reports = [curves.emergence_report(run, None) for run in emergence_runs_of(project)[:LISTED]]
    return render(request, "reports/emergence.html", {"project": project, "reports": reports})


@require_safe
@project_view(Role.RESEARCHER)
def emergence_report(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """One report: verdicts with their argument, curves with the tables behind them."""
    run = get_object_or_404(emergence_runs_of(project), pk=pk)
    chosen = request.GET.get("figure", "")
    report = curves.emergence_report(run, chosen)
    if chosen and not report.figures:
        raise Http404
    page = {"project": project, "run": run, "job": run.job, "report": report, "chosen": chosen}
    return render(request, "reports/emergence_report.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def emergence_live(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """How far a report is, asked for once a second while it is made."""
    run = get_object_or_404(emergence_runs_of(project), pk=pk)
    response = render(request, "evaluations/live.html", {"project": project, "job": run.job})
    response["Cache-Control"] = "no-store"
    if not run.job.is_finished:
        response["X-Live"] = "on"
    return response


@require_safe
@project_view(Role.RESEARCHER)
def emergence_file(
    request: HttpRequest, project: Project, membership: Membership, pk: int, filename: str
) -> HttpResponseBase:
    """One file of a report, always as a download: a drawing or page of it runs nothing on this site."""
    run = get_object_or_404(emergence_runs_of(project), pk=pk)
    found = curves.file_of(run.report, filename) if run.report else None
    if found is None:
        raise Http404
    path, content_type = found
    name = f"{slugify(run.name) or 'emergence'}-{filename}"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type=content_type)
