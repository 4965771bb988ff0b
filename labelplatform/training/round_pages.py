"""The pages of rounds: all series, one series with what each round measured, one round with its steps."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.training import round_queries, round_words, rounds
from labelplatform.training.round_figures import round_rows
from labelplatform.training.round_forms import RoundForm, SeriesForm, as_before
from labelplatform.training.round_models import Round, RoundSeries

GET_POST = ["GET", "HEAD", "POST"]
LONGEST_NUMBER = 7


def _series(project: Project, pk: int) -> RoundSeries:
    found = round_queries.series_visible_in(project, pk)
    if found is None:
        raise Http404
    return found


def _round(project: Project, pk: int) -> Round:
    found = round_queries.round_visible_in(project, pk)
    if found is None:
        raise Http404
    return found


@require_safe
@project_view(Role.RESEARCHER)
def series_list(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """All series, each with where its newest round is."""
    page = {"project": project, "rows": round_words.series_rows(project)}
    return render(request, "training/series_list.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def series(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """What each round of a series measured, drawn over the rounds."""
    found = _series(project, pk)
    rows = round_rows(found)
    page = {
        "project": project,
        "series": found,
        "rows": rows,
        "panels": round_words.panels(rows),
        "may_begin": not any(row.round.is_moving for row in rows),
    }
    return render(request, "training/series.html", page)


@require_http_methods(GET_POST)
@project_view(Role.RESEARCHER)
def begin_series(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """Begin round 0 of a new series."""
    form = SeriesForm(project, request.POST or None)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        try:
            row = rounds.begin_series(
                project=project,
                name=chosen["name"],
                policy=chosen["policy"],
                wishes=form.wishes(),
                by=signed_in(request),
            )
            return redirect("training:one_round", slug=project.slug, pk=row.pk)
        except ValidationError as error:
            form.add_error(None, _one_line(error))
    return _form(request, "training/begin_series.html", {"project": project, "form": form})


@require_http_methods(GET_POST)
@project_view(Role.RESEARCHER)
def begin_round(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """Begin the next round of a series, with the wishes of the last one until they are changed."""
    found = _series(project, pk)
    last = round_queries.rounds_of(found).last()
    number = last.number + 1 if last is not None else 0
    form = RoundForm(project, request.POST or None, initial=as_before(last) if last is not None else {})
    if request.method == "POST" and form.is_valid():
        # The number that the form was made for: what is sent twice begins one round.
        asked = request.POST.get("number", "")
        number = int(asked) if asked.isdecimal() and len(asked) < LONGEST_NUMBER else number
        try:
            row = rounds.begin_round(series=found, number=number, wishes=form.wishes(), by=signed_in(request))
            return redirect("training:one_round", slug=project.slug, pk=row.pk)
        except ValidationError as error:
            form.add_error(None, _one_line(error))
    page = {
        "project": project,
        "series": found,
        "number": number,
        "newest": round_queries.newest_policy(found),
        "form": form,
    }
    return _form(request, "training/begin_round.html", page)


def _one_line(error: ValidationError) -> str:
    """A refusal of the row as a whole: its fields need not be those of the form."""
    return " ".join(error.messages)


def _form(request: HttpRequest, template: str, page: dict[str, Any]) -> HttpResponse:
    return render(request, template, page, status=422 if page["form"].is_bound else 200)


@require_safe
@project_view(Role.RESEARCHER)
def one_round(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """One round: where it is, what it was asked, what each step made."""
    live = round_words.live_round(_round(project, pk))
    page = {"project": project, "live": live, "round": live.round, "asked": round_words.asked(live.round)}
    return render(request, "training/one_round.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def round_live(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """The part of a round's page that changes, asked for again while the round goes on."""
    live = round_words.live_round(_round(project, pk))
    response = render(
        request, "training/round_live.html", {"project": project, "live": live, "round": live.round}
    )
    response["Cache-Control"] = "no-store"
    # When the buttons around it have changed too, the last fragment has come: the page is loaded anew.
    if live.round.is_moving and request.GET.get("seen") == live.seen:
        response["X-Live"] = "on"
    return response


@require_POST
@project_view(Role.RESEARCHER)
def resume_round(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """Go on where a step came to nothing."""
    return _told(request, project, pk, rounds.resume_round, _("The round goes on where it was."))


@require_POST
@project_view(Role.RESEARCHER)
def stop_round(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """Let nothing more come of a round for now."""
    return _told(
        request, project, pk, rounds.stop_round, _("The round is stopped; what it has made is kept.")
    )


@require_POST
@project_view(Role.RESEARCHER)
def take_what_there_is(
    request: HttpRequest, project: Project, membership: Membership, pk: int
) -> HttpResponse:
    """Wait for no more rankings."""
    return _told(request, project, pk, rounds.take_what_there_is, _("The round goes on with these rankings."))


def _told(request: HttpRequest, project: Project, pk: int, verb: Any, words: str) -> HttpResponse:
    found = _round(project, pk)
    try:
        verb(row=found, by=signed_in(request))
    except ValidationError as refusal:
        messages.error(request, _one_line(refusal))
    else:
        messages.info(request, words)
    return redirect("training:one_round", slug=project.slug, pk=found.pk)
