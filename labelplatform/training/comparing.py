"""Runs of one kind side by side: a plot for each metric with all their curves, what was told otherwise, figures.

Every run goes by a letter, which stands at the end of its curve and over its column.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project
from labelplatform.jobs.curves import DASHES, Panel, PanelPlan, draw_panels
from labelplatform.jobs.queries import metrics_of
from labelplatform.training import command_lines, queries
from labelplatform.training.curve_plans import plans_for
from labelplatform.training.models import TrainingRun
from labelplatform.training.samples import Sample, read_samples
from labelplatform.training.spec_words import label_of
from trainer.spec_fields import REQUIRED

if TYPE_CHECKING:
    from evaluator.statistics.intervals import Interval

FEWEST, MOST = 2, len(DASHES)
LETTERS = "ABCDEFGH"
# Figures that say how large or long a run was come after those that say how good it is.
OF_SIZE = frozenset(
    {
        "heldout_pairs",
        "heldout_rankings",
        "parameters",
        "trainable_parameters",
        "tokens",
        "steps",
        "cpu_seconds",
        "pairs",
        "rankings",
        "vocabulary",
    }
)


@dataclass(frozen=True)
class Column:
    """One of the runs that are compared."""

    letter: str
    run: TrainingRun
    dashes: str


@dataclass(frozen=True)
class Cell:
    """One entry of a table; `letter` is that of its run. `default` where nothing was said and the default holds."""

    letter: str
    name: str
    text: str
    default: bool = False


@dataclass(frozen=True)
class Row:
    """One setting or input of all the runs."""

    label: str
    cells: tuple[Cell, ...]

    @property
    def differs(self) -> bool:
        return len({cell.text for cell in self.cells}) > 1


@dataclass(frozen=True)
class FigureCell:
    """A final figure of one run with its interval; without one `reason` says why."""

    letter: str
    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    n: int | None = None


@dataclass(frozen=True)
class FigureRow:
    """One final figure of all the runs."""

    label: str
    cells: tuple[FigureCell, ...]


@dataclass(frozen=True)
class Comparison:
    """All that the page shows."""

    kind: str
    columns: tuple[Column, ...]
    panels: tuple[Panel, ...]
    differences: tuple[Row, ...]
    same: tuple[Row, ...]
    figures: tuple[FigureRow, ...]


def runs_to_compare(project: Project, numbers: Iterable[int]) -> list[TrainingRun] | None:
    """The runs with these numbers in the order they were made; None where the project has not all of them."""
    wanted = set(numbers)
    found = queries.runs_of(project).filter(pk__in=wanted).prefetch_related("job__inputs").order_by("pk")
    runs = list(found)
    return runs if len(runs) == len(wanted) else None


def refusal(runs: Sequence[TrainingRun]) -> str:
    """Why these runs cannot be compared, or nothing."""
    if len(runs) < FEWEST:
        return _("Choose two runs or more.") if runs else ""
    if len({run.kind for run in runs}) > 1:
        return _("Only runs of one kind can be compared: they are measured by different figures.")
    if len(runs) > MOST:
        return _("Choose %(most)s runs at most: more curves in one plot cannot be told apart.") % {
            "most": MOST
        }
    return ""


def compare(runs: Sequence[TrainingRun]) -> Comparison:
    """Runs of one kind side by side."""
    columns = tuple(
        Column(letter, run, dashes) for letter, run, dashes in zip(LETTERS, runs, DASHES, strict=False)
    )
    rows = (*_inputs(columns), *_settings(columns))
    return Comparison(
        kind=runs[0].get_kind_display(),
        columns=columns,
        panels=panels(runs[0].kind, {column.letter: metrics_of(column.run.job) for column in columns}),
        differences=tuple(row for row in rows if row.differs),
        same=tuple(row for row in rows if not row.differs),
        figures=_figures(columns),
    )


def panels(kind: str, lines: Mapping[str, Sequence[Mapping[str, Any]]]) -> tuple[Panel, ...]:
    """One panel a metric with a curve of each run; `lines` are the progress lines by letter.

    A curve keeps its pattern in every panel, also where another run did not measure that metric."""
    letters = tuple((letter, letter) for letter in lines)
    found: list[Panel] = []
    for plan in plans_for(kind):
        for metric, label in plan.metrics:
            title = (
                plan.title
                if len(plan.metrics) == 1
                else _("%(plot)s: %(part)s") % {"plot": plan.title, "part": label}
            )
            one = PanelPlan(title, letters, plan.caption, plan.zero, plan.reference)
            told = [
                {"step": line.get("step"), letter: line.get(metric)}
                for letter, own in lines.items()
                for line in own
            ]
            found += draw_panels(told, [one])
    return tuple(found)


def _settings(columns: Sequence[Column]) -> list[Row]:
    """Every setting that one of the runs was told, in the order of the spec."""
    kind = columns[0].run.kind
    verb = command_lines.VERBS.get(kind)
    defaults = {name: entry.default for name, entry in verb.settings().items()} if verb else {}
    told = {column.letter: column.run.job.spec.get("settings", {}) for column in columns}
    named = {name for settings in told.values() for name in settings}
    names = [*(name for name in defaults if name in named), *sorted(named - set(defaults))]
    return [
        Row(
            str(label_of(kind, name)),
            tuple(
                _setting(column, told[column.letter], name, defaults.get(name, REQUIRED))
                for column in columns
            ),
        )
        for name in names
    ]


def _setting(column: Column, told: Mapping[str, Any], name: str, default: Any) -> Cell:
    if name in told:
        return Cell(column.letter, column.run.name, _said(told[name]))
    shown = "–" if default is REQUIRED or default in (None, ()) else _said(default)
    return Cell(column.letter, column.run.name, shown, default=True)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list | tuple):
        return ", ".join(_said(one) for one in value)
    return f"{value:.12g}" if isinstance(value, int | float) else str(value)


def _inputs(columns: Sequence[Column]) -> list[Row]:
    """Every input by its role; the same name for another content is told by its digest."""
    given = {column.letter: queries.inputs_of(column.run) for column in columns}
    roles = dict.fromkeys(link.role for links in given.values() for link in links)
    return [
        Row(
            role,
            tuple(
                Cell(
                    column.letter,
                    column.run.name,
                    ", ".join(
                        f"{link.artifact.name} ({link.artifact.digest[:6]})"
                        for link in given[column.letter]
                        if link.role == role
                    )
                    or "–",
                )
                for column in columns
            ),
        )
        for role in roles
    ]


def _figures(columns: Sequence[Column]) -> tuple[FigureRow, ...]:
    """The final figures: those with intervals first, sizes last."""
    made = {column.letter: {one.name: one for one in queries.final_metrics(column.run)} for column in columns}
    drawn = {column.letter: read_samples(column.run.job.run_folder / "out") for column in columns}
    rows = _sampled(columns, drawn)
    taken = {"score_before", "score_after"} if rows else set()
    names = dict.fromkeys(name for metrics in made.values() for name in metrics if name not in taken)
    bounded = {name for metrics in made.values() for name, one in metrics.items() if one.low is not None}
    for name in sorted(names, key=lambda name: (name in OF_SIZE, name not in bounded)):
        cells = tuple(_cell(column, made[column.letter].get(name)) for column in columns)
        rows.append(FigureRow(queries.metric_name(name), cells))
    return tuple(rows)


def _cell(column: Column, found: queries.FinalMetric | None) -> FigureCell:
    if found is None:
        return FigureCell(column.letter, column.run.name, None, reason=_("not measured by this run"))
    reason = _("one figure of one run: no interval") if found.low is None else ""
    return FigureCell(column.letter, column.run.name, found.value, found.low, found.high, reason, found.n)


def _sampled(columns: Sequence[Column], drawn: Mapping[str, Sequence[Sample]]) -> list[FigureRow]:
    """Mean scores before and after and the gain, each with the interval that drawing prompts again gives."""
    if not any(drawn.values()):
        return []
    wanted: tuple[tuple[str, Callable[[Sample], float]], ...] = (
        (_("score before"), lambda sample: sample.score_before),
        (_("score after"), lambda sample: sample.score_after),
        (_("gain in score, prompt by prompt"), lambda sample: sample.gain),
    )
    return [
        FigureRow(
            label,
            tuple(
                _interval(column, [read(sample) for sample in drawn[column.letter]], number)
                for column in columns
            ),
        )
        for number, (label, read) in enumerate(wanted)
    ]


def _interval(column: Column, values: Sequence[float], number: int) -> FigureCell:
    # here: NumPy is loaded by whoever compares, not by every process of the site
    from evaluator.statistics.intervals import bootstrap_mean, generator

    if not values:
        return FigureCell(column.letter, column.run.name, None, reason=_("not measured by this run"))
    found: Interval = bootstrap_mean(values, rng=generator(0, "compare runs", str(number)))
    return FigureCell(
        column.letter, column.run.name, found.value, found.low, found.high, found.reason or "", found.n
    )
