"""The plain verdict on each curve, with the figures it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluator.report_files import Verdict
from evaluator.scale_points import MetricCurve
from evaluator.statistics.emergence import Curve, Shaped
from evaluator.statistics.intervals import Interval
from evaluator.statistics.scale_permutation import ScaleTest
from evaluator.statistics.scaling_fits import SUPPORT

GRADUAL, ONLY_IN_THE_METRIC = "gradual", "sharp only in the metric"
NOT_ENOUGH, NO_TREND = "not enough sizes", "no trend"
SIZES = ((1e12, " T"), (1e9, " B"), (1e6, " M"), (1e3, " k"))
NAMED_UNITS = {"parameters": "", "flops": " FLOPs"}


@dataclass(frozen=True)
class Judged:
    """One curve with all that is known of it. `curve` is `told` as statistics see it; `partner` is filled in last."""

    told: MetricCurve
    curve: Curve
    shaped: Shaped
    test: ScaleTest
    linearity: Interval
    breakthroughness: Interval


def verdicts(judged: Sequence[Judged], unit: str, level: float) -> list[Verdict]:
    """One verdict a curve, in the order given.

    A break of a sharp metric is one of the metric only where a smooth metric of the same outputs is gradual.
    """
    plain = {one.told.name: _alone(one, level) for one in judged}
    smooth: dict[tuple[str, str], list[Judged]] = {}
    for one in judged:
        if one.told.kind == "smooth":
            smooth.setdefault(one.told.outputs, []).append(one)
    return [_verdict(one, plain, smooth.get(one.told.outputs, []), unit, level) for one in judged]


def at_scale(found: Interval, unit: str) -> str:
    """A scale with its bounds in one unit: 2.8 B [1.4, 6.9], 1200 steps [900, 1500], 2.8e21 FLOPs [1.4e21, 6.9e21]."""
    value, low, high = found.value, found.low, found.high
    if value is None:
        return f"no scale: {found.reason}"
    if unit == "flops":
        told, bounds = _power(value), [_power(one) for one in (low, high) if one is not None]
        word = " FLOPs"
    else:
        size, word = (1.0, "") if unit == "steps" else _size(value)
        told, bounds = _digits(value / size), [_digits(one / size) for one in (low, high) if one is not None]
        word += NAMED_UNITS.get(unit, f" {unit}")
    return f"{told}{word} [{', '.join(bounds)}]" if bounds else f"{told}{word}"


def _size(value: float) -> tuple[float, str]:
    return next(((size, word) for size, word in SIZES if value >= size), (1.0, ""))


def _digits(value: float) -> str:
    """Two significant digits, whole numbers in full: 0.43, 2.8, 31, 128."""
    return f"{value:.0f}" if value >= 99.5 else f"{value:.2g}"


def _power(value: float) -> str:
    digits, _, power = f"{value:.1e}".partition("e")
    return f"{digits}e{int(power)}"


def _alone(one: Judged, level: float) -> str:
    """What the curve says by itself: not enough sizes, no trend, gradual, or sharp."""
    if one.shaped.shape == "not-enough-sizes":
        return NOT_ENOUGH
    if one.test.adjusted is None or one.test.adjusted > level:
        return NO_TREND
    return GRADUAL if one.shaped.shape == "gradual" else "sharp"


def _verdict(
    one: Judged, plain: Mapping[str, str], smooth: Sequence[Judged], unit: str, level: float
) -> Verdict:
    alone = plain[one.told.name]
    partners = [other for other in smooth if other.told.name != one.told.name]
    gradual = [other for other in partners if plain[other.told.name] == GRADUAL]
    extra: dict[str, object] = {
        "kind": one.told.kind,
        "p_value": one.test.p_value,
        "p_adjusted": one.test.adjusted,
    }
    if alone == NOT_ENOUGH:
        return _said(one, NOT_ENOUGH, one.shaped.at.reason or "", extra)
    if alone == NO_TREND:
        return _said(one, NO_TREND, _no_trend(one, level), extra)
    if alone == GRADUAL:
        return _said(one, GRADUAL, f"{_trend(one)}; {one.shaped.at.reason}", extra)
    told = f"{_trend(one)}; {_bend(one)}"
    extra["breakpoint"] = {"value": one.shaped.at.value, "low": one.shaped.at.low, "high": one.shaped.at.high}
    if one.told.kind == "sharp" and gradual:
        extra["beside"] = gradual[0].told.name
        why = (
            f"{gradual[0].told.name}, a smooth metric of the same outputs, is gradual ({_trend(gradual[0])})"
        )
        return _said(one, ONLY_IN_THE_METRIC, f"{told}, at {at_scale(one.shaped.at, unit)}; but {why}", extra)
    beside = _beside(one, partners, plain)
    return _said(one, f"breakpoint at {at_scale(one.shaped.at, unit)}", f"{told}; {beside}", extra)


def _said(one: Judged, verdict: str, reason: str, extra: dict[str, object]) -> Verdict:
    return Verdict("verdict", verdict, reason, one.told.name, {"value": verdict, **extra})


def _no_trend(one: Judged, level: float) -> str:
    if one.test.adjusted is None:
        return one.test.reason or "not tested"
    return f"{_trend(one)}: above {level:g}, so chance is not excluded"


def _trend(one: Judged) -> str:
    p = one.test.adjusted
    if p is None:
        return "not tested"
    rises = (one.linearity.value or 0.0) > 0
    better = "better" if rises == (one.told.points[0].direction == "higher") else "worse"
    return f"{one.curve.sizes} sizes, {better} with scale, p = {p:.3g} over all curves"


def _bend(one: Judged) -> str:
    shaped = one.shaped
    assert shaped.sharp is not None
    assert shaped.gradual is not None
    return (
        f"{shaped.sharp.model} fits better than {shaped.gradual.model} (AICc lower by {shaped.advantage:.3g}, "
        f"wanted {SUPPORT:g})"
    )


def _beside(one: Judged, partners: Sequence[Judged], plain: Mapping[str, str]) -> str:
    if one.told.kind == "smooth":
        return "the metric is smooth: what breaks is not the metric"
    if not partners:
        return "no smooth metric of the same outputs is here, so a break of the metric only is not excluded"
    return "; ".join(f"{other.told.name}, smooth: {plain[other.told.name]}" for other in partners)
