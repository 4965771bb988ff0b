"""Walks the demo's chains of steps: each yields the jobs it waits for, and goes on when they have succeeded.

A chain is an ordinary generator over the other apps' services. Every service finds what is there already, so a
chain that is begun again runs through its finished steps in moments and goes on where the last one stopped.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from labelplatform.jobs.models import Job
from labelplatform.jobs.queries import title_of

POLL_SECONDS = 0.5
BROKEN = {Job.State.FAILED, Job.State.CANCELLED}
Result = TypeVar("Result")
ChainOf = Generator[Sequence[Job], None, Result]
Chain = ChainOf[None]


class StepFailedError(Exception):
    """A job of the loop failed or was cancelled; the sentence says which and why."""


@dataclass
class Walker:
    """One chain and the jobs it waits for now."""

    name: str
    chain: Chain
    awaited: list[int] = field(default_factory=list)
    finished: bool = False

    def advance(self) -> None:
        """Take every step whose jobs are done."""
        while not self.finished and self._may_go_on():
            try:
                self.awaited = [job.pk for job in next(self.chain)]
            except StopIteration:
                self.finished = True

    def _may_go_on(self) -> bool:
        states = dict(Job.objects.filter(pk__in=self.awaited).values_list("pk", "state"))
        broken = [pk for pk, state in states.items() if state in BROKEN]
        if broken:
            job = Job.objects.get(pk=broken[0])
            why = job.failure or job.get_state_display()
            raise StepFailedError(f"{self.name}: {title_of(job)} (job {job.pk}) did not succeed: {why}")
        return all(state == Job.State.SUCCEEDED for state in states.values())


class Bars:
    """A bar for every running job; where there is no terminal, one line when a job ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description:<34}"), BarColumn(), TextColumn("{task.fields[told]}"))
        self._progress = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
        self._tasks: dict[int, TaskID] = {}

    def __enter__(self) -> "Bars":
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self) -> None:
        """Bring the bars to what the rows say."""
        running = {
            job.pk: job for job in Job.objects.filter(state=Job.State.RUNNING).select_related("project")
        }
        for pk, job in running.items():
            if pk not in self._tasks:
                self._tasks[pk] = self._progress.add_task(
                    f"{job.project.name} · {title_of(job)}", total=None, told=""
                )
            step, steps = job.progress.get("step"), job.progress.get("steps")
            told = f"{step}/{steps}" if steps else ""
            self._progress.update(self._tasks[pk], completed=step or 0, total=steps, told=told)
        for pk in set(self._tasks) - set(running):
            self._progress.remove_task(self._tasks.pop(pk))
            self._tell(Job.objects.select_related("project").get(pk=pk))

    def _tell(self, job: Job) -> None:
        seconds = ""
        if job.started_at and job.finished_at:
            seconds = f" ({(job.finished_at - job.started_at).total_seconds():.0f} s)"
        self._console.print(f"{job.project.name} · {title_of(job)}: {job.get_state_display()}{seconds}")


def walk(walkers: Sequence[Walker], *, bars: Bars, check: Callable[[], None], stop: Event) -> None:
    """Until every chain has ended (or `stop` is set): advance, show, look whether the platform still stands."""
    while not stop.is_set():
        for walker in walkers:
            walker.advance()
        bars.show()
        if all(walker.finished for walker in walkers):
            return
        check()
        stop.wait(POLL_SECONDS)
