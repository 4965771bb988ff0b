"""How a request reaches Django under an ASGI server: one hop to a thread that keeps its database connection.

Django's own handler makes a thread for each request and crosses to it some five times; every crossing costs processor
time, and with the thread goes the database connection. Here threads rest between requests, the last used first, and a
request that is answered whole (all but streams) crosses once. Streams are left to Django's own code.
"""

import asyncio
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import IO, Any

from asgiref.sync import ThreadSensitiveContext
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpResponseBase, StreamingHttpResponse
from django.urls import set_script_prefix

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
# More may work at once; so many are kept when all is quiet.
RESTING_THREADS = 16
# So many answer at once; the others wait without a thread.
BUSY_THREADS = 4
# Requests have turns, for more at once would only take the interpreter's lock, and SQLite's one writer, from each
# other. Another waits on the database while one computes, where that is a server of its own. A long turn is no longer
# waited for.
TURNS, TURNS_OF_SQLITE = 2, 1
TURN_SECONDS = 0.05
GRACE_SECONDS = 2
TRUSTED_SECONDS = 1.0
_thread = threading.local()


def web_command(port: int, application: str = "labelplatform.asgi:application") -> list[str]:
    """The server command, for browsers on this machine; a live page cannot hold its end longer than the grace."""
    return [
        sys.executable, "-m", "uvicorn", application,
        "--host", "127.0.0.1", "--port", str(port), "--lifespan", "off", "--no-access-log",
        "--timeout-graceful-shutdown", str(GRACE_SECONDS),
    ]  # fmt: skip


def _trust_fresh_connections() -> None:
    """Ask no connection whether it is still there that this thread has just used: the question is a round trip."""
    if time.monotonic() - getattr(_thread, "answered_at", -TRUSTED_SECONDS) < TRUSTED_SECONDS:
        for connection in connections.all(initialized_only=True):
            connection.health_check_done = True  # type: ignore[attr-defined]


@asynccontextmanager
async def _turn(turns: asyncio.Semaphore) -> AsyncIterator[None]:
    """Wait for a turn; it ends with the block, or earlier when it has taken long."""
    await turns.acquire()
    over = False

    def end() -> None:
        nonlocal over
        if not over:
            over = True
            turns.release()

    early = asyncio.get_running_loop().call_later(TURN_SECONDS, end)
    try:
        yield
    finally:
        early.cancel()
        end()


async def _pulled(chunks: Iterator[bytes], thread: ThreadPoolExecutor) -> AsyncIterator[bytes]:
    """The same chunks, each read in this thread."""
    loop = asyncio.get_running_loop()
    while (chunk := await loop.run_in_executor(thread, next, chunks, None)) is not None:
        yield chunk


class RestingThreadsHandler(ASGIHandler):
    """Serves HTTP by a synchronous middleware chain, one resting thread a request."""

    def __init__(self) -> None:
        # ASGIHandler's own would load the chain as asynchronous.
        self.load_middleware(is_async=False)
        self.resting: deque[ThreadPoolExecutor] = deque()
        self._busy = asyncio.Semaphore(BUSY_THREADS)
        sqlite = connections[DEFAULT_DB_ALIAS].vendor == "sqlite"
        self._turns = asyncio.Semaphore(TURNS_OF_SQLITE if sqlite else TURNS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"Only HTTP is served here, not {scope['type']}.")
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        async with self._busy, _turn(self._turns):
            thread = self.resting.pop() if self.resting else ThreadPoolExecutor(1, "request")
            response = await asyncio.get_running_loop().run_in_executor(thread, self._respond, scope, body)
            if not response.streaming:
                self._rest(thread)
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            # Files, static ones among them: read piece by piece in the thread, which Django would do all at once.
            response.streaming_content = _pulled(iter(response), thread)
        if not response.streaming:
            await self.send_response(response, send)
            return
        try:
            # What a stream reads, and its end, stay in the thread of its request.
            async with ThreadSensitiveContext(executor=thread):
                await self._stream(response, receive, send)
            await asyncio.get_running_loop().run_in_executor(thread, response.close)
        finally:
            self._rest(thread)

    def _rest(self, thread: ThreadPoolExecutor) -> None:
        if len(self.resting) < RESTING_THREADS:
            self.resting.append(thread)
        else:
            thread.shutdown(wait=False)

    def _respond(self, scope: Scope, body: IO[bytes]) -> HttpResponseBase:
        """In the thread: the whole chain, and the end of the request where nothing is left to stream.

        Django turns whatever a view raises into a response, so nothing is raised from here.
        """
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        _trust_fresh_connections()
        request, refusal = self.create_request(scope, body)
        # Private names of Django's own handlers: what is open with a response, and in whose name it ends.
        response: Any = refusal if request is None else self.get_response(request)
        if request is None:
            response._resource_closers.append(body.close)
        else:
            response._handler_class = self.__class__
        if not response.streaming:
            response.close()
        _thread.answered_at = time.monotonic()
        return response

    async def _stream(self, response: HttpResponseBase, receive: Receive, send: Send) -> None:
        """Send until the stream or its reader ends."""
        sending = asyncio.create_task(self.send_response(response, send))
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
        for task in (sending, leaving):
            task.cancel()
        told = await asyncio.gather(sending, leaving, return_exceptions=True)
        for error in told:
            if isinstance(error, BaseException) and not isinstance(
                error, RequestAborted | asyncio.CancelledError
            ):
                raise error
