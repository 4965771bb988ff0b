"""`evaluator emergence`: metrics over model scale, what shape their points support, and a plain verdict on each."""

import time
from collections.abc import Iterator, Sequence

from evaluator.emergence_figures import emergence_figures
from evaluator.emergence_verdicts import Judged, verdicts
from evaluator.errors import BadInput
from evaluator.progress import Progress
from evaluator.report_files import Items, Metric, Report, Verdict, data_file, environment
from evaluator.scale_points import UNITS, MetricCurve, ScalePoint, curves, read_points
from evaluator.scale_reports import points_of_reports, report_folders
from evaluator.specs import EmergenceSpec
from evaluator.statistics.emergence import breakthroughness, linearity, shaped
from evaluator.statistics.scale_permutation import permutation_tests
from evaluator.statistics.scaling_fits import Fit, akaike_weights

VARIANT = (
    "least squares in log10 of the scale, AICc; permuted scales, step-down of the smallest p over all curves"
)


def emergence(spec: EmergenceSpec, progress: Progress) -> Report:
    """The report of all curves: figures and one verdict of each, its `group` TASK/METRIC/FAMILY.

    Samples are the points. Refuses bad points, and one value of one metric twice at one scale.
    """
    started = time.monotonic()
    points, unit, data = _points(spec)
    every = curves(points)
    judged = _judged(every, spec, progress)
    found = verdicts(judged, unit, spec.level)
    return Report(
        suite="emergence",
        variant=VARIANT,
        subject=str(spec.points) if spec.points is not None else ", ".join(map(str, spec.reports)),
        seed=spec.seed,
        metrics=[metric for one in judged for metric in _metrics(one)],
        items=Items(len(points), len(points), 0, 0),
        verdicts=found,
        data=data,
        spec=spec.record(),
        samples=[_sample(one, curve.name) for curve in every for one in curve.points],
        extra={
            "unit": unit,
            "level": spec.level,
            "permutations": spec.permutations,
            "curves": [_curve(one, told) for one, told in zip(judged, found, strict=True)],
        },
        environment=environment(started),
        figures=emergence_figures(judged, found, unit),
    )


def _points(spec: EmergenceSpec) -> tuple[list[ScalePoint], str, list[dict[str, object]]]:
    """(all points, the unit of their scale, the files they come from)."""
    found: list[ScalePoint] = []
    data: list[dict[str, object]] = []
    unit = spec.scale or "parameters"
    if spec.points is not None:
        found, unit = read_points(spec.points, spec.scale)
        data.append(data_file(spec.points))
    if spec.reports:
        if unit not in UNITS and spec.scales is None:
            raise BadInput(f"--scale {unit}: found no --scales that tells it of each subject, wanted one")
        folders = report_folders(spec.reports)
        found = found + points_of_reports(folders, unit, spec.scales)
        data += [data_file(folder / "report.json") for folder in folders]
        if spec.scales is not None:
            data.append(data_file(spec.scales))
    return found, unit, data


def _judged(every: Sequence[MetricCurve], spec: EmergenceSpec, progress: Progress) -> list[Judged]:
    seen = [one.curve for one in every]
    steps = len(seen) + 1
    tests = permutation_tests(seen, seed=spec.seed, permutations=spec.permutations)
    progress.step(1, steps)
    found = []
    for place, (told, curve, test) in enumerate(zip(every, seen, tests, strict=True)):
        shape = shaped(curve, seed=spec.seed, resamples=spec.resamples)
        drawn = {"seed": spec.seed, "resamples": spec.resamples}
        figures = linearity(curve, **drawn), breakthroughness(curve, **drawn)
        found.append(Judged(told, curve, shape, test, *figures))
        progress.step(place + 2, steps)
    return found


def _metrics(one: Judged) -> Iterator[Metric]:
    group, n = one.told.name, len(one.curve.scales)
    for name, found in (("linearity", one.linearity), ("breakthroughness", one.breakthroughness)):
        drawn = found.method if found.low is not None else None
        yield Metric(name, found.value, found.low, found.high, n, group, found.reason, drawn, "neither")
    at = one.shaped.at
    method = at.method if at.low is not None else None
    yield Metric("breakpoint", at.value, at.low, at.high, n, group, at.reason, method, "neither")
    test = one.test
    extra = {"uncorrected": test.p_value, "correction": "westfall-young"}
    yield Metric("p_value", test.adjusted, None, None, n, group, test.reason, better="neither", extra=extra)
    for fit in one.shaped.fits:
        name = f"aicc_{fit.model.replace('-', '_')}"
        yield Metric(name, fit.aicc, None, None, n, group, fit.reason, better="lower", extra={"k": fit.k})


def _sample(point: ScalePoint, curve: str) -> dict[str, object]:
    low, high = point.bounds
    return {
        "id": f"{curve}/{point.model}@{point.scale!r}",
        "slices": {"task": point.task, "metric": point.metric, "family": point.family, "kind": point.kind},
        "scores": {"value": point.value},
        "scale": point.scale,
        "low": low,
        "high": high,
        "n": point.n,
        "chance": point.chance,
        "model": point.model,
        "direction": point.direction,
        "from": point.where,
    }


def _curve(one: Judged, told: Verdict) -> dict[str, object]:
    """All of one curve, for programs and pages: the verdict, and every fit with its parameters."""
    first = one.told.points[0]
    names = {"task": first.task, "metric": first.metric, "family": first.family, "kind": first.kind}
    names["direction"] = first.direction
    weights = akaike_weights(list(one.shaped.fits))
    known = [fit.aicc for fit in one.shaped.fits if fit.aicc is not None]
    return {
        "group": one.told.name,
        **names,
        "sizes": one.curve.sizes,
        "chance": first.chance,
        "verdict": told.verdict,
        "advantage": one.shaped.advantage,
        "fits": [
            _fit(fit, weight, min(known, default=None))
            for fit, weight in zip(one.shaped.fits, weights, strict=True)
        ],
    }


def _fit(fit: Fit, weight: float | None, best: float | None) -> dict[str, object]:
    delta = None if fit.aicc is None or best is None else fit.aicc - best
    figures = {"k": fit.k, "rss": fit.rss, "aicc": fit.aicc, "delta": delta, "weight": weight}
    reason = {} if fit.reason is None else {"reason": fit.reason}
    return {"model": fit.model, **figures, "sharp": fit.sharp, "parameters": dict(fit.parameters), **reason}
