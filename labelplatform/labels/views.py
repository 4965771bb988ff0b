"""The researcher's pages: campaigns and their progress, a campaign's labels, one ranking for lineage."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role, User
from labelplatform.labels import label_queries, queries, services
from labelplatform.labels.downloads import chosen_campaign, to_own_file
from labelplatform.labels.forms import CampaignForm
from labelplatform.labels.guidelines import in_force
from labelplatform.labels.label_lines import file_of
from labelplatform.labels.models import Campaign
from labelplatform.labels.progress_words import progress_page
from labelplatform.labels.shapes import shape_of
from labelplatform.labels.shown_tiers import shown_tiers
from labelplatform.labels.versions import surplus_count
from labelplatform.prompts.queries import prompts_with_enough_responses
from labelplatform.prompts.streaming import json_lines_response

LABELS_SHOWN = 50


@require_safe
@project_view(Role.RESEARCHER)
def index(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """All campaigns of the project, with how far they are."""
    context = {"project": project, "campaigns": queries.campaigns(project)}
    return render(request, "labels/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.RESEARCHER)
def add_campaign(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """Call for labels over a prompt set."""
    chosen = {"prompt_set": request.GET.get("prompt_set")}
    form = CampaignForm(request.POST or None, project=project, initial=chosen)
    if request.method == "POST" and form.is_valid():
        try:
            campaign = _created(form, project, signed_in(request))
        except services.CampaignRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("labels:campaign", slug=project.slug, pk=campaign.pk)
    status = 422 if form.is_bound else 200
    return render(request, "labels/add_campaign.html", {"project": project, "form": form}, status=status)


@transaction.atomic
def _created(form: CampaignForm, project: Project, by: User) -> Campaign:
    """The campaign with its settings; one that is to be looked at first is open at no moment."""
    told = dict(form.cleaned_data)
    settings, state, prompt_set = told.pop("settings"), told.pop("state"), told.pop("prompt_set")
    prompts = prompts_with_enough_responses(prompt_set, shape_of(told["kind"]).fewest)
    made = services.create_campaign_over(prompts=prompts, project=project, by=by, **told)
    services.set_settings(campaign=made, settings=settings, by=by)
    if state != made.state:
        services.set_state(campaign=made, state=state, by=by)
    return made


@require_safe
@project_view(Role.RESEARCHER)
def campaign(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """One campaign: progress, who works on it, its newest labels."""
    found, now = get_object_or_404(queries.campaigns(project), pk=pk), timezone.now()
    context = {
        "project": project,
        "campaign": found,
        "progress": progress_page(found, now),
        "people": queries.people_of(found),
        "surplus": surplus_count(found),
        "rankings": queries.with_content(queries.rankings(project, {"campaigns": [pk]})).reverse()[
            :LABELS_SHOWN
        ],
        "shown": LABELS_SHOWN,
        "file": file_of(found),
        "labels": label_queries.newest(found, LABELS_SHOWN),
    }
    return render(request, "labels/campaign.html", context)


@require_POST
@project_view(Role.RESEARCHER)
def set_state(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """Open, pause or close a campaign."""
    found = get_object_or_404(Campaign, pk=pk, project=project)
    state = request.POST.get("state", "")
    if state not in Campaign.State.values:
        messages.error(request, _("There is no such state; nothing was changed."))
    else:
        services.set_state(campaign=found, state=state, by=signed_in(request))
    return redirect("labels:campaign", slug=project.slug, pk=pk)


@require_safe
@project_view(Role.RESEARCHER)
def download(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponseBase:
    """The project's ranking lines (or one campaign's), streamed; `labels:export` has them in other formats too."""
    chosen = chosen_campaign(request, project)
    if chosen is not None and not chosen.gives_rankings:
        return to_own_file(request, chosen)
    lines = queries.ranking_lines(project, {"campaigns": [chosen.pk]} if chosen else {})
    whose = chosen.pk if chosen else "all"
    return json_lines_response(lines, filename=f"{project.slug}-{whose}-rankings.jsonl")


@require_safe
@project_view(Role.RESEARCHER, Role.REVIEWER)
def ranking(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """One ranking whole: the prompt, the answers in its order, who wrote them and who ranked them."""
    found = get_object_or_404(queries.with_content(queries.all_rankings(project)), pk=pk)
    context = {
        "project": project,
        "ranking": found,
        "tiers": shown_tiers(found),
        "guidelines": in_force(found.item.campaign, found.at),
    }
    return render(request, "labels/ranking.html", context)
