"""The files of a report's figures, to take along: the drawing as SVG and PNG, the table behind it as CSV."""

from pathlib import PurePosixPath

from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from evaluator.errors import BadInput
from evaluator.figures import read_figures
from labelplatform.accounts.access import project_view
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.jobs.models import Artifact

TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".csv": "text/csv; charset=utf-8"}


@require_safe
@project_view(Role.RESEARCHER)
def figure_file(
    request: HttpRequest, *, project: Project, membership: Membership, report: int, file: str
) -> HttpResponseBase:
    """One file of a figure that the report names; nothing else of its folder is ever opened."""
    found = get_object_or_404(Artifact, project=project, kind=Artifact.Kind.REPORT, pk=report)
    asked = PurePosixPath(file)
    if asked.suffix not in TYPES or asked.stem not in _figures(found):
        raise Http404
    path = found.path / "figures" / f"{asked.stem}{asked.suffix}"
    if not path.is_file():
        raise Http404
    return FileResponse(
        path.open("rb"), as_attachment=True, filename=path.name, content_type=TYPES[asked.suffix]
    )


def _figures(report: Artifact) -> set[str]:
    try:
        return {figure.name for figure in read_figures(report.path)}
    except BadInput as error:
        raise Http404 from error
