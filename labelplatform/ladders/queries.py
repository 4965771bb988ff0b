"""Reads of ladders: which there are, and how far each step of one is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from labelplatform.accounts.models import Project
from labelplatform.jobs.models import Job
from labelplatform.ladders.models import EmergenceRun, Ladder, Rung

BROKEN = (Job.State.FAILED, Job.State.CANCELLED)


@dataclass(frozen=True)
class RungRow:
    """One rung as a line of its ladder's page."""

    rung: Rung
    parameters: int | None
    heldout_loss: float | None

    @property
    def jobs(self) -> list[Job]:
        """The jobs of this rung that are promised by now."""
        evaluation = [self.rung.evaluation] if self.rung.evaluation else []
        return [self.rung.training.job, *evaluation]


@dataclass(frozen=True)
class LadderState:
    """A ladder with all its steps; the report is its last."""

    ladder: Ladder
    rows: tuple[RungRow, ...]
    emergence: EmergenceRun | None

    @property
    def steps(self) -> int:
        """Two for each rung, and the report."""
        return 2 * len(self.rows) + 1

    @property
    def done(self) -> int:
        """Steps whose jobs have succeeded."""
        return sum(job.state == Job.State.SUCCEEDED for job in self._jobs())

    @property
    def broken(self) -> list[Job]:
        """Jobs that failed or were cancelled and are not promised again."""
        return [job for job in self._jobs() if job.state in BROKEN]

    @property
    def may_go_on(self) -> bool:
        """Whether there is a step that only a person's word begins again."""
        return bool(self.broken or self.ladder.failure)

    @property
    def moving(self) -> bool:
        """Whether a step is running or waits for a worker."""
        return any(not job.is_finished for job in self._jobs())

    def _jobs(self) -> Iterable[Job]:
        for row in self.rows:
            yield from row.jobs
        if self.emergence is not None:
            yield self.emergence.job


def ladders_of(project: Project) -> QuerySet[Ladder]:
    """The ladders of a project, newest first."""
    return Ladder.objects.filter(project=project).select_related("text", "taught", "asked", "requested_by")


def ladder_states(project: Project, most: int) -> list[LadderState]:
    """The newest ladders with all their steps, in a fixed number of statements."""
    ladders = list(ladders_of(project)[:most])
    rungs = Rung.objects.filter(ladder__in=ladders).select_related(
        "training__job", "training__output", "evaluation__evaluation_run"
    )
    drawn = EmergenceRun.objects.filter(ladder__in=ladders).select_related("job", "report")
    return [_state(ladder, rungs, drawn) for ladder in ladders]


def ladder_state(project: Project, pk: int) -> LadderState | None:
    """One ladder of this project with all its steps."""
    ladder = ladders_of(project).filter(pk=pk).first()
    if ladder is None:
        return None
    rungs = ladder.rungs.select_related("training__job", "training__output", "evaluation__evaluation_run")
    return _state(ladder, rungs, ladder.emergence_runs.select_related("job", "report"))


def _state(ladder: Ladder, rungs: Iterable[Rung], drawn: Iterable[EmergenceRun]) -> LadderState:
    rows = tuple(_row(rung) for rung in rungs if rung.ladder_id == ladder.pk)
    # Newest first: a report that was begun again stands for the ladder.
    newest = next((run for run in drawn if run.ladder_id == ladder.pk), None)
    return LadderState(ladder, rows, newest)


def _row(rung: Rung) -> RungRow:
    output = rung.training.output
    metrics: dict[str, Any] = output.detail.get("metrics", {}) if output is not None else {}
    parameters, loss = metrics.get("parameters"), metrics.get("heldout_loss")
    return RungRow(
        rung,
        parameters if isinstance(parameters, int) else None,
        float(loss) if isinstance(loss, int | float) else None,
    )


def emergence_runs_of(project: Project) -> QuerySet[EmergenceRun]:
    """The emergence reports of a project, newest first, those being made too."""
    return EmergenceRun.objects.filter(project=project).select_related("job", "report", "ladder")


def settings_in_words(ladder: Ladder) -> Sequence[tuple[str, Any]]:
    """What every rung was told beside its size and its seed."""
    return sorted(ladder.settings.items())
