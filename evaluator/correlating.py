"""Automatic metrics against human judgement (`correlate`): everyone sees when a metric says nothing.

One line a response: `{"item","system","human":x,"metrics":{name: x}}`. Each metric is a group of the report; its
figures are Pearson's, Spearman's and Kendall's τ-b correlation over all responses (pooled_…), between the systems'
means (system_…) and within items, averaged (item_…).
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluator.errors import BadInput
from evaluator.json_lines import kind_of
from evaluator.progress import Progress
from evaluator.prompts import Line, placed_lines, text
from evaluator.report_files import Items, Metric, Report, Verdict, data_file, environment
from evaluator.specs import CorrelateSpec
from evaluator.statistics.correlation import MEASURES, Scored, between_systems, pooled, within_items

LEVELS = {"pooled": pooled, "system": between_systems, "item": within_items}


@dataclass(frozen=True)
class Judged:
    """One response: its item, its system, what people said of it and what metrics did."""

    item: str
    system: str
    human: float
    metrics: dict[str, float]


def correlate(spec: CorrelateSpec, progress: Progress) -> Report:
    """The report on `spec.scores`. Refuses lines of another shape and a file in which no metric has a number."""
    started = time.monotonic()
    judged = read_judged(spec.scores)
    names = sorted({name for one in judged for name in one.metrics})
    if not names:
        raise BadInput(f"{spec.scores}: found no number under any metric, wanted at least one metric")
    metrics: list[Metric] = []
    for done, name in enumerate(names, start=1):
        metrics += _metrics_of(name, judged, spec)
        progress.step(done, len(names))
    measured = sum(bool(one.metrics) for one in judged)
    return Report(
        suite="correlate",
        variant="pearson, spearman, kendall-b: pooled, between systems, within items",
        subject=str(spec.scores),
        seed=spec.seed,
        metrics=metrics,
        items=Items(len(judged), measured, 0, len(judged) - measured),
        verdicts=_verdicts(metrics),
        data=[data_file(spec.scores)],
        spec=spec.record(),
        environment=environment(started),
    )


def read_judged(path: Path) -> list[Judged]:
    """The lines of a file. Refuses an empty one. A system may answer an item several times."""
    found = [_judged(line, where) for where, line in placed_lines(path)]
    if not found:
        raise BadInput(f"{path}: found no line, wanted at least one with item, system, human and metrics")
    return found


def _judged(line: Line, where: str) -> Judged:
    metrics = line.get("metrics")
    if not isinstance(metrics, dict):
        found = kind_of(metrics) if "metrics" in line else "none"
        raise BadInput(f"{where}: metrics: found {found}, wanted an object of numbers")
    numbers = {
        name: _number(value, f"{where}: metrics: {name}")
        for name, value in metrics.items()
        if value is not None
    }
    if "human" not in line:
        raise BadInput(f"{where}: found no 'human', wanted a number")
    return Judged(
        text(line, "item", where),
        text(line, "system", where),
        _number(line["human"], f"{where}: human"),
        numbers,
    )


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadInput(f"{where}: found {kind_of(value)}, wanted a number")
    return float(value)


def _metrics_of(name: str, judged: list[Judged], spec: CorrelateSpec) -> list[Metric]:
    rows = [one for one in judged if name in one.metrics]
    scored = Scored(
        [one.item for one in rows],
        [one.system for one in rows],
        np.array([one.human for one in rows]),
        np.array([one.metrics[name] for one in rows]),
    )
    found = []
    for level, reckon in LEVELS.items():
        for measure in MEASURES:
            one = reckon(scored, measure, seed=spec.seed, resamples=spec.resamples)
            bounds = (one.value, one.low, one.high, one.n)
            found.append(Metric(f"{level}_{measure}", *bounds, name, one.reason, one.method, "neither"))
    return found


def _verdicts(metrics: list[Metric]) -> list[Verdict]:
    """For each metric, whether its pooled rank correlation with people is told from none."""
    found = []
    for metric in metrics:
        if metric.name != "pooled_spearman":
            continue
        if metric.value is None or metric.low is None or metric.high is None:
            verdict, reason = "not defined", metric.reason or "no interval"
        else:
            told = metric.low > 0 or metric.high < 0
            verdict = "says something" if told else "says nothing"
            reason = f"Spearman {metric.value:.3f}, 95 % interval {metric.low:.3f} to {metric.high:.3f}"
        found.append(Verdict(metric.name, verdict, reason, metric.group))
    return found
