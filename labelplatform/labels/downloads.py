"""Ranking lines to a browser in any format: of living labels here, of frozen ones in snapshots."""

from collections.abc import Iterable, Mapping

from django.http import Http404, HttpRequest, StreamingHttpResponse

from labelplatform.labels.exchange import outgoing
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
    return text_response(request, pieces, filename=filename, content_type=CONTENT_TYPES[chosen.suffix])
