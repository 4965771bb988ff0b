"""Long files to a browser, piece by piece: memory does not grow with their number (labelplatform/serving.py pulls)."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from django.http import StreamingHttpResponse

PIECES_AT_ONCE = 200


def json_lines_response(lines: Iterable[Mapping[str, object]], *, filename: str) -> StreamingHttpResponse:
    """Return `lines` as a download of JSON lines."""
    pieces = (json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines)
    return text_response(pieces, filename=filename, content_type="application/x-ndjson")


def text_response(pieces: Iterable[str], *, filename: str, content_type: str) -> StreamingHttpResponse:
    """Return a text file as a download, piece by piece."""
    return StreamingHttpResponse(
        _chunks(iter(pieces)),
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


def _chunks(pieces: Iterator[str]) -> Iterator[bytes]:
    while batch := list(islice(pieces, PIECES_AT_ONCE)):
        yield "".join(batch).encode()
