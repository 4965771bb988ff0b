"""The researcher's pages for labels from elsewhere and for elsewhere: dry run, import, exports."""

from typing import Any, BinaryIO

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.labels import kinds, label_lines, queries, services
from labelplatform.labels.downloads import chosen_campaign, export_response, to_own_file
from labelplatform.labels.exchange import outgoing
from labelplatform.labels.forms import LabelsUploadForm
from labelplatform.labels.models import Campaign, Label, Ranking
from labelplatform.labels.services import kept_uploads
from labelplatform.prompts.streaming import json_lines_response
from trainer.errors import BadInput

UPLOAD_LIMIT_BYTES = 50_000_000


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.RESEARCHER)
def import_labels(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """First press: a dry run of the file, line by line. Second press: the import of exactly what was shown."""
    if request.method != "POST":
        return _page(request, project, LabelsUploadForm())
    form = LabelsUploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, project, form, status=422)
    try:
        services.check_target(project, form.cleaned_data["target"])
        digest = _kept(project, form.cleaned_data["file"], form.cleaned_data["digest"])
        with kept_uploads.opened(project, digest) as upload:
            if form.cleaned_data["promise"] and form.cleaned_data["file"] is None:
                return _import(request, project, form, upload, digest)
            return _dry_run(request, project, form, upload, digest)
    except services.CampaignRefused as refusal:
        form.add_error("target", str(refusal))
    except kept_uploads.UploadGone:
        form.add_error("file", _("This file is no longer kept here: choose it again."))
    except _TooLarge as refusal:
        form.add_error("file", str(refusal))
        return _page(request, project, form, status=413)
    return _page(request, project, form, status=422)


class _TooLarge(Exception):
    """An upload beyond the limit of the page."""


def _kept(project: Project, upload: "UploadedFile[Any] | None", digest: str) -> str:
    if upload is None:
        return digest
    if upload.file is None or upload.size is None or upload.size > UPLOAD_LIMIT_BYTES:
        raise _TooLarge(
            _("This file is too large for the browser: use the command import_labels, or import it in parts.")
        )
    return kept_uploads.keep(project, upload.file)


def _dry_run(
    request: HttpRequest, project: Project, form: LabelsUploadForm, upload: BinaryIO, digest: str
) -> HttpResponse:
    chosen = form.cleaned_data
    preview = services.preview_import(
        project=project, upload=upload, target=chosen["target"], wishes=form.wishes
    )
    # The campaign's name may have come from the file: it is shown where it can be changed.
    form.data = {**form.data, "target": chosen["target"]}
    return _page(request, project, form, preview=preview, digest=digest)


def _import(
    request: HttpRequest, project: Project, form: LabelsUploadForm, upload: BinaryIO, digest: str
) -> HttpResponse:
    chosen = form.cleaned_data
    try:
        done = services.import_labels(
            project=project,
            upload=upload,
            target=chosen["target"],
            by=signed_in(request),
            wishes=form.wishes,
            promise=chosen["promise"],
        )
    except services.LabelsRefused as refusal:
        if refusal.changed:
            messages.error(
                request, _("The labels here have changed since: nothing was imported. Look again.")
            )
        return _page(request, project, form, preview=refusal.preview, digest=digest, status=422)
    kept_uploads.forget(project, digest)
    new = done.counts[services.Status.NEW]
    messages.success(request, _("Imported: %(new)d new rankings.") % {"new": new})
    return _to_campaign(project, chosen["target"])


def _to_campaign(project: Project, name: str) -> HttpResponseRedirect:
    campaign = Campaign.objects.filter(project=project, name=name).first()
    if campaign is None:
        return redirect("labels:index", slug=project.slug)
    return redirect("labels:campaign", slug=project.slug, pk=campaign.pk)


def _page(
    request: HttpRequest,
    project: Project,
    form: LabelsUploadForm,
    *,
    preview: services.Preview | None = None,
    digest: str = "",
    status: int = 200,
) -> HttpResponse:
    if preview is not None and preview.refused:
        status = 422
    context = {
        "project": project,
        "form": form,
        "preview": preview,
        "digest": digest,
        "counts": {}
        if preview is None
        else {one.name.lower(): preview.counts[one] for one in services.Status},
        "noted": {}
        if preview is None
        else {note.name.lower(): preview.noted[note] for note in services.Note},
    }
    return render(request, "labels/import_labels.html", context, status=status)


@require_safe
@project_view(Role.RESEARCHER)
def exports(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """What the labels can leave as: the whole project's, or one campaign's."""
    campaign = chosen_campaign(request, project)
    context = {
        "project": project,
        "campaign": campaign,
        "campaigns": queries.campaigns(project),
        "exports": outgoing.EXPORTS.values(),
        "files": label_lines.files_of(project, campaign),
    }
    return render(request, "labels/exports.html", context)


@require_safe
@project_view(Role.RESEARCHER)
def export(request: HttpRequest, name: str, *, project: Project, membership: Membership) -> HttpResponseBase:
    """The labels in one format, streamed, oldest first; `after`, a ranking's id, goes on behind that ranking."""
    campaign = chosen_campaign(request, project)
    if campaign is not None and not label_lines.leaves_as(campaign, name):
        return to_own_file(request, campaign)
    after = request.GET.get("after", "")
    filters = {"campaigns": [campaign.pk] if campaign else [], "decisions": request.GET.get("decisions")}
    try:
        lines = label_lines.lines_for(project, name, filters, after=after)
    except (Ranking.DoesNotExist, Label.DoesNotExist) as error:
        raise Http404(str(error)) from None
    whose = f"{project.slug}-{campaign.pk if campaign else 'all'}"
    return export_response(request, lines, name, whose=whose)


@require_safe
@project_view(Role.RESEARCHER)
def lines(request: HttpRequest, file: str, *, project: Project, membership: Membership) -> HttpResponseBase:
    """Labels that are no orders as their public lines, streamed, oldest first; `after` as for rankings."""
    if file not in kinds.FILES:
        raise Http404
    campaign = chosen_campaign(request, project)
    filters = {"campaigns": [campaign.pk]} if campaign else {}
    try:
        if campaign is not None:
            label_lines.refuse_other_kind(campaign, file)
        found = label_lines.label_lines(project, file, filters, after=request.GET.get("after", ""))
    except (BadInput, Label.DoesNotExist) as error:
        raise Http404(str(error)) from None
    whose = campaign.pk if campaign else "all"
    return json_lines_response(found, filename=f"{project.slug}-{whose}-{file}.jsonl")
