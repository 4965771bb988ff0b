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
    chunks = _chunks(iter(lines))
    return StreamingHttpResponse(
        _one_by_one(chunks) if isinstance(request, ASGIRequest) else chunks,
        content_type="application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


def _chunks(lines: Iterator[Mapping[str, object]]) -> Iterator[bytes]:
    while batch := list(islice(lines, LINES_AT_ONCE)):
        yield b"".join(
            json.dumps(line, ensure_ascii=False, allow_nan=False).encode() + b"\n" for line in batch
        )


async def _one_by_one(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same for an asynchronous server: the database is read in a thread."""
    while (chunk := await sync_to_async(lambda: next(chunks, None))()) is not None:
        yield chunk
