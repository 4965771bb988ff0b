"""Ranking lines to a browser in any format: of living labels here, of frozen ones in snapshots."""

from collections.abc import Iterable, Mapping

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project
from labelplatform.labels.exchange import outgoing
from labelplatform.labels.models import Campaign
from labelplatform.prompts.streaming import text_response

CONTENT_TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


def export_response(
    request: HttpRequest, lines: Iterable[Mapping[str, object]], name: str, *, whose: str
) -> StreamingHttpResponse:
    """Ranking lines as a download in the format `name`; what it does with unacceptable ones is in the file's name."""
    chosen = outgoing.EXPORTS.get(name)
    unacceptable = request.GET.get("unacceptable", "")
    if chosen is None or unacceptable not in ("", outgoing.KEEP, outgoing.LEAVE_OUT):
        raise Http404
    pieces = outgoing.encoded(outgoing.converted(lines, chosen, unacceptable), chosen)
    filename = f"{whose}-{outgoing.file_name(chosen, unacceptable)}"
    return text_response(pieces, filename=filename, content_type=CONTENT_TYPES[chosen.suffix])


def to_own_file(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """Say that a campaign's labels are no rankings, where they are to be had instead."""
    told = _("The labels of “%(name)s” are no orders of answers: they leave in a format of their own.")
    messages.error(request, told % {"name": campaign.name})
    return redirect(f"{reverse('labels:exports', args=[campaign.project.slug])}?campaign={campaign.pk}")


def chosen_campaign(request: HttpRequest, project: Project) -> Campaign | None:
    """The campaign of this project that `?campaign=` names; None where it names none."""
    chosen = request.GET.get("campaign", "")
    if not chosen:
        return None
    number = int(chosen) if chosen.isascii() and chosen.isdecimal() and len(chosen) < 18 else 0
    return get_object_or_404(Campaign, pk=number, project=project)
