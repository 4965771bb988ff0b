"""Pages with which a campaign is steered: its settings, and what annotators could not judge."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role, User
from labelplatform.labels import services, skips
from labelplatform.labels.campaign_forms import CampaignSettingsForm
from labelplatform.labels.models import Campaign, Item
from labelplatform.labels.services.campaign_settings import BEFORE_THE_FIRST_LABEL, STEERING, has_labels

ITEMS_A_PAGE = 25


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view(Role.RESEARCHER)
def edit_campaign(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """A campaign's settings."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    labelled = has_labels(campaign)
    form = CampaignSettingsForm(request.POST or None, campaign=campaign, labelled=labelled)
    if request.method == "POST":
        form = CampaignSettingsForm(request.POST, campaign=campaign, labelled=labelled)
        if form.is_valid() and _saved(form, campaign, signed_in(request)):
            messages.success(request, _("Saved: it holds from the next claim on."))
            return redirect("labels:campaign", slug=project.slug, pk=pk)
        campaign.refresh_from_db()
    context = {
        "project": project,
        "campaign": campaign,
        "form": form,
        "labelled": labelled,
        "how": [form[name] for name in BEFORE_THE_FIRST_LABEL],
        "steering": [form[name] for name in STEERING],
    }
    return render(request, "labels/edit_campaign.html", context, status=422 if form.is_bound else 200)


def _saved(form: CampaignSettingsForm, campaign: Campaign, by: User) -> bool:
    """All of it or nothing."""
    overlap = form.cleaned_data.get("overlap", campaign.overlap)
    try:
        with transaction.atomic():
            services.set_settings(campaign=campaign, settings=form.settings, by=by)
            if overlap != campaign.overlap:
                services.grow_overlap(campaign=campaign, overlap=overlap, by=by)
    except ValidationError as refusal:
        form.add_error(None, refusal)
    except services.CampaignRefused as refusal:
        form.add_error("overlap", str(refusal))
    else:
        return True
    return False


@require_safe
@never_cache
@project_view(Role.RESEARCHER, Role.REVIEWER)
def set_aside(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """What too many people could not judge, and who skips how often."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    page = Paginator(skips.set_aside(campaign), ITEMS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "project": project,
        "campaign": campaign,
        "page": page,
        "statistics": skips.statistics(campaign),
        "researches": membership.role != Role.REVIEWER,
    }
    return render(request, "labels/set_aside.html", context)


@require_POST
@project_view(Role.RESEARCHER, Role.REVIEWER)
def put_back(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """Ask people about one item again."""
    item = get_object_or_404(Item.objects.select_related("campaign"), pk=pk, campaign__project=project)
    services.put_back(item=item, by=signed_in(request))
    messages.success(request, _("Put back: everybody may be asked about that item again."))
    return redirect("labels:set_aside", slug=project.slug, pk=item.campaign_id)


@require_POST
@project_view(Role.RESEARCHER, Role.REVIEWER)
def put_all_back(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """Ask people about everything again that was set aside."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    items = services.put_all_back(campaign=campaign, by=signed_in(request))
    told = ngettext("%(n)d item is put back.", "%(n)d items are put back.", items)
    messages.success(request, told % {"n": items})
    return redirect("labels:set_aside", slug=project.slug, pk=pk)
