"""An item that somebody cannot judge: they say why, and the next one comes. The same for labels of every kind."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project
from labelplatform.labels import services, shown
from labelplatform.labels.annotating import following_address
from labelplatform.labels.models import Skip, Slot


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view()
def skip(request: HttpRequest, token: uuid.UUID, *, project: Project, membership: Membership) -> HttpResponse:
    """Give an item to somebody else, with a reason; the form stands in a dialog too (`labels/_skip_dialog.html`)."""
    annotator = signed_in(request)
    slot = shown.slot_of(project, annotator, token)
    if slot is None:
        raise Http404
    if request.method != "POST":
        return _page(request, slot, token)
    told = {"reason": request.POST.get("reason", ""), "note": request.POST.get("note", "")}
    try:
        services.skip(token=token, by=annotator, **told)
    except services.SkipRefused as refusal:
        return _refused(request, slot, token, str(refusal))
    except services.LeaseLost:
        messages.info(request, _("Your time for that item had run out already. Here is the next one."))
    else:
        messages.success(request, _("Thank you for saying so: somebody else will look at that one."))
    following = following_address(project, slot.campaign, annotator)
    return JsonResponse({"next": following}) if _scripted(request) else redirect(following)


def _scripted(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


def _refused(request: HttpRequest, slot: Slot, token: uuid.UUID, problem: str) -> HttpResponse:
    if _scripted(request):
        return JsonResponse({"problem": problem}, status=422)
    return _page(request, slot, token, problem=problem)


def _page(request: HttpRequest, slot: Slot, token: uuid.UUID, *, problem: str = "") -> HttpResponse:
    """The same form on a page of its own, for browsers without a script."""
    context = {
        "project": slot.campaign.project,
        "campaign": slot.campaign,
        "token": token,
        "reasons": Skip.Reason.choices,
        "note": request.POST.get("note", "")[:500],
        "problem": problem,
    }
    return render(request, "labels/skip.html", context, status=422 if problem else 200)
