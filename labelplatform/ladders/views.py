"""Ladders as pages: which there are, the form that starts one, and how far one is."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role, User
from labelplatform.ladders import emergence, queries, services
from labelplatform.ladders.forms import EmergenceForm, LadderForm
from labelplatform.ladders.models import EmergenceRun
from labelplatform.ladders.queries import LadderState
from labelplatform.ladders.sizes import Estimate, estimates

LISTED = 50


def _state(project: Project, pk: int) -> LadderState:
    state = queries.ladder_state(project, pk)
    if state is None:
        raise Http404
    return state


@require_safe
@project_view(Role.RESEARCHER)
def index(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """The ladders of this project, newest first."""
    page = {"project": project, "states": queries.ladder_states(project, LISTED)}
    return render(request, "ladders/index.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.RESEARCHER)
def start(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """The form of a ladder; asked for the estimate it answers with what each size will take, and starts nothing."""
    form, status = LadderForm(project, request.POST or None), 200
    found: tuple[Estimate, ...] = ()
    if request.method == "POST":
        status = 422
        try:
            if form.is_valid():
                found = estimates(form.cleaned_data["sizes"], form.settings())
                if "look" not in request.POST:
                    return _begin(request, project, form)
                status = 200
        except ValidationError as error:
            form.add_error(None, error)
    page = {"project": project, "form": form, "estimates": found, "total": _total(form, found)}
    return render(request, "ladders/start.html", page, status=status)


def _begin(request: HttpRequest, project: Project, form: LadderForm) -> HttpResponse:
    begun = services.start_ladder(
        project=project,
        name=form.cleaned_data["name"],
        text=form.cleaned_data["text"],
        tasks=form.asked_tasks(),
        sizes=form.cleaned_data["sizes"],
        seeds=form.cleaned_data["seeds"],
        settings=form.settings(),
        by=signed_in(request),
    )
    return redirect("ladders:ladder", slug=project.slug, pk=begun.pk)


def _total(form: LadderForm, found: tuple[Estimate, ...]) -> float | None:
    """Operations of all sizes and seeds together; None before there is an estimate."""
    return len(form.cleaned_data["seeds"]) * sum(one.flops for one in found) if found else None


@require_safe
@project_view(Role.RESEARCHER)
def ladder(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """One ladder: what it was told, each rung's steps, and its report once it is drawn."""
    state = _state(project, pk)
    told = queries.settings_in_words(state.ladder)
    page = {"project": project, "ladder": state.ladder, "state": state, "settings": told}
    return render(request, "ladders/ladder.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def live(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """The part of a ladder's page that changes, asked for every other second while a step goes on."""
    state = _state(project, pk)
    page = {"project": project, "ladder": state.ladder, "state": state}
    response = render(request, "ladders/live.html", page)
    response["Cache-Control"] = "no-store"
    if state.moving:
        response["X-Live"] = "on"
    return response


@require_POST
@project_view(Role.RESEARCHER)
def go_on(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """Begin the broken steps again."""
    state = _state(project, pk)
    try:
        services.go_on(ladder=state.ladder, by=signed_in(request))
        messages.info(request, _("%(name)s goes on.") % {"name": state.ladder.name})
    except ValidationError as error:
        messages.error(request, "; ".join(error.messages))
    return redirect("ladders:ladder", slug=project.slug, pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.RESEARCHER)
def draw(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """An emergence report of a file of points or of a training run's curves."""
    form = EmergenceForm(project, request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            run = _drawn(project, form, signed_in(request))
            return redirect("reports:emergence_report", slug=project.slug, pk=run.pk)
        except ValidationError as error:
            form.add_error(None, error)
    status = 422 if form.is_bound else 200
    return render(request, "ladders/draw.html", {"project": project, "form": form}, status=status)


def _drawn(project: Project, form: EmergenceForm, by: User) -> EmergenceRun:
    name, file, model = (form.cleaned_data[field] for field in ("name", "file", "model"))
    if model is not None:
        return emergence.draw_curves(project=project, name=name, model=model, by=by)
    return emergence.draw_points(project=project, name=name, content=file.read(), by=by)
