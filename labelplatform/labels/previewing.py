"""A campaign as an annotator would see it, for researchers: the real page, over an item that is promised to nobody.

Nothing is stored: the slot shown is in no table, so that nothing could be written about it either.
"""

import uuid
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role, User
from labelplatform.labels.kinds import Unreadable
from labelplatform.labels.models import Campaign, Item, Slot
from labelplatform.labels.orders import shown_order
from labelplatform.labels.rules import JudgementRefused
from labelplatform.labels.sheets import sheet_of

NO_SLOT, NO_TOKEN = 0, uuid.UUID(int=0)


@dataclass(frozen=True)
class Rehearsal:
    """Who looks at which item, and what came of their submission: what would be stored, or why it would not be."""

    project: Project
    by: User
    slot: Slot
    stored: list[tuple[str, str]]
    problem: str = ""


@require_safe
@never_cache
@project_view(Role.RESEARCHER)
def preview_campaign(
    request: HttpRequest, pk: int, *, project: Project, membership: Membership
) -> HttpResponse:
    """To a campaign's first item as an annotator would see it."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    first = campaign.items.order_by("pk").values_list("pk", flat=True).first()
    if first is None:
        messages.info(request, _("There is no item to look at yet."))
        return redirect("labels:campaign", slug=project.slug, pk=pk)
    return redirect("labels:preview", slug=project.slug, pk=first)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view(Role.RESEARCHER)
def preview(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """One item as an annotator would see it; what is submitted is judged by the same rules, and stored nowhere."""
    item = get_object_or_404(
        Item.objects.select_related("prompt", "campaign"), pk=pk, campaign__project=project
    )
    item.campaign.project = project
    slot, by = slot_of_nobody(item), signed_in(request)
    if request.method != "POST":
        return _page(request, Rehearsal(project, by, slot, []))
    try:
        stored = sheet_of(item.campaign).tried(request.POST, slot=slot)
    except (Unreadable, JudgementRefused) as refusal:
        return _refuse(request, Rehearsal(project, by, slot, [], str(refusal)))
    if _scripted(request):
        return JsonResponse({"would_store": stored})
    return _page(request, Rehearsal(project, by, slot, stored), typed=request.POST)


def slot_of_nobody(item: Item) -> Slot:
    """The first slot of an item as it would be shown: a copy that no table holds."""
    seed = f"{item.campaign.seed}/{item.key}"
    order = shown_order(count=len(item.response_ids), seed=seed, ordinal=1)
    return Slot(pk=NO_SLOT, item=item, campaign=item.campaign, ordinal=1, shown_order=order)


def _scripted(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


def _refuse(request: HttpRequest, rehearsal: Rehearsal) -> HttpResponse:
    if _scripted(request):
        return JsonResponse({"problem": rehearsal.problem}, status=422)
    return _page(request, rehearsal, typed=request.POST, status=422)


def _page(
    request: HttpRequest, rehearsal: Rehearsal, *, typed: QueryDict | None = None, status: int = 200
) -> HttpResponse:
    slot = rehearsal.slot
    sheet = sheet_of(slot.campaign)
    context = {
        "project": rehearsal.project,
        **sheet.shown(slot, rehearsal.by, NO_TOKEN, typed),
        "submission": uuid.uuid4(),
        "problem": rehearsal.problem,
        "preview": True,
        "preview_seconds": settings.LEASE_SECONDS,
        "would_store": rehearsal.stored,
        "following": _following(slot.item),
    }
    return render(request, sheet.template, context, status=status)


def _following(item: Item) -> int:
    """The campaign's next item; after the last the first again."""
    others = Item.objects.filter(campaign=item.campaign_id).order_by("pk").values_list("pk", flat=True)
    return others.filter(pk__gt=item.pk).first() or others.first() or item.pk
