"""Figures about confidence: drawn from what the report holds, left out where it holds none."""

from pathlib import Path

from evaluator.figures import Curves
from evaluator.plots.default_figures import default_figures
from evaluator.plots.folder import draw_report
from evaluator.report_files import Items, Metric, Report, write_report

CURVE = [{"coverage": 0.25, "risk": 0.0}, {"coverage": 0.5, "risk": 0.5}, {"coverage": 1.0, "risk": 0.4}]
BINS = [{"confidence": 0.15, "share": 0.4, "n": 5}, {"confidence": 0.9, "share": 0.7, "n": 10}]


def report(**extra: object) -> Report:
    metrics = [Metric("right", 0.6, 0.5, 0.7, 15), Metric("right", 0.5, 0.4, 0.6, 9, "type=x")]
    return Report("truthfulness", "abstention", "s", 0, metrics, Items(15, 15, 0, 0), extra=extra)


def test_confidence_is_drawn_between_the_shares_and_the_slices() -> None:
    figures = default_figures(report(risk_coverage=CURVE, calibration=BINS, confidence="stated"))
    assert [one.name for one in figures] == ["shares", "risk-coverage", "calibration", "groups-right"]
    assert "stated" in figures[1].description


def test_the_curve_is_the_reports_and_its_end_is_what_keeping_all_gives() -> None:
    (figure,) = default_figures(report(risk_coverage=CURVE))[1:2]
    assert figure.table.columns == ("coverage", "risk")
    assert figure.table.rows == ((0.25, 0.0), (0.5, 0.5), (1.0, 0.4))
    assert isinstance(figure.plot, Curves)
    assert (figure.plot.series[0].x, figure.plot.series[0].y) == ((0.25, 0.5, 1.0), (0.0, 0.5, 0.4))
    assert [(one.value, one.label) for one in figure.plot.references] == [(0.4, "all kept")]
    assert not figure.plot.series[0].points


def test_each_bin_is_a_point_beside_the_line_of_what_was_said() -> None:
    figure = default_figures(report(calibration=BINS))[1]
    assert figure.table.rows == ((0.15, 0.4, 5), (0.9, 0.7, 10))
    assert isinstance(figure.plot, Curves)
    bins, line = figure.plot.series
    assert (bins.x, bins.y, bins.line) == ((0.15, 0.9), (0.4, 0.7), False)
    assert (line.x, line.y, line.dashed) == ((0.0, 1.0), (0.0, 1.0), True)


def test_a_report_without_confidence_draws_none_of_it() -> None:
    nothing: list[dict[str, object]] = [
        {},
        {"confidence": "stated"},
        {"risk_coverage": [], "calibration": []},
    ]
    for extra in nothing:
        assert [one.name for one in default_figures(report(**extra))] == ["shares", "groups-right"]


def test_the_folder_holds_their_drawings(tmp_path: Path) -> None:
    write_report(tmp_path, report(risk_coverage=CURVE[-1:], calibration=BINS))
    draw_report(tmp_path)
    for name in ("risk-coverage", "calibration"):
        assert (tmp_path / "figures" / f"{name}.svg").is_file()
        assert (tmp_path / "figures" / f"{name}-narrow.svg").is_file()
