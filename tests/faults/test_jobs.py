"""Jobs under a real supervisor with a real Celery worker, embedded Redis, beat and web, and what befalls them."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from labelplatform import broker
from labelplatform.jobs import processes
from tests.faults.site import Site, until


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path / "data")
    try:
        yield site.start()
    finally:
        site.clear()


def grandchild_of(site: Site, job: int, attempt: int) -> int:
    note = site.data / "artifacts" / "jobs" / str(job) / f"attempt-{attempt}" / "out" / "grandchild"
    return int(until(lambda: note.exists() and note.read_text(), 120, "the child has a child"))


def is_gone(pid: int) -> bool:
    return processes.start_time(pid) is None


def test_jobs_run_and_are_cancelled_and_stopping_leaves_no_process(site: Site) -> None:
    done = site.enqueue("write")
    site.until_state(done, "succeeded", attempts=1)

    unwanted = site.enqueue("family", 1)
    site.until_state(unwanted, "running")
    grandchild = grandchild_of(site, unwanted, 1)
    site.ask(f"cancel {unwanted}")
    site.until_state(unwanted, "cancelled")
    until(lambda: is_gone(grandchild), 60, "the grandchild of the cancelled job is gone")

    long, stubborn = site.enqueue("family", 2), site.enqueue("stubborn", 3)
    site.until_state(long, "running")
    site.until_state(stubborn, "running")
    grandchild = grandchild_of(site, long, 1)
    with socket.create_connection(("127.0.0.1", site.port)) as tab:
        tab.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        seconds = site.stop()
    assert seconds < 15
    assert site.processes() == []
    assert is_gone(grandchild)
    assert not broker.socket_path(site.data).parent.exists()
    # Asked to stop, not failed: the attempt is not held against the job, and the next start goes on with it.
    assert [(site.row(job)["state"], site.row(job)["attempts"]) for job in (long, stubborn)] == [
        ("queued", 0)
    ] * 2

    site.start()
    row = site.until_state(long, "running")
    assert (row["attempts"], row["fence"]) == (1, 2)
    grandchild_of(site, long, 2)


def test_a_killed_worker_is_replaced_and_its_job_begins_again(site: Site) -> None:
    job = site.enqueue("family")
    site.until_state(job, "running")
    grandchild = grandchild_of(site, job, 1)
    child = site.until_state(job, "running")["pid"]
    os.kill(site.pids["worker"], signal.SIGKILL)
    row = site.until_state(job, "running", attempts=2, fence=2)
    # Nobody writes the old run folder any more when the new attempt has begun.
    assert is_gone(child)
    assert is_gone(grandchild)
    assert row["pid"] != child
    grandchild_of(site, job, 2)
    folders = site.data / "artifacts" / "jobs" / str(job)
    assert sorted(path.name for path in folders.iterdir()) == ["attempt-1", "attempt-2"]


def test_a_killed_broker_and_an_emptied_one_lose_no_job(site: Site) -> None:
    os.kill(site.pids["broker"], signal.SIGKILL)
    until(
        lambda: site.ask("pids")["pids"]["broker"] != site.pids["broker"], 60, "the broker is started again"
    )
    until(lambda: broker.answers(site.data), 60, "the broker answers")
    site.until_state(site.enqueue("write", 1), "succeeded")


def test_housekeeping_is_not_delayed_by_long_jobs(site: Site) -> None:
    busy = [site.enqueue("wait", number) for number in range(3)]
    for job in busy[:2]:
        site.until_state(job, "running")
    site.ask("schedule write")
    site.until_state(busy[-1] + 1, "queued")
    assert site.row(busy[2])["state"] == "queued"


def test_everything_dies_with_a_killed_supervisor(site: Site) -> None:
    job = site.enqueue("wait")
    site.until_state(job, "running")
    assert site.process is not None
    site.process.kill()
    until(lambda: site.processes() == [], 60, "all processes of the site are gone")
    site.start()
    assert site.until_state(job, "running", attempts=2)["fence"] == 2


def test_a_second_interrupt_kills(site: Site) -> None:
    site.until_state(site.enqueue("stubborn"), "running")
    assert site.process is not None
    site.interrupt()
    until(lambda: "Stopping" in (site.data / "stderr.txt").read_text(), 60, "the first Ctrl-C was heard")
    seconds = site.stop()
    assert seconds < 3
    until(lambda: site.processes() == [], 60, "all processes of the site are gone")


def test_supervised_processes_have_sessions_of_their_own(site: Site) -> None:
    assert set(site.pids) == {"broker", "worker", "housekeeper", "beat", "web"}
    assert {os.getsid(pid) for pid in site.pids.values()} == set(site.pids.values())
    redis = psutil.Process(site.pids["broker"])
    assert redis.net_connections(kind="inet") == []
