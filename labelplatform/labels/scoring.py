"""Rating demonstrations that were written to qualify: one at a time, without the name of whoever wrote it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.labels import known_ratings, services
from labelplatform.labels.models import Campaign, Label
from labelplatform.labels.quality_forms import ScoreForm


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view(Role.RESEARCHER, Role.REVIEWER)
def score(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """One demonstration, to be rated from 1 to 7; then the next one that waits."""
    written = Label.objects.filter(item__campaign__project=project, item__gold__isnull=False)
    label = get_object_or_404(
        written.select_related("item__prompt", "item__campaign", "score"),
        pk=pk,
        kind=Campaign.Kind.DEMONSTRATION,
        surplus=False,
    )
    form, campaign = ScoreForm(request.POST or None), label.item.campaign
    if request.method == "POST" and form.is_valid():
        try:
            services.score_demonstration(label=label, by=signed_in(request), **form.cleaned_data)
        except services.ScoreRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Rated."))
            following = known_ratings.to_score(campaign, signed_in(request)).first()
            if following is not None:
                return redirect("labels:score", slug=project.slug, pk=following.pk)
            return redirect("labels:quality", slug=project.slug, pk=campaign.pk)
    context = {
        "project": project,
        "campaign": campaign,
        "label": label,
        "form": None if hasattr(label, "score") else form,
    }
    return render(request, "labels/score.html", context, status=422 if request.method == "POST" else 200)
