"""The training room: its runs, the forms that start one, and the page of one run."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.jobs.queries import repeat_command
from labelplatform.training import queries, services
from labelplatform.training.forms import PpoForm, RewardModelForm
from labelplatform.training.models import TrainingRun

GET_POST = ["GET", "HEAD", "POST"]
LISTED = 100


def _run(project: Project, pk: int) -> TrainingRun:
    run = queries.run_visible_in(project, pk)
    if run is None:
        raise Http404
    return run


@require_safe
@project_view(Role.RESEARCHER)
def index(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """What was trained here, newest first."""
    runs = list(queries.runs_of(project)[:LISTED])
    moving = [run for run in runs if not run.job.is_finished]
    return render(request, "training/index.html", {"project": project, "runs": runs, "moving": moving})


@require_safe
@project_view(Role.RESEARCHER)
def run(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """One run: what it is for, how it goes, what went in and what came out."""
    found = _run(project, pk)
    page = {
        "project": project,
        "run": found,
        "purpose": queries.purpose_of(found),
        "live": queries.live_run(found),
        "inputs": queries.inputs_of(found),
        "settings": sorted(found.job.spec.get("settings", {}).items()),
        "repeat_command": repeat_command(found.job),
    }
    return render(request, "training/run.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def live(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """The part of a run page that changes, asked for once a second while the run goes on."""
    found = queries.live_run(_run(project, pk))
    response = render(request, "training/live.html", {"project": project, "run": found.run, "live": found})
    response["Cache-Control"] = "no-store"
    if found.moving:
        response["X-Live"] = "on"
    return response


@require_POST
@project_view(Role.RESEARCHER)
def cancel(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """Take a run's promise back."""
    found = services.cancel_run(run=_run(project, pk), by=signed_in(request))
    messages.info(request, _("%(name)s: asked to stop.") % {"name": found.name})
    return redirect("training:run", slug=project.slug, pk=found.pk)


@require_http_methods(GET_POST)
@project_view(Role.RESEARCHER)
def reward_model(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """Start a reward model from a snapshot."""
    form = RewardModelForm(project, request.POST or None)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        try:
            started = services.start_reward_model(
                project=project,
                name=chosen["name"],
                snapshot=chosen["snapshot"],
                model=chosen["model"],
                settings=form.settings(),
                by=signed_in(request),
            )
            return redirect("training:run", slug=project.slug, pk=started.pk)
        except ValidationError as error:
            form.add_error(None, error)
    status = 422 if form.is_bound else 200
    return render(request, "training/reward_model.html", {"project": project, "form": form}, status=status)


@require_http_methods(GET_POST)
@project_view(Role.RESEARCHER)
def ppo(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """Start PPO from prompts, a policy and a reward model."""
    form = PpoForm(project, request.POST or None)
    if request.method == "POST" and form.is_valid():
        by = signed_in(request)
        try:
            prompts = services.store_prompts(prompt_set=form.cleaned_data["prompt_set"], by=by)
            started = services.start_ppo(
                project=project,
                name=form.cleaned_data["name"],
                prompts=prompts,
                settings=form.settings(),
                by=by,
                **form.inputs(),
            )
            return redirect("training:run", slug=project.slug, pk=started.pk)
        except ValidationError as error:
            form.add_error(None, error)
    status = 422 if form.is_bound else 200
    return render(request, "training/ppo.html", {"project": project, "form": form}, status=status)
