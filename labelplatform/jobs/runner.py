"""The body of a job: claim, write the spec, start the command, watch it, register the outcome."""

import json
import signal
import subprocess
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection

from labelplatform.jobs import claims, continuing, kinds, logs, processes
from labelplatform.jobs.claims import Claim
from labelplatform.jobs.models import Job
from trainer.progress import read_progress

TICK_SECONDS = 0.25


class Stop:
    """Set by a worker that is asked to end: its job goes back to the queue instead of being waited for."""

    asked = False


class End(Enum):
    """How the watch over a child ended."""

    EXITED = "exited"
    CANCEL = "cancel"
    STOP = "stop"
    LOST = "lost"


def run(job_id: int) -> None:
    """Runs the job if it is ours to run. Any message for it may come twice, late, or without need."""
    claim = claims.claim(job_id, processes.this_worker())
    if claim is None:
        return
    try:
        _attempt(Job.objects.select_related("project").get(pk=job_id), claim)
    except Exception as error:
        # The one broad except of the product: whatever goes wrong, the row says so, and the worker's log too.
        claims.fail(claim, failure=logs.redact(f"{type(error).__name__}: {error}"))
        raise


def _attempt(job: Job, claim: Claim) -> None:
    kind = kinds.get(job.kind)
    run_folder = job.run_folder
    run_folder.mkdir(parents=True)
    (run_folder / "spec.json").write_text(
        json.dumps(job.spec, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8"
    )
    if kind.resumes:
        continuing.take_over(job)
    command = kind.command(job, run_folder)
    child = processes.spawn(
        command,
        folder=settings.BASE_DIR,
        log=run_folder / "log.txt",
        environment=processes.child_environment(command, str(run_folder)),
    )
    watch = _Watch(claim, child, run_folder)
    try:
        _settle(job, claim, watch, watch.until_end(command), kind)
    finally:
        # Also when this process is told to exit: a child that nobody watches must not go on.
        if child.poll() is None:
            processes.end_child(child, 0.0)


def _settle(job: Job, claim: Claim, watch: "_Watch", end: End, kind: kinds.JobKind) -> None:
    if end is not End.EXITED:
        processes.end_child(watch.child, settings.JOB_GRACE_SECONDS)
        watch.tell()
        if end is End.CANCEL:
            claims.cancelled(claim)
        elif end is End.STOP:
            claims.give_back(claim)
        return
    code = int(watch.child.returncode)
    processes.sweep_group(watch.child.pid)
    watch.tell()
    if code in kind.success_exit_codes:
        run_folder = job.run_folder
        claims.succeed(claim, exit_code=code, collect=lambda: kinds.collect(job, run_folder))
    elif code < 0 or code in kind.stopped_exit_codes:
        name = signal.Signals(-code).name if code < 0 else "a request"
        if claims.lose(claim.job_id, claim.fence, failure=f"The command was ended by {name} from outside."):
            claims.settle(claim.job_id, claim.fence)
    else:
        claims.fail(claim, failure=_last_line(watch.log_tail, code), exit_code=code)


def _last_line(log_tail: str, code: int) -> str:
    lines = [line for line in log_tail.splitlines() if line.strip()]
    return f"{lines[-1].strip()} (exit code {code})" if lines else f"The command ended with exit code {code}."


@dataclass
class _Watch:
    """Over one child: heartbeat, progress and log to the row; cancel, stop and a lost claim to the child."""

    claim: Claim
    child: subprocess.Popen[bytes]
    run_folder: Path
    offset: int = 0
    log_tail: str = ""

    def __post_init__(self) -> None:
        self.progress: dict[str, Any] = {}
        self.beaten_at = time.monotonic()

    def until_end(self, command: list[str]) -> End:
        started = processes.start_time(self.child.pid) or time.time()
        if not claims.begin(self.claim, pid=self.child.pid, pid_started=started, argv=command):
            return End.LOST
        beat_at = 0.0
        while True:
            try:
                self.child.wait(timeout=TICK_SECONDS)
            except subprocess.TimeoutExpired:
                pass
            else:
                return End.EXITED
            if Stop.asked:
                return End.STOP
            if time.monotonic() >= beat_at:
                end = self._beat()
                if end is not None:
                    return end
                beat_at = time.monotonic() + settings.JOB_HEARTBEAT_SECONDS

    def _beat(self) -> End | None:
        """Why the child must end now, or None."""
        try:
            asked = self.tell()
        except OperationalError:
            # A database that is away for less than our lease costs nothing. After that the row may be another's.
            connection.close()
            return End.LOST if time.monotonic() - self.beaten_at > settings.JOB_LEASE_SECONDS else None
        self.beaten_at = time.monotonic()
        if asked is None:
            return End.LOST
        return End.CANCEL if asked else None

    def tell(self) -> bool | None:
        """Copies progress and log to the row. Whether a cancel is asked for; None when the claim is lost."""
        self._read_progress()
        self.log_tail = logs.tail(self.run_folder / "log.txt")
        return claims.beat(self.claim, progress=self.progress, log_tail=self.log_tail)

    def _read_progress(self) -> None:
        try:
            lines, self.offset = read_progress(self.run_folder / "out" / "progress.jsonl", self.offset)
        except (ValueError, NotADirectoryError):
            # Not our format: the command's own business. The job has no bar then, but it runs. Or a command that goes
            # on has cut off lines of steps that it takes again, and we look into the middle of one: read all anew.
            self.offset = 0
            return
        if lines:
            self.progress = dict(lines[-1])
