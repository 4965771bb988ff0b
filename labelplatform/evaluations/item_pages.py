"""The items of an evaluation: a list to search, one item by its own address, and people asked about it."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from evaluator.errors import BadInput
from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.evaluations import item_filters, item_queries, queries, spot_checks
from labelplatform.evaluations.item_keeping import look_up_items
from labelplatform.evaluations.known_answers import known_answers
from labelplatform.evaluations.models import MeasuredItem


@require_safe
@project_view(Role.RESEARCHER)
def items(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """An evaluation's items, filtered, a page at a time, beside another evaluation's where that is asked."""
    run = queries.evaluations_of(project).filter(pk=pk).first()
    if run is None:
        raise Http404
    unreadable = ""
    try:
        look_up_items(run)
    except BadInput as error:
        unreadable = str(error)
    filters = item_filters.filters_of(run, request.GET)
    after, before = (item_filters.number(request.GET, name) for name in ("after", "before"))
    page = {
        "project": project,
        "run": run,
        "filters": filters,
        "address": item_filters.address_of(filters),
        "page": item_queries.page_of(run, filters, after=after, before=before),
        "outcomes": item_filters.outcome_options(filters, item_queries.outcome_counts(run)),
        "groups": item_filters.group_options(run, filters),
        "scores": item_filters.score_options(run, filters),
        "others": item_filters.other_options(run, filters),
        "unreadable": unreadable,
    }
    return render(request, "evaluations/items.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def item(request: HttpRequest, project: Project, membership: Membership, pk: int, place: int) -> HttpResponse:
    """One item in full, at an address that stays; beside it the same item of another evaluation."""
    found = _item(project, pk, place)
    filters = item_filters.filters_of(found.run, request.GET)
    sample = item_queries.read_sample(found)
    page = {
        "project": project,
        "run": found.run,
        "item": found,
        "row": item_queries.one_item(found, filters.other),
        "other": filters.other,
        "others": item_filters.other_options(found.run, filters),
        "slices": [(name.removesuffix("="), value) for name, value in found.slices.items()],
        "known": known_answers(found.run, found.key),
        "can_be_asked": spot_checks.asked_of_people(found, sample) is not None,
    }
    return render(request, "evaluations/item.html", page)


@require_POST
@project_view(Role.RESEARCHER)
def spot_check(
    request: HttpRequest, project: Project, membership: Membership, pk: int, place: int
) -> HttpResponse:
    """Put an item to people."""
    found = _item(project, pk, place)
    try:
        check = spot_checks.spot_check(item=found, by=signed_in(request))
        told = _("People are asked about this item in the campaign “%(name)s”.")
        messages.success(request, told % {"name": check.label_item.campaign.name})
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("evaluations:item", slug=project.slug, pk=pk, place=place)


def _item(project: Project, run: int, place: int) -> MeasuredItem:
    found = item_queries.item_at(project, run, place)
    if found is None:
        raise Http404
    return found
