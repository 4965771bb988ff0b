"""The evaluations room: what was measured, the forms that start a measurement, and the page of one evaluation."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role, User
from labelplatform.evaluations import item_queries, material, queries, services
from labelplatform.evaluations.drawings import drawings_of
from labelplatform.evaluations.following import follow
from labelplatform.evaluations.forms import ComparisonForm, EvaluationForm, LeaderboardForm
from labelplatform.evaluations.models import EvaluationRun
from labelplatform.evaluations.people_and_metric import agreement_of
from labelplatform.evaluations.suites import SUITES, SuiteOffer, suites_for
from labelplatform.jobs.models import Artifact

GET_POST = ["GET", "HEAD", "POST"]
LISTED = 50
MOST_DRAWN = 30
# Drawings of each slice repeat what the tables of slices show: they are folded away.
BY_GROUP = "groups-"


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
    """One evaluation: its figures with intervals, by slice, what it drew, people beside it, items to look at first."""
    found = queries.evaluations_of(project).filter(pk=pk).first()
    if found is None:
        raise Http404
    figures = queries.figures_of(found)
    drawings = drawings_of(found.report, MOST_DRAWN)
    page = {
        "project": project,
        "run": found,
        "job": found.job,
        "overall": queries.overall_table(found.suite, figures),
        "slices": queries.slice_tables(found.suite, figures),
        "drawings": [one for one in drawings if not one.name.startswith(BY_GROUP)],
        "more_drawings": [one for one in drawings if one.name.startswith(BY_GROUP)],
        "items": found.report.detail.get("items", {}) if found.report else {},
        "outcomes": item_queries.outcome_counts(found),
        "agreement": agreement_of(found),
        "told": sorted(found.job.spec.get("decoding", {}).items()),
        "worst": item_queries.first_to_look_at(found),
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
    """Choose a suite, then ask it of a subject; whoever comes from a model's page finds it chosen."""
    subject = _subject(request, project)
    offer = SUITES.get(request.POST.get("suite", request.GET.get("suite", "")))
    if offer is None:
        page = {"project": project, "suites": suites_for(subject.kind if subject else ""), "subject": subject}
        status = 422 if request.method == "POST" else 200
        return render(request, "evaluations/choose_suite.html", page, status=status)
    form = EvaluationForm(
        project, offer, request.POST or None, request.FILES or None, initial={"subject": subject}
    )
    if request.method == "POST" and form.is_valid():
        try:
            started = _start(project, offer, form, signed_in(request))
            return redirect("evaluations:run", slug=project.slug, pk=started.pk)
        except ValidationError as error:
            form.add_error(None, error)
    return _form(request, "evaluations/evaluate.html", project, form)


@transaction.atomic
def _start(project: Project, offer: SuiteOffer, form: EvaluationForm, by: User) -> EvaluationRun:
    """The questions stored, if they are new, and the evaluation that asks them: both or neither."""
    told = form.cleaned_data
    data = told.get("questions")
    if told.get("prompt_set"):
        data = material.questions_of_set(prompt_set=told["prompt_set"], by=by)
    if told.get("file"):
        upload = told["file"]
        data = material.questions_of_file(
            project=project, suite=offer.name, name=upload.name, content=upload.read(), by=by
        )
    return services.start_evaluation(project=project, data=data, by=by, **form.asked())


def _subject(request: HttpRequest, project: Project) -> Artifact | None:
    """The subject that an address names, if it is one of this project."""
    asked = request.GET.get("subject", "")
    return queries.subjects_of(project).filter(pk=asked).first() if asked.isdecimal() else None


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
