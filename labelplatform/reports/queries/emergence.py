"""Emergence reports as their pages show them: the report's own verdicts, figures and tables, read from its folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from evaluator.errors import BadInput
from evaluator.figures import Figure, read_figures
from evaluator.plots.tables import shown
from evaluator.report_files import Metric, Report, Verdict, read_report
from labelplatform.evaluations.drawings import inline_svg
from labelplatform.jobs.models import Artifact
from labelplatform.ladders.models import EmergenceRun

# Files of the folder by their names, and of each figure by their endings; nothing else is ever opened.
FILES = {
    "points.csv": "text/csv; charset=utf-8",
    "report.json": "application/json",
    "report.md": "text/markdown; charset=utf-8",
    "report.html": "text/html; charset=utf-8",
}
FIGURE_FILES = {"csv": "text/csv; charset=utf-8", "svg": "image/svg+xml", "png": "image/png"}
NOT_ENOUGH = "not enough"


@dataclass(frozen=True)
class VerdictRow:
    """One plain answer: of which curve, what it is in the reader's language, the report's argument, its own figure."""

    curve: str
    words: str
    tone: str
    reason: str
    figure: str = ""


@dataclass(frozen=True)
class FigureView:
    """One figure: drawings for a desk and a phone, or why there is none; the table behind it, the files it has."""

    name: str
    title: str
    description: str
    missing: str
    wide: SafeString
    narrow: SafeString
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class EmergenceReport:
    """One report as its page shows it; `fault` says why its folder cannot be read."""

    run: EmergenceRun
    verdicts: tuple[VerdictRow, ...] = ()
    metrics: tuple[Metric, ...] = ()
    figures: tuple[FigureView, ...] = ()
    warnings: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    points: int | None = None
    fault: str = ""

    @property
    def not_enough(self) -> bool:
        """Whether the report has verdicts, and none that says more than that there is not enough data."""
        return bool(self.verdicts) and all(row.tone == "warn" for row in self.verdicts)

    @property
    def summary(self) -> tuple[tuple[str, int], ...]:
        """Each verdict's words with how often it was given, in the order of first appearance."""
        counts: dict[str, int] = {}
        for row in self.verdicts:
            counts[row.words] = counts.get(row.words, 0) + 1
        return tuple(counts.items())


def emergence_report(run: EmergenceRun, chosen: str | None = "") -> EmergenceReport:
    """What the folder of a run's report says now.

    A curve has a figure of its own, titled by it: those are shown one at a time, by their name as `chosen`. "" is the
    figures of all curves; None none, where only a line of the report is wanted.
    """
    if run.report is None:
        return EmergenceReport(run)
    folder = run.report.path
    try:
        report = read_report(folder, samples=False)
        figures = read_figures(folder)
    except BadInput as error:
        return EmergenceReport(run, fault=str(error))
    curves = {verdict.group for verdict in report.verdicts}
    single = {figure.title: figure.name for figure in figures if figure.title in curves}
    wanted = [
        figure for figure in figures if figure.name == chosen or (chosen == "" and figure.title not in single)
    ]
    return EmergenceReport(
        run=run,
        verdicts=tuple(verdict_row(verdict, single) for verdict in report.verdicts),
        metrics=tuple(report.metrics),
        figures=tuple(_figure(folder, figure) for figure in wanted),
        warnings=_warnings(report),
        files=tuple(name for name in FILES if (folder / name).is_file()),
        points=report.items.measured,
    )


def verdict_row(verdict: Verdict, figures: Mapping[str, str]) -> VerdictRow:
    """The verdict in the reader's language; its argument stays in the report's own words.

    `figures` are the names of figures by their title.
    """
    said = verdict.verdict
    if said.startswith(NOT_ENOUGH):
        words, tone = _("not enough sizes"), "warn"
    elif said.startswith("breakpoint"):
        where = said.removeprefix("breakpoint").removeprefix(" at ")
        words, tone = _("breakpoint at %(where)s") % {"where": where}, "good"
    else:
        known = {
            "gradual": _("gradual"),
            "sharp only in the metric": _("sharp only in the metric"),
            "no trend": _("no trend"),
        }
        words, tone = known.get(said, said), ""
    return VerdictRow(
        verdict.group or verdict.name, words, tone, verdict.reason, figures.get(verdict.group or "", "")
    )


def file_of(report: Artifact, filename: str) -> tuple[Path, str] | None:
    """The path and content type of a file that the report offers by this name; None for any other name."""
    name, _dot, ending = filename.rpartition(".")
    if filename in FILES:
        path, content_type = report.path / filename, FILES[filename]
    elif ending in FIGURE_FILES and name in _figure_names(report):
        path, content_type = report.path / "figures" / filename, FIGURE_FILES[ending]
    else:
        return None
    return (path, content_type) if path.is_file() else None


def _figure_names(report: Artifact) -> Sequence[str]:
    try:
        return [figure.name for figure in read_figures(report.path)]
    except BadInput:
        return []


def _figure(folder: Path, figure: Figure) -> FigureView:
    drawings = [folder / "figures" / f"{figure.name}{ending}.svg" for ending in ("", "-narrow")]
    drawn = figure.plot is not None and all(file.is_file() for file in drawings)
    wide, narrow = (inline_svg(file) if drawn else SafeString("") for file in drawings)
    files = [(ending, f"{figure.name}.{ending}") for ending in FIGURE_FILES]
    return FigureView(
        name=figure.name,
        title=figure.title,
        description=figure.description,
        missing=figure.missing or "",
        wide=wide,
        narrow=narrow,
        columns=figure.table.columns,
        rows=tuple(tuple(shown(cell) for cell in row) for row in figure.table.rows),
        files=tuple((ending, name) for ending, name in files if (folder / "figures" / name).is_file()),
    )


def _warnings(report: Report) -> tuple[str, ...]:
    told = report.extra.get("warnings")
    return tuple(str(one) for one in told) if isinstance(told, list) else ()
