"""What the supervisor refuses, and that it does not start a broken part for ever. More in tests/faults."""

import errno
import shutil
import socket
import sys
from pathlib import Path

import pytest

from labelplatform.demo import supervisor as supervisor_module
from labelplatform.demo.supervisor import CannotStartError, Supervisor, refuse_taken_port, refusing_full_disks

BROKEN = [sys.executable, "-c", "raise SystemExit('the part is broken')"]


def quiet(line: str) -> None:
    """Says nothing."""


def test_taken_port_is_refused_with_the_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotStartError, match=rf"Port {port} cannot be used .*--port"):
            refuse_taken_port(port)
    refuse_taken_port(port)


def test_second_supervisor_on_a_folder_is_refused(tmp_path: Path) -> None:
    with Supervisor(tmp_path, tell=quiet):
        with pytest.raises(CannotStartError, match="Another supervisor"), Supervisor(tmp_path, tell=quiet):
            pass
    with Supervisor(tmp_path, tell=quiet):
        pass


def test_little_room_on_the_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=5 * 1024**2))
    with pytest.raises(CannotStartError, match="5 MB free: wanted 1024 MB"), Supervisor(tmp_path, tell=quiet):
        pass


def test_full_disk_is_a_sentence_and_other_errors_stay() -> None:
    with pytest.raises(CannotStartError, match=r"The disk is full \(/data/x\)"), refusing_full_disks():
        raise OSError(errno.ENOSPC, "No space left on device", "/data/x")
    with pytest.raises(PermissionError), refusing_full_disks():
        raise PermissionError(errno.EACCES, "no")


@pytest.mark.django_db(transaction=True)
def test_part_that_dies_again_and_again_ends_the_demo(tmp_path: Path) -> None:
    lines: list[str] = []
    with Supervisor(tmp_path, tell=lines.append) as supervisor:
        supervisor._start("beat", BROKEN)
        supervisor._begin_to_watch()
        assert supervisor.wait(60)
        with pytest.raises(
            CannotStartError, match="The beat died 6 times within a minute: the part is broken"
        ):
            supervisor.check()
    assert lines.count("The beat ended unasked (exit code 1): started again.") == 5


@pytest.mark.django_db(transaction=True)
def test_part_that_does_not_come_up_is_named_with_its_last_words(tmp_path: Path) -> None:
    with Supervisor(tmp_path, tell=quiet) as supervisor:
        supervisor._start("web", BROKEN)
        with pytest.raises(CannotStartError, match="The web did not start: the part is broken"):
            supervisor._await("web", lambda: False, 30)


def test_long_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "LOG_BYTES", 10)
    log = tmp_path / "logs" / "beat.log"
    log.parent.mkdir()
    log.write_text("longer than ten bytes\n")
    supervisor = Supervisor(tmp_path, tell=quiet)
    supervisor._start("beat", [sys.executable, "-c", ""])
    supervisor._children["beat"].process.wait()
    assert log.read_text() == ""
    assert log.with_suffix(".log.1").read_text() == "longer than ten bytes\n"
