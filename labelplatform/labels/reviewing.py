"""Pages about the quality of labels, for researchers and reviewers; no annotator ever gets past their doors."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.forms import model_to_dict
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role, User
from labelplatform.labels import label_reviewing, quality, quality_words, queries, reliability, services
from labelplatform.labels.models import Adjudication, Campaign, Item
from labelplatform.labels.quality_forms import GoldForm, QualityForm
from labelplatform.labels.review_pages import SHARES

ITEMS_A_PAGE = 25
LABELS_SHOWN = 30


@require_safe
@never_cache
@project_view(Role.RESEARCHER, Role.REVIEWER)
def campaign_quality(
    request: HttpRequest, pk: int, *, project: Project, membership: Membership
) -> HttpResponse:
    """How far the campaign's annotators agree, and who needs a look."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    if not campaign.gives_rankings:
        return label_reviewing.quality_page(request, campaign, project=project, membership=membership)
    found = quality.campaign_quality(campaign)
    context = {
        "project": project,
        "campaign": campaign,
        "gathered": found.gathered,
        "agreement": found.agreement,
        "figures": quality_words.campaign_figures(found.agreement),
        "columns": quality_words.person_columns(),
        "rows": quality_words.person_rows(found),
        "model": reliability.model(campaign),
        "researches": membership.role != Role.REVIEWER,
    }
    return render(request, "labels/quality.html", context)


@require_safe
@never_cache
@project_view(Role.RESEARCHER, Role.REVIEWER)
def annotator_quality(
    request: HttpRequest, pk: int, annotator: int, *, project: Project, membership: Membership
) -> HttpResponse:
    """One annotator of a campaign: their figures and their newest labels."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    if not campaign.gives_rankings:
        return label_reviewing.annotator_page(
            request, campaign, annotator, project=project, membership=membership
        )
    rows = quality_words.person_rows(quality.campaign_quality(campaign))
    row = next((row for row in rows if row.person.user.pk == annotator), None)
    theirs = queries.all_rankings(project).filter(item__campaign=campaign, annotator=annotator)
    if not theirs.exists():
        raise Http404
    context = {
        "project": project,
        "campaign": campaign,
        "person": get_object_or_404(User, pk=annotator),
        "row": row,
        "most_items": quality.MOST_ITEMS,
        "qualification": campaign.qualifications.filter(annotator=annotator).first(),
        "researches": membership.role != Role.REVIEWER,
        "shares": SHARES,
        "rankings": queries.with_content(theirs).order_by("-pk")[:LABELS_SHOWN],
    }
    return render(request, "labels/annotator_quality.html", context)


@require_safe
@never_cache
@project_view(Role.RESEARCHER, Role.REVIEWER)
def disagreement(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """The campaign's items, those that people agree on least first."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    if not campaign.gives_rankings:
        return label_reviewing.disagreement_page(request, campaign, project=project)
    page = Paginator(quality.compared_items(campaign), ITEMS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "project": project,
        "campaign": campaign,
        "page": page,
        "most_items": quality.MOST_ITEMS_COMPARED,
        "items": quality.with_items(list(page.object_list)),
    }
    return render(request, "labels/disagreement.html", context)


@require_safe
@never_cache
@project_view(Role.RESEARCHER, Role.REVIEWER)
def item(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """One item with everybody's label of it side by side; for researchers, with what is right of it."""
    found = _item(project, pk)
    if not found.campaign.gives_rankings:
        return label_reviewing.item_page(request, found, project=project, membership=membership)
    form = None if membership.role == Role.REVIEWER else _gold_form(found, request.GET.get("from", ""))
    return _item_page(request, project, found, form)


@require_POST
@project_view(Role.RESEARCHER)
def gold(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """Say what is right of an item, or that nothing is known to be."""
    found = _item(project, pk)
    if "remove" in request.POST:
        services.unset_gold(item=found, by=signed_in(request))
        messages.success(request, _("This item is an ordinary one again."))
        return redirect("labels:item", slug=project.slug, pk=pk)
    if not found.campaign.gives_rankings:
        return label_reviewing.keep_gold(request, found, project=project, membership=membership)
    form = GoldForm(request.POST, responses=found.response_ids)
    if not form.is_valid():
        return _item_page(request, project, found, form, status=422)
    told = form.cleaned_data["explanation"]
    try:
        services.set_gold(item=found, tiers=form.tiers(), explanation=told, by=signed_in(request))
    except services.GoldRefused as refusal:
        form.add_error(None, str(refusal))
        return _item_page(request, project, found, form, status=422)
    messages.success(request, _("Kept: this item is gold. Nobody who ranks is told."))
    return redirect("labels:item", slug=project.slug, pk=pk)


def _item(project: Project, pk: int) -> Item:
    return get_object_or_404(
        Item.objects.select_related("prompt", "campaign", "gold", "repeat"), pk=pk, campaign__project=project
    )


def _gold_form(found: Item, taken_from: str) -> GoldForm:
    """The form as gold stands, or as the label stands that it is to be taken from."""
    places = quality.places_for_gold(found, taken_from)
    initial = {f"place-{number}": place for number, place in enumerate(places, 1)}
    explanation = found.gold.explanation if hasattr(found, "gold") else ""
    return GoldForm(initial={**initial, "explanation": explanation}, responses=found.response_ids)


def _item_page(
    request: HttpRequest, project: Project, found: Item, form: GoldForm | None, *, status: int = 200
) -> HttpResponse:
    labels = quality.labels_side_by_side(found)
    places = found.placed_responses.select_related("response__policy")
    answers = [
        {"response": place.response, "number": at + 1, "tiers": [label.tiers[at] for label in labels]}
        for at, place in enumerate(places)
    ]
    context = {
        "project": project,
        "item": found,
        "labels": labels,
        "answers": answers,
        "form": form,
        "asked": Adjudication.objects.filter(item=found).first(),
        "measures": hasattr(found, "gold") or hasattr(found, "repeat"),
    }
    return render(request, "labels/item.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.RESEARCHER)
def quality_settings(
    request: HttpRequest, pk: int, *, project: Project, membership: Membership
) -> HttpResponse:
    """What the campaign does about quality."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    form = QualityForm(request.POST or None, initial=model_to_dict(campaign), kind=campaign.kind)
    if request.method == "POST" and form.is_valid():
        try:
            services.set_quality(campaign=campaign, by=signed_in(request), **form.cleaned_data)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("Saved: it holds from the next label on."))
            return redirect("labels:quality", slug=project.slug, pk=pk)
    status = 422 if form.is_bound else 200
    context = {"project": project, "campaign": campaign, "form": form}
    return render(request, "labels/quality_settings.html", context, status=status)


@require_POST
@project_view(Role.RESEARCHER)
def qualify(
    request: HttpRequest, pk: int, annotator: int, *, project: Project, membership: Membership
) -> HttpResponse:
    """Let a person into a campaign, or keep them out of it."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    person = get_object_or_404(User, pk=annotator, memberships__project=project)
    admitted = request.POST.get("admitted") == "yes"
    services.override_qualification(
        campaign=campaign, annotator=person, admitted=admitted, by=signed_in(request)
    )
    return redirect("labels:annotator_quality", slug=project.slug, pk=pk, annotator=annotator)
