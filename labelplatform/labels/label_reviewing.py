"""Pages about labels that are no orders, for researchers and reviewers."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from labelplatform.accounts.access import signed_in
from labelplatform.accounts.models import Membership, Project, Role, User
from labelplatform.labels import kinds, known_ratings, label_disagreement, services
from labelplatform.labels.kinds import Matter
from labelplatform.labels.kinds.spans import source_of, span_kinds
from labelplatform.labels.label_quality import label_quality
from labelplatform.labels.label_queries import labels_of, newest_of
from labelplatform.labels.marked_texts import marked_texts
from labelplatform.labels.models import Campaign, Item
from labelplatform.labels.quality_forms import GoldRatingsForm
from labelplatform.labels.span_quality import span_quality

ITEMS_A_PAGE = 25
LABELS_SHOWN = 30


def quality_page(
    request: HttpRequest, campaign: Campaign, *, project: Project, membership: Membership
) -> HttpResponse:
    """How far a campaign's ratings agree, and how everybody uses the scales; of spans, how far they agree."""
    if campaign.kind == Campaign.Kind.SPANS:
        return _span_quality_page(request, campaign, project=project, membership=membership)
    found = label_quality(campaign)
    kind = kinds.kind_of(campaign)
    context = {
        "project": project,
        "campaign": campaign,
        "quality": found,
        "rated": kind is not None and kind.file == "ratings",
        "to_score": known_ratings.to_score(campaign, signed_in(request)),
        "writes": campaign.kind == Campaign.Kind.DEMONSTRATION,
        "researches": membership.role != Role.REVIEWER,
    }
    return render(request, "labels/label_quality.html", context)


def _span_quality_page(
    request: HttpRequest, campaign: Campaign, *, project: Project, membership: Membership
) -> HttpResponse:
    context = {
        "project": project,
        "campaign": campaign,
        "found": span_quality(campaign),
        "researches": membership.role != Role.REVIEWER,
    }
    return render(request, "labels/span_quality.html", context)


def disagreement_page(request: HttpRequest, campaign: Campaign, *, project: Project) -> HttpResponse:
    """The campaign's items, those that people agree on least first."""
    found = label_disagreement.disagreement(campaign)
    page = Paginator(found.rows, ITEMS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "project": project,
        "campaign": campaign,
        "columns": found.columns,
        "page": page,
        "items": label_disagreement.with_items(found, list(page.object_list)),
    }
    return render(request, "labels/label_disagreement.html", context)


def annotator_page(
    request: HttpRequest, campaign: Campaign, annotator: int, *, project: Project, membership: Membership
) -> HttpResponse:
    """One annotator of the campaign beside the others, and their newest labels."""
    person = get_object_or_404(User, pk=annotator)
    labels = newest_of(campaign, person, LABELS_SHOWN)
    if not labels:
        raise Http404
    context = {
        "project": project,
        "campaign": campaign,
        "person": person,
        "figures": label_disagreement.annotator_figures(campaign, person),
        "labels": labels,
        "qualification": campaign.qualifications.filter(annotator=person).first(),
        "scores": known_ratings.scores_of(campaign, person),
        "researches": membership.role != Role.REVIEWER,
    }
    return render(request, "labels/label_annotator.html", context)


def item_page(
    request: HttpRequest,
    item: Item,
    *,
    project: Project,
    membership: Membership,
    form: GoldRatingsForm | None = None,
) -> HttpResponse:
    """One item with everybody's label of it; for researchers, with what is right of it (`form`: as refused)."""
    places = item.placed_responses.select_related("response__policy")
    answer = next((place.response for place in places), None)
    labels = labels_of(item)
    if form is None and membership.role != Role.REVIEWER:
        form = _gold_form(item)
    context = {"project": project, "item": item, "labels": labels, "answer": answer, "form": form}
    if item.campaign.kind == Campaign.Kind.SPANS and answer is not None:
        source = source_of(Matter({}, item.prompt.messages, item.prompt.context))
        context["marked"] = marked_texts([one.label for one in labels], answer.text, source)
        context["kind_words"] = span_kinds()
    status = 422 if form is not None and form.is_bound else 200
    return render(request, "labels/label_item.html", context, status=status)


def _gold_form(item: Item) -> GoldRatingsForm | None:
    """The form as gold stands; None of a kind that has no gold."""
    kind = item.campaign.kind
    if kind not in {*known_ratings.RATED, Campaign.Kind.DEMONSTRATION}:
        return None
    gold = getattr(item, "gold", None)
    initial = {f"rating-{name}": value for name, value in gold.ratings.items()} if gold else {}
    initial["explanation"] = gold.explanation if gold else ""
    return GoldRatingsForm(initial=initial, names=known_ratings.names_of(item.campaign))


def keep_gold(request: HttpRequest, item: Item, *, project: Project, membership: Membership) -> HttpResponse:
    """Keep what a researcher says is right of an item."""
    form = GoldRatingsForm(request.POST, names=known_ratings.names_of(item.campaign))
    if form.is_valid():
        told = form.cleaned_data["explanation"]
        try:
            services.set_gold_label(
                item=item, ratings=form.ratings(), explanation=told, by=signed_in(request)
            )
        except services.GoldRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Kept: this item is gold. Nobody who labels is told."))
            return redirect("labels:item", slug=project.slug, pk=item.pk)
    return item_page(request, item, project=project, membership=membership, form=form)
