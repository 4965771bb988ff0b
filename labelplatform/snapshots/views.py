"""The researcher's pages: snapshots, and what one holds."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.labels.downloads import export_response
from labelplatform.labels.exchange.outgoing import EXPORTS
from labelplatform.labels.kinds import FILES as LABEL_FILES
from labelplatform.labels.label_lines import frozen_lines_for
from labelplatform.snapshots import queries, services
from labelplatform.snapshots.forms import SnapshotForm
from labelplatform.snapshots.models import Snapshot

# The files of a snapshot folder by their names in the public format; nothing else is ever opened.
ALWAYS = {"manifest.json": "application/json", "rankings.jsonl": "application/x-ndjson"}
# Labels that are no orders have files only where there are such labels.
FILES = ALWAYS | {f"{name}.jsonl": "application/x-ndjson" for name in LABEL_FILES}


@require_safe
@project_view(Role.RESEARCHER)
def index(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """All snapshots, and how many labels wait for the next."""
    context = {
        "project": project,
        "snapshots": queries.snapshots(project),
        "waiting": queries.rankings_waiting(project),
    }
    return render(request, "snapshots/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.RESEARCHER)
def freeze(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """Freeze the labels of now."""
    form = SnapshotForm(request.POST or None, project=project)
    if request.method == "POST" and form.is_valid():
        try:
            snapshot = services.freeze_snapshot(
                project=project, name=form.cleaned_data["name"], filters=form.filters, by=signed_in(request)
            )
        except services.SnapshotRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("snapshots:snapshot", slug=project.slug, pk=snapshot.pk)
    status = 422 if form.is_bound else 200
    return render(request, "snapshots/freeze.html", {"project": project, "form": form}, status=status)


@require_safe
@project_view(Role.RESEARCHER)
def snapshot(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """One snapshot: counts, digest, filters, files, and the campaigns behind it."""
    found = get_object_or_404(queries.snapshots(project), pk=pk)
    return render(request, "snapshots/snapshot.html", _context(project, found))


@require_safe
@project_view(Role.RESEARCHER)
def snapshot_live(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """The part of the page that changes while the job works."""
    found = get_object_or_404(queries.snapshots(project), pk=pk)
    response = render(request, "snapshots/snapshot_live.html", _context(project, found))
    if found.job is not None and not found.job.is_finished:
        response.headers["X-Live"] = "on"
    return response


def _context(project: Project, found: Snapshot) -> dict[str, object]:
    return {
        "project": project,
        "snapshot": found,
        "campaigns": queries.campaigns_in(found),
        "files": [name for name in FILES if name in ALWAYS or found.counts.get(name.removesuffix(".jsonl"))],
        "labels": [(name, found.counts[name]) for name in LABEL_FILES if found.counts.get(name)],
        "exports": [export for export in EXPORTS.values() if export.name != "rankings"],
    }


@require_safe
@project_view(Role.RESEARCHER)
def download(
    request: HttpRequest, pk: int, filename: str, *, project: Project, membership: Membership
) -> HttpResponseBase:
    """One file of the frozen folder."""
    found = get_object_or_404(queries.snapshots(project), pk=pk)
    if filename not in FILES or found.artifact is None:
        raise Http404
    path = found.artifact.path / filename
    if not path.is_file():
        raise Http404
    name = f"{slugify(found.name) or 'snapshot'}-{filename}"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type=FILES[filename])


@require_safe
@project_view(Role.RESEARCHER)
def export(
    request: HttpRequest, pk: int, name: str, *, project: Project, membership: Membership
) -> HttpResponseBase:
    """The frozen rankings in another format: the same converters as for living labels, over the frozen file."""
    found = get_object_or_404(queries.snapshots(project), pk=pk)
    if found.artifact is None or not (found.artifact.path / "rankings.jsonl").is_file():
        raise Http404
    lines = frozen_lines_for(found.artifact.path, name)
    return export_response(request, lines, name, whose=slugify(found.name) or "snapshot")
