"""The page on which a returned label is given again: the item's own page, with what was said then as its draft."""

import uuid
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project
from labelplatform.labels import services, shown
from labelplatform.labels.kinds import Unreadable
from labelplatform.labels.models import Review, Slot
from labelplatform.labels.sheets import RANKING_SHEET

# Nobody else waits for it: what the page shows as time left is renewed as long as it is open.
SECONDS_LEFT = 3600


@dataclass(frozen=True)
class Returned:
    """Which label came back to whom, and the key to its page."""

    project: Project
    review: Review
    slot: Slot
    token: uuid.UUID


@require_POST
@project_view()
def begin(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """To the page of a returned label of mine."""
    mine = Review.objects.select_related("ranking__slot__campaign__project", "ranking__slot__item")
    found = get_object_or_404(
        mine, pk=pk, ranking__annotator=signed_in(request), ranking__item__campaign__project=project
    )
    try:
        token = services.begin_again(review=found, by=signed_in(request))
    except services.VersionRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("labels:feedback", slug=project.slug)
    return redirect("labels:again", slug=project.slug, token=token)


def _returned(request: HttpRequest, project: Project, token: uuid.UUID) -> Returned:
    """The returned label behind a key, for the person it was given to; anybody else finds nothing."""
    slot = shown.slot_of(project, signed_in(request), token)
    if slot is None:
        raise Http404
    theirs = Review.objects.filter(ranking__slot=slot, ranking__annotator=signed_in(request))
    # A newer version may have been returned in its turn: the last one is meant.
    found = theirs.select_related("ranking__slot__campaign__project", "ranking__slot__item").order_by("-pk")
    review = found.first()
    if review is None or review.verdict != Review.Verdict.RETURNED:
        raise Http404
    return Returned(project, review, slot, token)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view()
def again(
    request: HttpRequest, token: uuid.UUID, *, project: Project, membership: Membership
) -> HttpResponse:
    """The item once more; what is submitted counts from now on, and the returned label is kept."""
    mine = _returned(request, project, token)
    if request.method != "POST":
        try:
            services.check_again(mine.review, signed_in(request))
        except services.VersionRefused as refusal:
            messages.error(request, str(refusal))
            return redirect("labels:feedback", slug=project.slug)
        return _page(request, mine)
    try:
        _give(request, mine)
    except (Unreadable, services.JudgementRefused, services.VersionRefused) as refusal:
        return _refused(request, mine, str(refusal), status=422)
    except services.SubmissionConflict:
        told = _("This was submitted before with another order. The first one counts; nothing was changed.")
        return _refused(request, mine, told, status=409)
    messages.success(
        request, _("Your new order counts from now on; the one that was returned is kept with it.")
    )
    following = reverse("labels:feedback", args=[project.slug])
    return JsonResponse({"next": following}) if _scripted(request) else redirect(following)


def _give(request: HttpRequest, mine: Returned) -> None:
    submission, judgement, log = RANKING_SHEET.read(request.POST, slot=mine.slot)
    services.give_again(
        review=mine.review, submission=submission, judgement=judgement, by=signed_in(request), log=log
    )


def _scripted(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


def _refused(request: HttpRequest, mine: Returned, problem: str, *, status: int) -> HttpResponse:
    if _scripted(request):
        return JsonResponse({"problem": problem}, status=status)
    return _page(request, mine, problem=problem, status=status)


def _page(request: HttpRequest, mine: Returned, *, problem: str = "", status: int = 200) -> HttpResponse:
    typed = request.POST if problem else None
    context = {
        "project": mine.project,
        **RANKING_SHEET.shown(mine.slot, signed_in(request), mine.token, typed),
        "submission": (typed and typed.get("submission")) or uuid.uuid4(),
        "problem": problem,
        "again": mine.review,
        "again_seconds": SECONDS_LEFT,
    }
    return render(request, RANKING_SHEET.template, context, status=status)


@require_POST
@project_view()
def stay(request: HttpRequest, token: uuid.UUID, *, project: Project, membership: Membership) -> HttpResponse:
    """Signs of life, the wish for the next item, leaving: nothing is promised here, so nothing changes."""
    _returned(request, project, token)
    return JsonResponse({"seconds_left": SECONDS_LEFT, "next": None})
