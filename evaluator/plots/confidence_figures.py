"""Figures about confidence, where a report has them: what is wrong among answers kept, and what confidence is worth."""

from collections.abc import Mapping, Sequence
from typing import Any

from evaluator.figures import Curves, Figure, Reference, Series, Table
from evaluator.report_files import Report


def confidence_figures(report: Report) -> list[Figure]:
    """The risk-coverage curve and the reliability diagram of a report; none where it holds no confidence."""
    curve: Any = report.extra.get("risk_coverage")
    bins: Any = report.extra.get("calibration")
    said = str(report.extra.get("confidence", ""))
    found = []
    if isinstance(curve, list) and curve:
        found.append(_risk_coverage(curve, said))
    if isinstance(bins, list) and bins:
        found.append(_calibration(bins, said))
    return found


def _risk_coverage(points: Sequence[Mapping[str, float]], said: str) -> Figure:
    """Share wrong of the answers that the most confident share of items leaves; the mean is what keeping all gives."""
    coverage, risk = (tuple(float(one[name]) for one in points) for name in ("coverage", "risk"))
    table = Table(("coverage", "risk"), tuple(zip(coverage, risk, strict=True)))
    told = f"What is wrong among the answers that are kept, the most confident first. Confidence: {said}."
    drawn = Curves(
        (Series("risk", coverage, risk, points=len(points) < 2),),
        "share of answers kept",
        "share wrong",
        references=(Reference(risk[-1], "all kept"),),
    )
    return Figure("risk-coverage", "Risk and coverage", told, table, drawn)


def _calibration(bins: Sequence[Mapping[str, float]], said: str) -> Figure:
    """Share right in each bin against its mean confidence; on the dashed line confidence means what it says."""
    stated, share = (tuple(float(one[name]) for one in bins) for name in ("confidence", "share"))
    rows = tuple((float(one["confidence"]), float(one["share"]), int(one["n"])) for one in bins)
    told = f"How often answers of each confidence are right; on the dashed line as often as said. Confidence: {said}."
    drawn = Curves(
        (
            Series("answers", stated, share, line=False),
            Series("as stated", (0.0, 1.0), (0.0, 1.0), colour=1, dashed=True, points=False),
        ),
        "confidence",
        "share right",
    )
    return Figure("calibration", "Calibration", told, Table(("confidence", "share", "n"), rows), drawn)
