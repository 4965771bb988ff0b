"""Reads of judged programs: problems of a run, submissions of a problem, pass@k of several models side by side."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, Q, QuerySet

from labelplatform.accounts.models import Project
from labelplatform.evaluations import queries
from labelplatform.evaluations.code_curve import Measured, Plot, Series, draw
from labelplatform.evaluations.code_models import JudgedSubmission
from labelplatform.evaluations.models import EvaluationRun, MeasuredMetric
from labelplatform.jobs.models import Artifact

SUITE = "code-generation"
PREFIX = "pass@"
# As many lines as can be told apart.
MOST_MODELS = 8
PASSED, UNJUDGED, FORGED = Q(verdict="pass"), Q(verdict="unjudged"), ~Q(attempt="")
# What a list of problems may be narrowed to.
SHOWN: Mapping[str, Q] = {
    "all": Q(),
    "solved": Q(c__gt=0),
    "unsolved": Q(c=0),
    "unjudged": Q(unjudged__gt=0),
    "forged": Q(forged__gt=0),
}


def code_run_of(project: Project, pk: int) -> EvaluationRun | None:
    """An evaluation of programs in this project, or None."""
    return queries.evaluations_of(project).filter(pk=pk, suite=SUITE).first()


def problems_of(run: EvaluationRun) -> Any:
    """The problems of a run in order: name, number, how many submissions (n), and how many of them are what."""
    rows = JudgedSubmission.objects.filter(run=run).order_by("number").values("number", "problem")
    return rows.annotate(
        n=Count("id"),
        c=Count("id", filter=PASSED),
        unjudged=Count("id", filter=UNJUDGED),
        forged=Count("id", filter=FORGED),
    )


def narrowed(problems: Any, shown: str, text: str) -> Any:
    """Those problems that are asked for, whose name holds `text`."""
    found = problems.filter(SHOWN.get(shown, Q()))
    return found.filter(problem__icontains=text) if text else found


def verdict_counts(run: EvaluationRun) -> list[tuple[str, str, int]]:
    """(verdict, its words, how many) of the submissions of a run, in the order of verdicts."""
    rows = JudgedSubmission.objects.filter(run=run).order_by().values_list("verdict").annotate(Count("id"))
    counts = dict(rows)
    verdicts = JudgedSubmission.Verdict
    return [(one.value, str(one.label), counts[one.value]) for one in verdicts if counts.get(one.value)]


def attempts(runs: Iterable[EvaluationRun]) -> dict[int, dict[str, int]]:
    """How many submissions of each run did what looks like a forged pass, by kind."""
    rows = JudgedSubmission.objects.filter(FORGED, run__in=list(runs)).order_by("attempt")
    found: dict[int, dict[str, int]] = {}
    for run, kind, count in rows.values_list("run", "attempt").annotate(Count("id")):
        found.setdefault(run, {})[kind] = count
    return found


def submissions_of(run: EvaluationRun, number: int, verdict: str) -> QuerySet[JudgedSubmission]:
    """The submissions of one problem in order, of one verdict where one is asked for."""
    found = JudgedSubmission.objects.filter(run=run, number=number)
    return found.filter(verdict=verdict) if verdict in JudgedSubmission.Verdict.values else found


def neighbours(run: EvaluationRun, number: int) -> tuple[int | None, int | None]:
    """The numbers of the problems before and after one, where there are any."""
    others = JudgedSubmission.objects.filter(run=run)
    before = others.filter(number__lt=number).order_by("-number").values_list("number", flat=True).first()
    after = others.filter(number__gt=number).aggregate(Min("number"))["number__min"]
    return before, after


@dataclass(frozen=True)
class ModelRow:
    """One model on the page of pass@k: its run, its figures by k, what was not judged and what looks forged."""

    run: EvaluationRun
    colour: int
    cells: tuple[MeasuredMetric | None, ...]
    samples: int
    problems: int
    unjudged: int
    forged: tuple[tuple[str, int], ...]

    @property
    def forged_total(self) -> int:
        """All attempts together."""
        return sum(count for _, count in self.forged)


@dataclass(frozen=True)
class PassAtK:
    """Several models on the same problems."""

    ks: tuple[int, ...]
    rows: tuple[ModelRow, ...]
    plot: Plot | None
    left_out: int


def problem_sets_of(project: Project) -> QuerySet[Artifact]:
    """Problems that finished evaluations of programs asked, the last asked first."""
    runs = EvaluationRun.objects.filter(project=project, suite=SUITE, report__isnull=False)
    return Artifact.objects.filter(evaluations_with_it__in=runs).distinct().order_by("-pk")


def pass_at_k_of(project: Project, problems: Artifact) -> PassAtK:
    """The newest evaluation of each subject and variant on these problems."""
    runs: dict[tuple[int, str], EvaluationRun] = {}
    for run in queries.finished_evaluations_of(project).filter(suite=SUITE, data=problems):
        runs.setdefault((run.subject_id, run.variant), run)
    chosen = list(runs.values())[:MOST_MODELS]
    figures = {run.pk: _figures(run) for run in chosen}
    ks = tuple(sorted({k for found in figures.values() for k in found}))
    rows = _rows(project, chosen, figures, ks)
    plot = draw([_series(row, figures[row.run.pk]) for row in rows])
    return PassAtK(ks, rows, plot, len(runs) - len(chosen))


def _figures(run: EvaluationRun) -> dict[int, MeasuredMetric]:
    """pass@k over all problems, by k."""
    overall: Sequence[MeasuredMetric] = run.overall  # type: ignore[attr-defined]
    named = {one.name.removeprefix(PREFIX): one for one in overall if one.name.startswith(PREFIX)}
    return {int(k): one for k, one in named.items() if k.isdecimal()}


def _rows(
    project: Project,
    runs: Sequence[EvaluationRun],
    figures: Mapping[int, Mapping[int, MeasuredMetric]],
    ks: Sequence[int],
) -> tuple[ModelRow, ...]:
    colours, forged = queries.colours_of(project), attempts(runs)
    judged = JudgedSubmission.objects.filter(run__in=list(runs)).order_by().values("run")
    counts = {
        row["run"]: row
        for row in judged.annotate(
            samples=Count("id"),
            problems=Count("number", distinct=True),
            unjudged=Count("id", filter=UNJUDGED),
        )
    }
    nothing = {"samples": 0, "problems": 0, "unjudged": 0}
    found = []
    for place, run in enumerate(runs):
        count = counts.get(run.pk, nothing)
        cells = tuple(figures[run.pk].get(k) for k in ks)
        numbers = (count["samples"], count["problems"], count["unjudged"])
        colour = colours.get(run.subject.name, place % queries.COLOURS)
        found.append(ModelRow(run, colour, cells, *numbers, tuple(forged.get(run.pk, {}).items())))
    return tuple(found)


def _series(row: ModelRow, figures: Mapping[int, MeasuredMetric]) -> Series:
    points = tuple(
        Measured(k, one.value, one.low, one.high) for k, one in figures.items() if one.value is not None
    )
    return Series(row.run.subject.name, row.colour, points)
