"""Long files to a browser, line by line: memory does not grow with their number, whatever server runs."""

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from itertools import islice

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

LINES_AT_ONCE = 200


def json_lines_response(
    request: HttpRequest, lines: Iterable[Mapping[str, object]], *, filename: str
) -> StreamingHttpResponse:
    """Return `lines` as a download of JSON lines."""
    pieces = (json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines)
    return text_response(request, pieces, filename=filename, content_type="application/x-ndjson")


def text_response(
    request: HttpRequest, pieces: Iterable[str], *, filename: str, content_type: str
) -> StreamingHttpResponse:
    """Return a text file as a download, piece by piece."""
    chunks = _chunks(iter(pieces))
    return StreamingHttpResponse(
        _one_by_one(chunks) if isinstance(request, ASGIRequest) else chunks,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


def _chunks(pieces: Iterator[str]) -> Iterator[bytes]:
    while batch := list(islice(pieces, LINES_AT_ONCE)):
        yield "".join(batch).encode()


async def _one_by_one(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same for an asynchronous server: the database is read in a thread."""
    while (chunk := await sync_to_async(lambda: next(chunks, None))()) is not None:
        yield chunk
