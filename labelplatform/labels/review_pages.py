"""Decisions and reviews: what a reviewer does with labels, and what an annotator hears of it."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role, User
from labelplatform.labels import review_queries, services
from labelplatform.labels.models import Adjudication, Campaign, Item, Review
from labelplatform.labels.orders import tiers

REVIEWERS = (Role.RESEARCHER, Role.REVIEWER)
ROWS = 50
SHARES = (("0.05", "5 %"), ("0.1", "10 %"), ("0.25", "25 %"), ("1", "100 %"))


class DecisionForm(forms.Form):
    """The deciding order of an item's answers, by letter; equal places tie."""

    unacceptable = forms.BooleanField(label=gettext_lazy("All answers are unacceptable"), required=False)
    note = forms.CharField(
        label=gettext_lazy("Why so"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, answers: Sequence[review_queries.BlindAnswer], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answers = answers
        for answer in answers:
            self.fields[f"place-{answer.letter}"] = forms.IntegerField(
                label=_("Place of answer %(letter)s") % {"letter": answer.letter},
                required=False,
                min_value=1,
                max_value=len(answers),
            )
        self.order_fields([f"place-{answer.letter}" for answer in answers])

    def tiers(self) -> list[list[int]]:
        """The order in response ids, best tier first."""
        places = ((self.cleaned_data[f"place-{one.letter}"], one.response) for one in self.answers)
        return tiers((place, response) for place, response in places if place is not None)


class ReviewForm(forms.Form):
    """What a reviewer says of one label."""

    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy(
            "Whoever gave the label reads it: say what to look at, as you would to a colleague."
        ),
    )


@require_safe
@never_cache
@project_view(*REVIEWERS)
def adjudication(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """Items that want a decision, and those that have one."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    context = {
        "project": project,
        "campaign": campaign,
        "waiting": review_queries.to_decide(campaign)[:ROWS],
        "decided": review_queries.decided(campaign)[:ROWS],
        "shown": ROWS,
    }
    return render(request, "labels/adjudication.html", context)


@require_POST
@project_view(*REVIEWERS)
def ask(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """This item wants a decision."""
    item = get_object_or_404(Item.objects.select_related("campaign"), pk=pk, campaign__project=project)
    try:
        services.ask_for_decision(item=item, by=signed_in(request))
    except services.AdjudicationRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("labels:item", slug=project.slug, pk=pk)
    return redirect("labels:decide", slug=project.slug, pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view(*REVIEWERS)
def decide(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """The labels of an item side by side, nobody's name on them, and the order that decides."""
    asked = get_object_or_404(
        Adjudication.objects.select_related("item__campaign", "item__prompt", "decision"),
        item=pk,
        item__campaign__project=project,
    )
    item, by = asked.item, signed_in(request)
    answers = review_queries.blind_answers(item)
    form = DecisionForm(request.POST or None, answers=answers)
    if request.method == "POST" and form.is_valid():
        told = {name: form.cleaned_data[name] for name in ("note", "unacceptable")}
        seen = [answer.response for answer in answers]
        try:
            services.decide(item=item, tiers=form.tiers(), by=by, shown_order=seen, **told)
        except services.AdjudicationRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Decided. The labels it is about stay as they are."))
            return redirect("labels:adjudication", slug=project.slug, pk=item.campaign_id)
    context = {
        "project": project,
        "item": item,
        "asked": asked,
        "answers": answers,
        "labels": range(1, len(answers[0].tiers) + 1) if answers else (),
        "form": None if asked.decision_id or services.has_labelled(item, by) else form,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "labels/decide.html", context, status=status)


@require_safe
@never_cache
@project_view(*REVIEWERS)
def reviews(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """Labels drawn for a look, those that wait first."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    found = review_queries.reviews(campaign)
    context = {
        "project": project,
        "campaign": campaign,
        "waiting": found.filter(verdict=Review.Verdict.WAITING).count(),
        "following": review_queries.next_to_review(campaign, signed_in(request)),
        "page": Paginator(found.exclude(verdict=Review.Verdict.WAITING).order_by("-at"), ROWS).get_page(
            request.GET.get("page")
        ),
    }
    return render(request, "labels/reviews.html", context)


@require_POST
@project_view(*REVIEWERS)
def draw(
    request: HttpRequest, pk: int, annotator: int, *, project: Project, membership: Membership
) -> HttpResponse:
    """Draw some of an annotator's labels for a look."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    person = get_object_or_404(User, pk=annotator, memberships__project=project)
    share = {told: float(told) for told, _shown in SHARES}.get(request.POST.get("share", ""), 0.0)
    try:
        drawn = services.draw_reviews(
            campaign=campaign, annotator=person, share=share, by=signed_in(request), seed=campaign.seed
        )
    except services.ReviewRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("labels:annotator_quality", slug=project.slug, pk=pk, annotator=annotator)
    messages.success(request, _("Drawn: %(n)d labels wait for a look.") % {"n": len(drawn)})
    return redirect("labels:reviews", slug=project.slug, pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view(*REVIEWERS)
def review(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """One label, without the name of whoever gave it: accept it, or return it with a note."""
    found = get_object_or_404(
        Review.objects.select_related("ranking__item__campaign", "ranking__item__prompt", "reviewer"),
        pk=pk,
        ranking__item__campaign__project=project,
    )
    form, by = ReviewForm(request.POST or None), signed_in(request)
    campaign = found.ranking.item.campaign
    if request.method == "POST" and form.is_valid():
        verdict = request.POST.get("verdict", "")
        try:
            services.review_label(review=found, verdict=verdict, by=by, note=form.cleaned_data["note"])
        except services.ReviewRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            following = review_queries.next_to_review(campaign, by)
            if following is not None:
                return redirect("labels:review", slug=project.slug, pk=following.pk)
            return redirect("labels:reviews", slug=project.slug, pk=campaign.pk)
    context = {
        "project": project,
        "campaign": campaign,
        "review": found,
        "order": review_queries.order_of(found.ranking),
        "form": form if found.verdict == Review.Verdict.WAITING else None,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "labels/review.html", context, status=status)


@require_POST
@project_view(Role.RESEARCHER)
def compute_reliability(
    request: HttpRequest, pk: int, *, project: Project, membership: Membership
) -> HttpResponse:
    """Reckon the reliability of the campaign's annotators from the labels of now."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    try:
        services.compute_reliability(campaign=campaign, by=signed_in(request))
    except services.ReliabilityRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("labels:quality", slug=project.slug, pk=pk)


@require_safe
@never_cache
@project_view()
def feedback(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """What a second pair of eyes said of my labels."""
    found = review_queries.feedback(project, signed_in(request))
    return render(request, "labels/feedback.html", {"project": project, "feedback": found})
