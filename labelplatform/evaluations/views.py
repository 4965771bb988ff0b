"""The evaluations room: what was measured, the forms that start a measurement, and the page of one evaluation."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.evaluations import queries, services
from labelplatform.evaluations.following import follow
from labelplatform.evaluations.forms import ComparisonForm, EvaluationForm, LeaderboardForm

GET_POST = ["GET", "HEAD", "POST"]
LISTED = 50


@require_safe
@project_view(Role.RESEARCHER)
def index(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """What was measured here, newest first."""
    page = {
        "project": project,
        "evaluations": queries.evaluation_rows(project, LISTED),
        "comparisons": queries.comparisons_of(project)[:LISTED],
        "leaderboards": queries.leaderboards_of(project)[:LISTED],
    }
    return render(request, "evaluations/index.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def run(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """One evaluation: its figures with intervals, by slice, and the items to look at first."""
    found = queries.evaluations_of(project).filter(pk=pk).first()
    if found is None:
        raise Http404
    page = {
        "project": project,
        "run": found,
        "job": found.job,
        "tables": queries.metric_tables(found),
        "items": found.report.detail.get("items", {}) if found.report else {},
        "worst": queries.items_to_look_at(found.report),
    }
    return render(request, "evaluations/run.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def live(request: HttpRequest, project: Project, membership: Membership, job: int) -> HttpResponse:
    """How far a measurement is, asked for once a second while it goes on."""
    found = queries.job_of(project, job)
    if found is None:
        raise Http404
    response = render(request, "evaluations/live.html", {"project": project, "job": found})
    response["Cache-Control"] = "no-store"
    if not found.is_finished:
        response["X-Live"] = "on"
    return response


@require_http_methods(GET_POST)
@project_view(Role.RESEARCHER)
def evaluate(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """Ask a suite of a subject."""
    form = EvaluationForm(project, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            started = services.start_evaluation(project=project, by=signed_in(request), **form.asked())
            return redirect("evaluations:run", slug=project.slug, pk=started.pk)
        except ValidationError as error:
            form.add_error(None, error)
    return _form(request, "evaluations/evaluate.html", project, form)


@require_http_methods(GET_POST)
@project_view(Role.RESEARCHER)
def compare(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """Compare a candidate's evaluation with a baseline's."""
    form = ComparisonForm(project, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            told = dict(form.cleaned_data)
            follows = told.pop("follow")
            started = services.start_comparison(by=signed_in(request), **told)
            if follows:
                follow(baseline=started.baseline, by=signed_in(request))
            return redirect("reports:comparison", slug=project.slug, pk=started.pk)
        except ValidationError as error:
            form.add_error(None, error)
    return _form(request, "evaluations/compare.html", project, form)


@require_http_methods(GET_POST)
@project_view(Role.RESEARCHER)
def rate(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """Rate the policies that a snapshot's rankings name."""
    form = LeaderboardForm(project, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            started = services.start_leaderboard(by=signed_in(request), **form.cleaned_data)
            return redirect("reports:leaderboard", slug=project.slug, pk=started.pk)
        except ValidationError as error:
            form.add_error(None, error)
    return _form(request, "evaluations/rate.html", project, form)


def _form(request: HttpRequest, template: str, project: Project, form: Any) -> HttpResponse:
    status = 422 if form.is_bound else 200
    return render(request, template, {"project": project, "form": form}, status=status)
