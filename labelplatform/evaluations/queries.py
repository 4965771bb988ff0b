"""Reads of evaluations: what was measured, with every figure as the row that holds it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project
from labelplatform.evaluations.models import (
    Better,
    ComparisonRun,
    EvaluationRun,
    LeaderboardRun,
    MeasuredMetric,
    PolicyColour,
)
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.whiskers import Scale, Whisker, shared_scale, whisker

COLOURS = 8
CLOSED_BOOK = "hallucination-open-domain"
# What abstaining from every question would earn: the bar a policy must clear before its gain means anything.
ALWAYS_ABSTAIN: Mapping[str, float] = {"grade": 0.5, "right": 0.0, "abstained": 1.0, "wrong": 0.0}
SHARES = frozenset({"grade", "right", "abstained", "wrong", "pair_accuracy"})
# The figure that a list shows of an evaluation, and the table that stands open: the first that it has.
HEADLINES = (
    "grade",
    "pair_accuracy",
    "mc2",
    "true_and_informative",
    "binary",
    "hallucinated",
    "factscore",
    "pass@1",
    "exact_match",
)
CHANCE = "chance_"
JOB_KINDS = ("evaluate", "compare", "leaderboard")


def evaluations_of(project: Project) -> QuerySet[EvaluationRun]:
    """The evaluations of a project, newest first, each with its figures over all items."""
    overall = Prefetch("metrics", MeasuredMetric.objects.filter(group=""), to_attr="overall")
    runs = EvaluationRun.objects.filter(project=project).select_related("job", "subject", "data", "report")
    return runs.prefetch_related(overall)


def finished_evaluations_of(project: Project) -> QuerySet[EvaluationRun]:
    return evaluations_of(project).filter(report__isnull=False)


def comparisons_of(project: Project) -> QuerySet[ComparisonRun]:
    return ComparisonRun.objects.filter(project=project).select_related(
        "job", "report", "baseline__subject", "candidate__subject"
    )


def leaderboards_of(project: Project) -> QuerySet[LeaderboardRun]:
    return LeaderboardRun.objects.filter(project=project).select_related("job", "report", "snapshot")


def subjects_of(project: Project) -> QuerySet[Artifact]:
    """What can be evaluated, newest first."""
    kinds = (
        Artifact.Kind.POLICY,
        Artifact.Kind.BASE_MODEL,
        Artifact.Kind.RESPONSES,
        Artifact.Kind.REWARD_MODEL,
    )
    return Artifact.objects.filter(project=project, kind__in=kinds).order_by("-pk")


def job_of(project: Project, pk: int) -> Job | None:
    """A job of this room; jobs of other rooms have pages of their own."""
    return Job.objects.filter(project=project, pk=pk, kind__in=JOB_KINDS).first()


def colours_of(project: Project) -> dict[str, int]:
    """The colour of each policy's name that has one: its number in order of appearance, modulo the palette."""
    pairs = PolicyColour.objects.filter(project=project).values_list("name", "number")
    return {name: number % COLOURS for name, number in pairs}


def headline(run: EvaluationRun) -> MeasuredMetric | None:
    """The one figure of an evaluation that a list shows."""
    overall: Sequence[MeasuredMetric] = run.overall  # type: ignore[attr-defined]
    by_name = {metric.name: metric for metric in overall}
    first = next((by_name[name] for name in HEADLINES if name in by_name), None)
    return first or (overall[0] if overall else None)


@dataclass(frozen=True)
class EvaluationRow:
    """One line of the list of evaluations."""

    run: EvaluationRun
    headline: MeasuredMetric | None

    @property
    def headline_name(self) -> str:
        return metric_name(self.headline.name) if self.headline else ""


def evaluation_rows(project: Project, most: int) -> list[EvaluationRow]:
    return [EvaluationRow(run, headline(run)) for run in evaluations_of(project)[:most]]


@dataclass(frozen=True)
class MetricRow:
    """One stored metric in one group, drawn."""

    metric: MeasuredMetric
    group: str
    whisker: Whisker | None


@dataclass(frozen=True)
class MetricTable:
    """One metric over all items and over each slice, on one scale."""

    name: str
    title: str
    better: str
    scale: Scale | None
    rows: tuple[MetricRow, ...]


def figures_of(run: EvaluationRun) -> list[MeasuredMetric]:
    """All figures of one evaluation by metric, those that say most first."""
    return sorted(run.metrics.all(), key=lambda metric: (_place(metric.name), metric.name, metric.pk))


