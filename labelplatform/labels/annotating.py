"""The annotator's pages: the queue, the ranking page, and what the ranking page says while people think.

Nothing here ever reads a policy, another person's label or a gold answer: what is not read cannot leak.
"""

import uuid
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, User
from labelplatform.labels import services, shown, waiting
from labelplatform.labels.guidelines import changes_to_tell
from labelplatform.labels.kinds import Unreadable
from labelplatform.labels.models import Campaign, Slot
from labelplatform.labels.sheets import Sheet, sheet_of


@dataclass(frozen=True)
class Desk:
    """Who sits in front of which slot, under which lease."""

    project: Project
    annotator: User
    slot: Slot
    token: uuid.UUID

    @property
    def sheet(self) -> Sheet:
        """What lies on it: by the campaign's kind of label."""
        return sheet_of(self.slot.campaign)


def _desk(request: HttpRequest, project: Project, token: uuid.UUID) -> Desk:
    """The slot behind a token, for the person it was given to; anybody else finds nothing."""
    annotator = signed_in(request)
    slot = shown.slot_of(project, annotator, token)
    if slot is None:
        raise Http404
    return Desk(project, annotator, slot, token)


@require_safe
@never_cache
@project_view()
def queue(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """What waits for me."""
    found = waiting.queue(project, signed_in(request))
    changes = changes_to_tell(signed_in(request), [one.campaign for one in found if not one.closed])
    context = {"project": project, "waiting": found, "reads": membership.languages, "changes": changes}
    return render(request, "labels/queue.html", context)


@require_POST
@never_cache
@project_view()
def start(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """Take the next item of a campaign: go to its page, or have it at once where a script prefers that.

    `Prefer: return=representation` (RFC 7240) spares a request; Content-Location then says which page it is."""
    campaign = shown.campaign_of(project, pk)
    if campaign is None:
        raise Http404
    annotator = signed_in(request)
    slot = services.claim(campaign=campaign, annotator=annotator)
    if slot is not None and _prefers_page(request):
        return _page_of(request, project, annotator, campaign, slot)
    return redirect(_address(project, slot))


def _prefers_page(request: HttpRequest) -> bool:
    return request.headers.get("Prefer") == "return=representation"


def _page_of(
    request: HttpRequest, project: Project, annotator: User, campaign: Campaign, slot: Slot
) -> HttpResponse:
    """The page of a slot that was just promised, and where it is."""
    assert slot.lease_token is not None
    slot.campaign = campaign
    page = _page(request, Desk(project, annotator, slot, slot.lease_token), typed=None)
    page.headers["Content-Location"] = _address(project, slot)
    return page


def _address(project: Project, slot: Slot | None) -> str:
    """The page of a slot, or of what waits otherwise."""
    if slot is None:
        return reverse("labels:queue", args=[project.slug])
    return reverse("labels:rank", args=[project.slug, slot.lease_token])


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view()
def rank(request: HttpRequest, token: uuid.UUID, *, project: Project, membership: Membership) -> HttpResponse:
    """The page of an item: read, judge, submit."""
    desk = _desk(request, project, token)
    if request.method == "POST":
        return _submit(request, desk)
    if not shown.is_held(desk.slot, token):
        return render(
            request, "labels/gone.html", {"project": project, "campaign": desk.slot.campaign}, status=410
        )
    return _page(request, desk, typed=None)


def _page(
    request: HttpRequest, desk: Desk, *, typed: QueryDict | None, problem: str = "", status: int = 200
) -> HttpResponse:
    """The page of an item; `typed` is what a form that is not taken had in its boxes."""
    context = {
        "project": desk.project,
        **desk.sheet.shown(desk.slot, desk.annotator, desk.token, typed),
        "submission": (typed and typed.get("submission")) or uuid.uuid4(),
        "problem": problem,
    }
    return render(request, desk.sheet.template, context, status=status)


def _submit(request: HttpRequest, desk: Desk) -> HttpResponse:
    try:
        label = desk.sheet.submit(request.POST, slot=desk.slot, token=desk.token, by=desk.annotator)
    except (Unreadable, services.JudgementRefused) as refusal:
        return _answer(request, desk, 422, problem=str(refusal))
    except services.SubmissionConflict:
        told = _(
            "This item was submitted before with another order. The first one counts; nothing was changed."
        )
        return _answer(request, desk, 409, problem=told)
    if label.surplus:
        told = _(
            "Your time for that item had run out and somebody else has it now. "
            "Your ranking is kept as an extra one; thank you. Here is the next item."
        )
        messages.warning(request, told)
    return _answer(request, desk, 409 if label.surplus else 200)


def _answer(request: HttpRequest, desk: Desk, status: int, *, problem: str = "") -> HttpResponse:
    """To a script: what became of it and where to go. To a browser without one: a page."""
    scripted = request.headers.get("Accept", "").startswith("application/json")
    if problem:
        return (
            JsonResponse({"problem": problem}, status=status)
            if scripted
            else _page(request, desk, typed=request.POST, problem=problem, status=status)
        )
    if scripted and request.POST.get("then") == "nothing":
        # The script has its next item already.
        return JsonResponse({"next": None}, status=status)
    following = following_address(desk.project, desk.slot.campaign, desk.annotator)
    return JsonResponse({"next": following}, status=status) if scripted else redirect(following)


def following_address(project: Project, campaign: Campaign, annotator: User) -> str:
    """Take what comes next for this person, and say where its page is: the queue's where nothing does."""
    try:
        slot = services.claim(campaign=campaign, annotator=annotator)
    except services.NotForYou:
        # What the campaign asks for, or what is known of them, has changed while they were at work.
        slot = None
    return _address(project, slot)


@require_POST
@project_view()
def draft(
    request: HttpRequest, token: uuid.UUID, *, project: Project, membership: Membership
) -> HttpResponse:
    """Keep unfinished work."""
    desk = _desk(request, project, token)
    state = desk.sheet.draft(request.body, desk.slot)
    if state is None:
        return JsonResponse({"problem": _("This is not a draft.")}, status=400)
    try:
        services.save_draft(slot=desk.slot, annotator=desk.annotator, state=state, token=token)
    except services.DraftRefused:
        return JsonResponse({"problem": _("This draft is too long.")}, status=413)
    except services.DraftOvertaken:
        told = _("You went on with this item in another window. Reload this page to see what you did there.")
        return JsonResponse({"problem": told}, status=409)
    return JsonResponse({"saved_at": timezone.now().isoformat()})


@require_POST
@project_view()
def renew(
    request: HttpRequest, token: uuid.UUID, *, project: Project, membership: Membership
) -> HttpResponse:
    """A sign of life: the item stays mine."""
    desk = _desk(request, project, token)
    try:
        until = services.renew(token=token, by=desk.annotator)
    except services.LeaseLost:
        told = _("Your time for this item ran out. Submit all the same: if nobody has taken it, it counts.")
        return JsonResponse({"problem": told}, status=410)
    return JsonResponse({"seconds_left": int((until - timezone.now()).total_seconds())})


@require_POST
@never_cache
@project_view()
def prefetch(
    request: HttpRequest, token: uuid.UUID, *, project: Project, membership: Membership
) -> HttpResponse:
    """Promise the next item as well, so that its page is there before this one is submitted.

    `Prefer: return=representation` gets the page itself, as `start` gives it; else only where it is."""
    desk = _desk(request, project, token)
    if not shown.is_held(desk.slot, token):
        return JsonResponse({"next": None}, status=410)
    slot = services.claim(campaign=desk.slot.campaign, annotator=desk.annotator, beside=token)
    if slot is not None and _prefers_page(request):
        return _page_of(request, project, desk.annotator, desk.slot.campaign, slot)
    return JsonResponse({"next": _address(project, slot) if slot else None})


@require_POST
@project_view()
def leave(
    request: HttpRequest, token: uuid.UUID, *, project: Project, membership: Membership
) -> HttpResponse:
    """The page is closing: hold the item only long enough for a reload."""
    desk = _desk(request, project, token)
    services.linger(token=token, by=desk.annotator)
    return HttpResponse(status=204)


@require_POST
@project_view()
def release(
    request: HttpRequest, token: uuid.UUID, *, project: Project, membership: Membership
) -> HttpResponse:
    """Give the item back and return to the queue; the draft is kept."""
    desk = _desk(request, project, token)
    try:
        services.release(token=token, by=desk.annotator)
    except services.LeaseLost:
        messages.info(request, _("That item was not yours any more."))
    return redirect("labels:queue", slug=project.slug)
