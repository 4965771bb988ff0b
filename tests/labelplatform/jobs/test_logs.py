"""The shown end of a log: last lines, last drawing of a bar, no secret."""

from pathlib import Path

import pytest
from django.conf import settings

from labelplatform.jobs import logs


@pytest.fixture(autouse=True)
def _planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_TOKEN", "tok-planted-0123456789")
    logs._secrets.cache_clear()


def shown(tmp_path: Path, content: bytes) -> str:
    log = tmp_path / "log.txt"
    log.write_bytes(content)
    return logs.tail(log)


def test_tail_of_nothing_is_empty(tmp_path: Path) -> None:
    assert logs.tail(tmp_path / "none") == ""


def test_tail_begins_with_a_whole_line(tmp_path: Path) -> None:
    text = shown(tmp_path, b"".join(b"line %d\n" % number for number in range(5000)))
    assert len(text) <= logs.TAIL_BYTES
    assert text.startswith("line ")
    assert text.splitlines()[-1] == "line 4999"
    assert {len(line) for line in text.splitlines()} == {9}


def test_tail_shows_a_bar_as_it_was_drawn_last(tmp_path: Path) -> None:
    assert shown(tmp_path, b"\r\x1b[K1/3\r\x1b[K2/3\r\x1b[K3/3\ndone\r\n") == "3/3\ndone\n"


def test_tail_takes_any_bytes(tmp_path: Path) -> None:
    assert shown(tmp_path, b"\xff\xfe\x00ok\x07\n") == "\ufffd\ufffdok\n"


def test_tail_tells_no_secret(tmp_path: Path) -> None:
    text = shown(tmp_path, f"key {settings.SECRET_KEY} and tok-planted-0123456789\n".encode())
    assert text == f"key {logs.HIDDEN} and {logs.HIDDEN}\n"