def overall_table(suite: str, figures: Iterable[MeasuredMetric]) -> MetricTable | None:
    """Every figure over all items, a row each; what is a share is drawn, from 0 to 1. None without such figures."""
    whole = [metric for metric in figures if not metric.group]
    if not whole:
        return None
    drawn = [metric for metric in whole if _is_share(metric)]
    scale = shared_scale([0.0, 1.0]) if drawn else None
    rows = tuple(
        MetricRow(
            metric,
            metric_name(metric.name),
            _drawn(scale if metric in drawn else None, metric, _marks(suite, metric.name)),
        )
        for metric in whole
    )
    return MetricTable("", _("all items"), "", scale, rows)


def slice_tables(suite: str, figures: Iterable[MeasuredMetric]) -> tuple[MetricTable, ...]:
    """Each metric over each slice, on one scale."""
    sliced = [metric for metric in figures if metric.group]
    grouped = groupby(sliced, key=lambda metric: metric.name)
    return tuple(_metric_table(suite, name, list(metrics)) for name, metrics in grouped)


def _is_share(metric: MeasuredMetric) -> bool:
    ends = [end for end in (metric.value, metric.low, metric.high) if end is not None]
    return bool(ends) and all(0 <= end <= 1 for end in ends)


def _marks(suite: str, name: str) -> list[tuple[float, str]]:
    """What always abstaining would give, where that is a bar."""
    known = suite == CLOSED_BOOK and name in ALWAYS_ABSTAIN
    return [(ALWAYS_ABSTAIN[name], _("always abstain"))] if known else []


def _metric_table(suite: str, name: str, metrics: Sequence[MeasuredMetric]) -> MetricTable:
    scale = scale_for(name, metrics)
    marks = _marks(suite, name)
    rows = tuple(
        MetricRow(metric, group_name(metric.group), _drawn(scale, metric, marks)) for metric in metrics
    )
    return MetricTable(name, metric_name(name), str(Better(metrics[0].better).label), scale, rows)


def items_to_look_at(report: Artifact | None) -> list[dict[str, Any]]:
    """The items that collecting kept beside a report, with what came of each in words."""
    found = report.detail.get("worst_items", []) if report else []
    return [_in_words(item) for item in found]


def _in_words(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item, and each side of it where two are compared, with its outcome in the reader's language."""
    told: dict[str, Any] = dict(item)
    told.update({side: _in_words(item[side]) for side in ("baseline", "candidate") if side in item})
    if "outcome" in told:
        told["outcome"] = metric_name(told["outcome"])
    return told


def scale_for(name: str, metrics: Iterable[Any]) -> Scale | None:
    """Shares are drawn from 0 to 1 wherever they stand, so that plots can be compared; others on their own range."""
    ends = [end for metric in metrics for end in (metric.value, metric.low, metric.high)]
    return shared_scale(ends, include=(0.0, 1.0) if name in SHARES else ())


def _drawn(scale: Scale | None, metric: MeasuredMetric, marks: list[tuple[float, str]]) -> Whisker | None:
    if scale is None:
        return None
    return whisker(scale, metric.value, metric.low, metric.high, marks=marks)


def _place(name: str) -> int:
    order = (*HEADLINES, "right", "abstained", "wrong")
    # What chance alone would reach stands last, whatever it is the chance of.
    return order.index(name) if name in order else len(order) + name.startswith(CHANCE)


def metric_name(name: str) -> str:
    """A metric in words."""
    if name.startswith(CHANCE):
        return _("%(metric)s by chance") % {"metric": metric_name(name.removeprefix(CHANCE))}
    names = {
        "grade": _("grade"),
        "right": _("right"),
        "abstained": _("abstained"),
        "wrong": _("wrong"),
        "pair_accuracy": _("pair accuracy"),
        "score": _("score"),
        "hallucinated": _("hallucinated"),
        "support": _("support"),
        "invented_sentences": _("invented sentences"),
        "inconsistency": _("inconsistency"),
        "true": _("true"),
        "informative": _("informative"),
        "true_and_informative": _("true and informative"),
        "rating": _("rating"),
        "exact_match": _("exact match"),
        "edit_similarity": _("edit similarity"),
        "log_probability": _("log-probability"),
    }
    return names.get(name, name.replace("_", " "))


def group_name(group: str) -> str:
    """A group in words: `tier=often` is read as "tier: often"."""
    return group.replace("=", ": ", 1) if group else _("all items")
