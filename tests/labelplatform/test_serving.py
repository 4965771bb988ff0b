"""How requests reach Django: threads rest between them and keep their connection, and streams end with their reader."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from labelplatform import serving
from labelplatform.serving import RestingThreadsHandler

seen: list[int] = []
closed: list[str] = []
together = threading.Barrier(2, timeout=20)


def thread(request: HttpRequest) -> HttpResponse:
    """Which thread answers, and whether its connection was open already."""
    there = connection.connection is not None
    connection.ensure_connection()
    seen.append(threading.get_ident())
    return HttpResponse("kept" if there else "new")


def ask_database(request: HttpRequest) -> HttpResponse:
    """A statement, before which Django may ask whether the connection still stands."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("asked")


def meet(request: HttpRequest) -> HttpResponse:
    together.wait()
    seen.append(threading.get_ident())
    return HttpResponse("met")


def body(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body)


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken on purpose")


async def _endless() -> AsyncIterator[bytes]:
    try:
        while True:
            yield b"again\n"
            await asyncio.sleep(0)
    finally:
        closed.append("endless")


def endless(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(_endless())


async def _three() -> AsyncIterator[bytes]:
    for part in (b"a", b"b", b"c"):
        yield part


def three(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(_three())


def _in_thread() -> Iterator[bytes]:
    for part in (b"1", b"2"):
        seen.append(threading.get_ident())
        yield part


def pieces(request: HttpRequest) -> StreamingHttpResponse:
    seen.append(threading.get_ident())
    return StreamingHttpResponse(_in_thread())


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse("nothing here", status=404)


urlpatterns = [
    path("ask/", ask_database),
    *(path(view.__name__ + "/", view) for view in (thread, meet, body, broken, endless, three, pieces)),
]


@pytest.fixture
def handler(transactional_db: None) -> Iterator[RestingThreadsHandler]:
    seen.clear()
    closed.clear()
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[], ALLOWED_HOSTS=["testserver"], DEBUG=False):
        made = RestingThreadsHandler()
        yield made
        for resting in made.resting:
            resting.submit(connections.close_all).result()
            resting.shutdown()


class Browser:
    """One request as an ASGI server would make it."""

    def __init__(self, handler: RestingThreadsHandler, address: str, content: bytes = b"") -> None:
        self.handler, self.sent = handler, list[dict[str, Any]]()
        self.scope = {
            "type": "http", "method": "POST" if content else "GET", "path": address, "query_string": b"",
            "headers": [(b"host", b"testserver"), (b"content-length", str(len(content)).encode())],
            "scheme": "http", "server": ("testserver", 80), "client": ("127.0.0.1", 1), "http_version": "1.1",
        }  # fmt: skip
        self.content, self.gone, self.read = content, asyncio.Event(), False
        self.leave_after = 0

    async def receive(self) -> dict[str, Any]:
        if not self.read:
            self.read = True
            return {"type": "http.request", "body": self.content, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        if self.leave_after and len(self.sent) >= self.leave_after:
            self.gone.set()

    async def ask(self) -> tuple[int, bytes]:
        await asyncio.wait_for(self.handler(self.scope, self.receive, self.send), 20)
        return self.sent[0]["status"], b"".join(one.get("body", b"") for one in self.sent)


def ask(handler: RestingThreadsHandler, *addresses: str, content: bytes = b"") -> list[tuple[int, bytes]]:
    async def all_at_once() -> list[tuple[int, bytes]]:
        browsers = [Browser(handler, address, content) for address in addresses]
        return list(await asyncio.gather(*(browser.ask() for browser in browsers)))

    return asyncio.run(all_at_once())


def test_one_request_after_another_has_one_thread_and_one_connection(
    handler: RestingThreadsHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 600)
    assert [ask(handler, "/thread/")[0] for _time in range(3)] == [
        (200, b"new"),
        (200, b"kept"),
        (200, b"kept"),
    ]
    assert len(set(seen)) == 1


def test_a_connection_is_asked_whether_it_is_there_only_after_a_rest(
    handler: RestingThreadsHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 600)
    monkeypatch.setitem(connection.settings_dict, "CONN_HEALTH_CHECKS", True)
    asked: list[bool] = []

    def usable(_connection: object) -> bool:
        asked.append(True)
        return True

    monkeypatch.setattr(type(connections["default"]), "is_usable", usable)
    for _time in range(3):
        ask(handler, "/ask/")
    assert asked == []
    monkeypatch.setattr(serving, "TRUSTED_SECONDS", 0.0)
    ask(handler, "/ask/")
    assert asked == [True]


def test_requests_at_the_same_time_have_threads_of_their_own(handler: RestingThreadsHandler) -> None:
    assert ask(handler, "/meet/", "/meet/") == [(200, b"met"), (200, b"met")]
    assert len(set(seen)) == 2
    assert len(handler.resting) == 2


def test_only_so_many_answer_at_once_and_the_others_wait_without_a_thread(
    handler: RestingThreadsHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long they take: here every turn is over at once."""
    monkeypatch.setattr(serving, "TURN_SECONDS", 0.0)
    many = ["/thread/"] * (3 * serving.BUSY_THREADS)
    assert {status for status, _body in ask(handler, *many)} == {200}
    assert len(handler.resting) <= serving.BUSY_THREADS
    assert len(set(seen)) <= serving.BUSY_THREADS


def test_only_so_many_threads_rest(handler: RestingThreadsHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "RESTING_THREADS", 1)
    ask(handler, "/meet/", "/meet/")
    assert len(handler.resting) == 1


def test_what_was_sent_arrives_and_what_breaks_is_a_500(handler: RestingThreadsHandler) -> None:
    assert ask(handler, "/body/", content=b"\x00sent\xff") == [(200, b"\x00sent\xff")]
    assert ask(handler, "/broken/")[0][0] == 500
    assert ask(handler, "/nowhere/")[0][0] == 404
    assert len(handler.resting) == 1


def test_a_body_that_is_too_long_is_refused(handler: RestingThreadsHandler) -> None:
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=4):
        assert ask(handler, "/body/", content=b"12345")[0][0] == 400


def test_every_request_is_begun_and_ended_once_in_its_thread(handler: RestingThreadsHandler) -> None:
    heard: list[tuple[str, int]] = []

    def begun(**_told: object) -> None:
        heard.append(("begun", threading.get_ident()))

    def ended(**_told: object) -> None:
        heard.append(("ended", threading.get_ident()))

    request_started.connect(begun)
    request_finished.connect(ended)
    try:
        for address in ("/thread/", "/three/", "/broken/"):
            heard.clear()
            ask(handler, address)
            assert [what for what, _where in heard] == ["begun", "ended"], address
            assert len({where for _what, where in heard}) == 1
    finally:
        request_started.disconnect(begun)
        request_finished.disconnect(ended)


def test_a_stream_is_sent_whole(handler: RestingThreadsHandler) -> None:
    assert ask(handler, "/three/") == [(200, b"abc")]
    assert len(handler.resting) == 1


def test_what_is_read_in_pieces_is_read_in_the_thread_of_its_request(handler: RestingThreadsHandler) -> None:
    assert ask(handler, "/pieces/") == [(200, b"12")]
    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert len(handler.resting) == 1


def test_a_stream_ends_when_its_reader_leaves(handler: RestingThreadsHandler) -> None:
    async def read_a_little() -> None:
        browser = Browser(handler, "/endless/")
        browser.leave_after = 5
        await browser.ask()

    asyncio.run(read_a_little())
    assert closed == ["endless"]
    assert len(handler.resting) == 1


def test_a_reader_who_leaves_before_the_end_of_the_question_is_let_go(handler: RestingThreadsHandler) -> None:
    async def leave_at_once() -> None:
        browser = Browser(handler, "/body/", b"x")
        browser.read = True
        browser.gone.set()
        await asyncio.wait_for(handler(browser.scope, browser.receive, browser.send), 20)
        assert browser.sent == []

    asyncio.run(leave_at_once())
    assert not handler.resting


def test_nothing_but_http_is_served(handler: RestingThreadsHandler) -> None:
    with pytest.raises(ValueError, match="Only HTTP"):
        asyncio.run(handler({"type": "websocket"}, None, None))  # type: ignore[arg-type]


def test_a_long_turn_is_not_waited_for_and_every_turn_ends_once(
    handler: RestingThreadsHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that meet each other need two turns at once: with one, the second begins when the first has taken long."""
    monkeypatch.setattr(serving, "TURN_SECONDS", 0.02)
    handler._turns = asyncio.Semaphore(1)
    assert ask(handler, "/meet/", "/meet/") == [(200, b"met"), (200, b"met")]
    assert handler._turns._value == 1
    handler._turns = asyncio.Semaphore(1)
    ask(handler, "/thread/", "/thread/", "/broken/")
    assert handler._turns._value == 1


def test_on_sqlite_one_computes_at_a_time_elsewhere_two(handler: RestingThreadsHandler) -> None:
    assert handler._turns._value == (1 if connection.vendor == "sqlite" else 2)


def test_requests_that_are_quick_have_their_turns_one_after_the_other(
    handler: RestingThreadsHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "TURN_SECONDS", 20.0)
    handler._turns = asyncio.Semaphore(1)
    assert {status for status, _body in ask(handler, *["/thread/"] * 5)} == {200}
    assert len(handler.resting) == 1
