"""The emergence report: verdicts in words, points from files and from reports, figures, the command."""

from __future__ import annotations

import csv
import json
import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluator.cli import main
from evaluator.emergence import emergence
from evaluator.emergence_verdicts import at_scale
from evaluator.errors import BadInput
from evaluator.figures import Curves, Figure, Whiskers
from evaluator.plots.tables import csv_text
from evaluator.progress import Progress
from evaluator.report_files import Metric, Report, Verdict, read_report, write_report
from evaluator.scale_points import kind_by_name, read_points
from evaluator.specs import EmergenceSpec
from evaluator.statistics.intervals import Interval, wilson
from tests.evaluator.lines import Line
from tests.evaluator.lines import write_report as folder_report

SCALES = tuple(float(10**x) for x in np.linspace(7, 11, 9))
X = np.log10(SCALES)
HINGE = 0.3 * np.maximum(X - 9.2, 0)
LINE = 0.1 * (X - 6)


def noise(seed: int, size: float = 0.004) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, size, len(X))


def rows(values: Iterable[float], **more: Any) -> list[Line]:
    base = {"task": "ipa", "metric": "exact_match", "family": "own", "kind": "sharp"}
    return [
        {**base, "model": f"m{at}", "scale": scale, "value": value, **more}
        for at, (scale, value) in enumerate(zip(SCALES, values, strict=False))
    ]


SHARP = rows(HINGE + noise(1))
GRADUAL = rows(100 * (LINE + noise(2)), metric="bleu", kind="smooth")
ALSO_SHARP = rows(HINGE + noise(3), metric="f1", kind="smooth")


def write_csv(path: Path, lines: Sequence[Line]) -> Path:
    columns = list(dict.fromkeys(key for line in lines for key in line))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(lines)
    return path


def report(tmp_path: Path, lines: Sequence[Line], **more: Any) -> Report:
    path = write_csv(tmp_path / "points.csv", lines)
    spec = EmergenceSpec(tmp_path / "o", path, **{"permutations": 1000, "resamples": 200, **more})
    with Progress(tmp_path / "o") as progress:
        return emergence(spec, progress)


def told(found: Report) -> dict[str, Verdict]:
    assert len({one.group for one in found.verdicts}) == len(found.verdicts)
    return {one.group or "": one for one in found.verdicts}


def metric(found: Report, name: str, group: str) -> Metric:
    return next(one for one in found.metrics if one.name == name and one.group == group)


def test_sharp_beside_gradual_is_sharp_only_in_the_metric(tmp_path: Path) -> None:
    found = told(report(tmp_path, [*SHARP, *GRADUAL]))
    assert {name: one.verdict for name, one in found.items()} == {
        "ipa/exact_match/own": "sharp only in the metric",
        "ipa/bleu/own": "gradual",
    }
    why = found["ipa/exact_match/own"].reason
    assert "flat-then-linear fits better than" in why
    assert "ipa/bleu/own, a smooth metric of the same outputs, is gradual" in why
    assert found["ipa/exact_match/own"].extra["beside"] == "ipa/bleu/own"


def test_sharp_beside_sharp_is_a_breakpoint(tmp_path: Path) -> None:
    found = told(report(tmp_path, [*SHARP, *ALSO_SHARP]))
    for name, why in (
        ("ipa/exact_match/own", "ipa/f1/own, smooth: sharp"),
        ("ipa/f1/own", "what breaks is not the metric"),
    ):
        verdict = found[name]
        assert verdict.verdict.startswith("breakpoint at 1.")
        assert " B [" in verdict.verdict
        assert why in verdict.reason
        at = verdict.extra["breakpoint"]
        assert isinstance(at, dict)
        assert 1e9 < at["low"] <= at["value"] <= at["high"] < 3e9


def test_a_smooth_metric_of_other_outputs_says_nothing(tmp_path: Path) -> None:
    for other in ({"task": "other"}, {"family": "other"}):
        found = told(report(tmp_path, [*SHARP, *({**line, **other} for line in GRADUAL)]))
        assert found["ipa/exact_match/own"].verdict.startswith("breakpoint at ")
        assert "no smooth metric of the same outputs is here" in found["ipa/exact_match/own"].reason


def test_a_second_sharp_metric_is_no_smooth_one(tmp_path: Path) -> None:
    found = told(report(tmp_path, [*SHARP, *({**line, "kind": "sharp"} for line in GRADUAL)]))
    assert found["ipa/exact_match/own"].verdict.startswith("breakpoint at ")
    assert found["ipa/bleu/own"].verdict == "gradual"


def test_few_sizes_and_no_trend_are_said(tmp_path: Path) -> None:
    wild = rows([0.5, 0.1, 0.6, 0.2, 0.5, 0.1, 0.6, 0.2, 0.4], metric="wild")
    flat = rows([0.25] * 9, metric="flat")
    few = rows([0.1, 0.2, 0.9], metric="few")
    found = told(report(tmp_path, [*wild, *flat, *few]))
    assert {name: one.verdict for name, one in found.items()} == {
        "ipa/wild/own": "no trend",
        "ipa/flat/own": "no trend",
        "ipa/few/own": "not enough sizes",
    }
    assert (
        found["ipa/few/own"].reason == "not enough sizes: 3, wanted 6 to tell a break from a gradual change"
    )
    assert found["ipa/flat/own"].reason == "all values are equal"
    assert "chance is not excluded" in found["ipa/wild/own"].reason


def test_the_level_decides_what_is_a_trend(tmp_path: Path) -> None:
    lines = rows(LINE + noise(2, 0.08))
    p = metric(report(tmp_path, lines), "p_value", "ipa/exact_match/own").value
    assert isinstance(p, float)
    assert 0.001 < p < 0.9
    assert told(report(tmp_path, lines, level=p * 1.01))["ipa/exact_match/own"].verdict == "gradual"
    assert told(report(tmp_path, lines, level=p * 0.99))["ipa/exact_match/own"].verdict == "no trend"


def test_p_is_corrected_over_all_curves(tmp_path: Path) -> None:
    alone = report(tmp_path, rows(LINE + noise(2, 0.08)))
    others = [line for at in range(5) for line in rows(noise(at + 10), family=f"f{at}")]
    for at, line in enumerate(others):
        line["scale"] *= 1 + (at // 9) / 7
    among = report(tmp_path, [*rows(LINE + noise(2, 0.08)), *others])
    first, second = (metric(one, "p_value", "ipa/exact_match/own") for one in (alone, among))
    assert first.value == first.extra["uncorrected"] == second.extra["uncorrected"]
    assert (second.value or 0) > 2 * (first.value or 1)


def test_figures_of_each_curve(tmp_path: Path) -> None:
    found = report(tmp_path, [*SHARP, *rows([0.0, 0, 0, 0, 0, 0, 0, 0, 1], metric="jump")])
    assert metric(found, "linearity", "ipa/jump/own").value == pytest.approx(8**-0.5)
    undefined = metric(found, "breakthroughness", "ipa/jump/own")
    assert undefined.value is None
    assert "their median is 0" in (undefined.reason or "")
    at = metric(found, "breakpoint", "ipa/exact_match/own")
    assert at.value is not None
    assert at.interval == "parametric bootstrap of residuals"
    assert (at.low or 0) <= at.value <= (at.high or 0)
    assert {one.name for one in found.metrics if one.group == "ipa/jump/own"} == {
        "linearity",
        "breakthroughness",
        "breakpoint",
        "p_value",
        "aicc_flat",
        "aicc_linear",
        "aicc_power",
        "aicc_logistic",
        "aicc_piecewise",
        "aicc_flat_then_linear",
    }
    (curve, _) = found.extra["curves"]  # type: ignore[misc]
    assert curve["verdict"] == told(found)["ipa/exact_match/own"].verdict
    deltas = {one["model"]: one["delta"] for one in curve["fits"]}
    assert min(deltas.values()) == 0
    assert sum(one["weight"] for one in curve["fits"]) == pytest.approx(1)


def test_the_order_of_lines_changes_nothing(tmp_path: Path) -> None:
    first, second = (report(tmp_path, lines) for lines in (SHARP, SHARP[::-1]))
    assert first.metrics == second.metrics
    assert first.verdicts == second.verdicts


def test_points_are_samples_with_their_intervals(tmp_path: Path) -> None:
    found = report(tmp_path, rows([0.5] * 3, n=40) + rows([1, 2, 3], metric="bleu", kind="smooth", n=40))
    first, smooth = found.samples[0], found.samples[3]
    assert (first["id"], first["scores"]) == ("ipa/exact_match/own/m0@10000000.0", {"value": 0.5})
    assert (first["low"], first["high"]) == pytest.approx(wilson(20, 40))
    assert (smooth["low"], smooth["high"]) == (None, None)
    assert found.items.record() == {"asked": 6, "measured": 6, "abstained": 0, "not_measured": 0}
    write_report(tmp_path / "written", found)
    assert read_report(tmp_path / "written").metrics == found.metrics


def test_intervals_that_are_given_stand(tmp_path: Path) -> None:
    (point, *_), _ = read_points(write_csv(tmp_path / "p.csv", rows([0.5], n=40, low=0.4, high=0.7)))
    assert point.bounds == (0.4, 0.7)


@pytest.mark.parametrize(
    ("value", "low", "high", "unit", "words"),
    [
        (2.8e9, 1.4e9, 6.9e9, "parameters", "2.8 B [1.4, 6.9]"),
        (1.28e11, 4.5e10, 1.5e12, "parameters", "128 B [45, 1500]"),
        (7e7, 4.31e6, 9e7, "parameters", "70 M [4.3, 90]"),
        (3e12, None, None, "tokens", "3 T tokens"),
        (1200.0, 900.0, 1500.0, "steps", "1200 steps [900, 1500]"),
        (2.8e21, 1.4e21, 6.9e21, "flops", "2.8e21 FLOPs [1.4e21, 6.9e21]"),
        (12.0, 3.0, 40.0, "layers", "12 layers [3, 40]"),
        (5000.0, 400.0, 9000.0, "parameters", "5 k [0.4, 9]"),
    ],
)
def test_a_scale_is_said_in_its_unit(
    value: float, low: float | None, high: float | None, unit: str, words: str
) -> None:
    assert at_scale(Interval(value, low, high, 9, "m"), unit) == words


def test_the_scale_may_be_any_column(tmp_path: Path) -> None:
    lines = [{**line, "tokens": 20 * line["scale"], "layers": at + 1.0} for at, line in enumerate(SHARP)]
    words = {None: " B [", "tokens": " B tokens [", "layers": " layers [", "flops": "e9 FLOPs ["}
    for name, word in words.items():
        verdict = told(report(tmp_path, lines, scale=name))["ipa/exact_match/own"].verdict
        assert verdict.startswith("breakpoint at ") or name == "layers"
        assert word in verdict or name == "layers"
    path = write_csv(tmp_path / "p.csv", lines)
    assert [one.scale for one in read_points(path, "layers")[0]] == list(range(1, 10))
    with pytest.raises(BadInput, match=r"p\.csv:1: --scale width: found the columns .* wanted a column"):
        read_points(path, "width")


def test_kinds_follow_from_names_where_they_are_not_given(tmp_path: Path) -> None:
    names = {
        "exact_match": "sharp",
        "pass@10": "sharp",
        "Accuracy": "sharp",
        "bleu": "smooth",
        "brier": "smooth",
    }
    assert {name: kind_by_name(name) for name in names} == names
    lines = [{key: value for key, value in line.items() if key != "kind"} for line in (SHARP[0], GRADUAL[0])]
    points, _ = read_points(write_csv(tmp_path / "p.csv", lines))
    assert [one.kind for one in points] == ["sharp", "smooth"]


def figure(found: Report, name: str) -> Figure:
    return next(one for one in found.figures if one.name == name)


def test_each_curve_is_drawn_with_fits_chance_and_break(tmp_path: Path) -> None:
    lines = rows(0.25 + HINGE + noise(1), chance=0.25, family="ladder", n=500)
    found = report(tmp_path, lines)
    drawn = figure(found, "curve-1-ipa-exact-match-ladder")
    assert isinstance(drawn.plot, Curves)
    assert drawn.plot.x_log
    assert [one.value for one in drawn.plot.references] == [0.25]
    (band,) = drawn.plot.bands
    at = metric(found, "breakpoint", "ipa/exact_match/ladder")
    assert (band.low, band.high) == (at.low, at.high)
    measured, *fits = drawn.plot.series
    assert (measured.x, measured.line) == (SCALES, False)
    assert measured.low == tuple(one["low"] for one in found.samples)
    assert [one.label.split()[0] for one in fits] == [
        "linear",
        "power",
        "logistic",
        "piecewise",
        "flat-then-linear",
    ]
    assert drawn.table.columns[5:] == ("linear", "power", "logistic", "piecewise", "flat-then-linear")
    assert told(found)["ipa/exact_match/ladder"].verdict in drawn.description


def test_sharp_stands_beside_smooth(tmp_path: Path) -> None:
    found = report(tmp_path, [*SHARP, *GRADUAL, *rows(LINE, task="alone")])
    pair = figure(found, "beside-1-ipa-own")
    assert isinstance(pair.plot, Curves)
    assert [(one.label, one.dashed) for one in pair.plot.series] == [("exact_match", False), ("bleu", True)]
    for one in pair.plot.series:
        assert (min(one.y), max(one.y)) == (0, 1)
    assert "sharp only in the metric" in pair.description
    assert [one.name for one in found.figures if one.name.startswith("beside-")] == ["beside-1-ipa-own"]


def test_every_fit_stands_in_the_table_of_support(tmp_path: Path) -> None:
    found = report(tmp_path, [*SHARP, *GRADUAL])
    support = figure(found, "fits")
    assert len(support.table.rows) == 12
    assert isinstance(support.plot, Whiskers)
    assert [row.label for row in support.plot.rows] == ["ipa/exact_match/own", "ipa/bleu/own"]
    assert support.plot.rows[0].value > 2 > support.plot.rows[1].value
    few = figure(report(tmp_path, rows([0.1, 0.2, 0.9])), "fits")
    assert few.plot is None
    assert few.missing.startswith("not enough sizes: 3")


def test_the_table_of_points_is_input_again(tmp_path: Path) -> None:
    found = report(tmp_path, [*rows([0.1, 0.5, 0.4], n=40, chance=0.25), *GRADUAL])
    path = tmp_path / "again.csv"
    path.write_text(csv_text(figure(found, "points").table), "utf-8", newline="")
    with Progress(tmp_path / "o") as progress:
        again = emergence(EmergenceSpec(tmp_path / "o", path, permutations=1000, resamples=200), progress)
    assert again.metrics == found.metrics
    assert again.verdicts == found.verdicts


def test_the_command_writes_draws_and_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_csv(tmp_path / "points.csv", [*SHARP, *GRADUAL])
    out = tmp_path / "out"
    words = ["--permutations", "1000", "--resamples", "200", "--progress", "none", "--out", str(out)]
    assert main(["emergence", str(path), *words]) == 0
    said = capsys.readouterr().out
    assert said == "ipa/exact_match/own: sharp only in the metric\nipa/bleu/own: gradual\n"
    written = {one.name for one in (out / "figures").iterdir()}
    for name in ("points", "fits", "beside-1-ipa-own", "curve-1-ipa-exact-match-own", "curve-2-ipa-bleu-own"):
        assert {f"{name}.svg", f"{name}-narrow.svg", f"{name}.png", f"{name}.csv"} <= written
    assert "sharp only in the metric" in (out / "report.html").read_text("utf-8")
    assert "gradual" in (out / "report.md").read_text("utf-8")
    same = report(tmp_path, [*SHARP, *GRADUAL])
    assert read_report(out).metrics == same.metrics


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "found neither POINTS.csv nor --reports"),
        (["none.csv"], "none.csv: No such file"),
        (["none.csv", "--scales", "s.csv"], "--scales: found no --reports"),
        (["none.csv", "--level", "0"], "--level: found 0.0"),
        (["none.csv", "--permutations", "9"], "--permutations: found 9; wanted 1000 or more"),
        (["none.csv", "--resamples", "9"], "--resamples: found 9; wanted 100 or more"),
        (["none.csv", "--seed", "-1"], "--seed: found -1"),
        (["--reports", "none"], "--reports none: found no report.json"),
    ],
)
def test_bad_input_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], complaint: str
) -> None:
    assert main(["emergence", *words, "--out", str(tmp_path / "o")]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1
    assert not (tmp_path / "o").exists()


def evaluated(tmp_path: Path, name: str, accuracy: float, **more: Any) -> Path:
    scores = [{"id": f"q{at}", "scores": {"solved_it": at % 2, "f1": at / 2}} for at in range(3)]
    metrics = [
        {
            "name": "solved_it",
            "value": accuracy,
            "low": 0.0,
            "high": 1.0,
            "n": 3,
            "better": "higher",
            "chance": 0.25,
        },
        {"name": "f1", "value": accuracy / 2, "low": None, "high": None, "n": 3, "better": "higher"},
        {"name": "f1", "value": 0.9, "low": None, "high": None, "n": 1, "group": "tier=head"},
        {"name": "length", "value": 9.0, "low": None, "high": None, "n": 3, "better": "neither"},
        {"name": "kl", "value": None, "low": None, "high": None, "n": 0, "reason": "none", "better": "lower"},
    ]
    return folder_report(tmp_path / "reports" / name, scores, metrics=metrics, **more)


def of_reports(tmp_path: Path, folders: Sequence[Path], **more: Any) -> Report:
    spec = EmergenceSpec(tmp_path / "o", reports=tuple(folders), permutations=1000, resamples=100, **more)
    with Progress(tmp_path / "o") as progress:
        return emergence(spec, progress)


def test_reports_are_points_at_the_scale_of_their_subject(tmp_path: Path) -> None:
    for at, name in enumerate(("small", "large", "huge")):
        evaluated(
            tmp_path, name, at / 4, subject=f"runs/{name}/model.gguf" if name == "huge" else f"runs/{name}"
        )
    lines = [
        {"subject": name, "scale": 10**at, "family": "ladder"}
        for at, name in ((6, "small"), (7, "runs/large"), (8, "huge"))
    ]
    scales = write_csv(tmp_path / "scales.csv", lines)
    found = of_reports(tmp_path, [tmp_path / "reports"], scales=scales)
    sharp = [
        one for one in found.samples if one["slices"] == {**SLICES, "metric": "solved_it", "kind": "sharp"}
    ]
    assert [(one["scale"], one["scores"], one["chance"]) for one in sharp] == [
        (1e6, {"value": 0.0}, 0.25),
        (1e7, {"value": 0.25}, 0.25),
        (1e8, {"value": 0.5}, 0.25),
    ]
    assert {(one["slices"]["metric"], one["slices"]["kind"]) for one in found.samples} == {  # type: ignore[index]
        ("solved_it", "sharp"),
        ("f1", "smooth"),
    }
    assert [file["path"] for file in found.data][-1] == str(scales)
    assert len(found.data) == 4


SLICES = {"task": "quiz:plain", "family": "ladder"}


def weights(folder: Path, *shapes: Sequence[int]) -> Path:
    header: Line = {f"t{at}": {"dtype": "F32", "shape": shape} for at, shape in enumerate(shapes)}
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text)
    return folder


def outcome(folder: Path, **metrics: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "outcome.json").write_text(json.dumps({"metrics": metrics}), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("make", "unit", "scale"),
    [
        (lambda path: weights(path, [3, 4], [5]), None, 17.0),
        (lambda path: outcome(path, parameters=1000), None, 1000.0),
        (lambda path: outcome(weights(path, [3, 4]), parameters=1000), "parameters", 1000.0),
        (lambda path: outcome(path, tokens=700, steps=9), "tokens", 700.0),
        (lambda path: outcome(path, tokens=700, steps=9), "steps", 9.0),
        (lambda path: outcome(path, tokens=700, parameters=10), "flops", 42_000.0),
        (lambda path: outcome(weights(path, [3, 4]), tokens=10), "flops", 720.0),
    ],
)
def test_a_run_or_its_weights_tell_the_scale(
    tmp_path: Path, make: Callable[[Path], Path], unit: str | None, scale: float
) -> None:
    folder = evaluated(tmp_path, "a", 0.5, subject=str(make(tmp_path / "run")))
    found = of_reports(tmp_path, [folder], scale=unit)
    assert {one["scale"] for one in found.samples} == {scale}
    assert found.extra["unit"] == (unit or "parameters")


def test_a_scale_that_is_not_known_is_refused(tmp_path: Path) -> None:
    folder = evaluated(tmp_path, "a", 0.5, subject="model-7b")
    with pytest.raises(
        BadInput, match=r"reports/a: found nothing that tells the parameters of its subject model-7b"
    ):
        of_reports(tmp_path, [folder])
    outcome(tmp_path / "run", parameters=True, tokens=-1)
    other = evaluated(tmp_path, "b", 0.5, subject=str(tmp_path / "run"))
    for unit in ("parameters", "tokens", "flops", "steps"):
        with pytest.raises(BadInput, match=f"found nothing that tells the {unit}"):
            of_reports(tmp_path, [other], scale=unit)
    with pytest.raises(BadInput, match="--scale layers: found no --scales"):
        of_reports(tmp_path, [other], scale="layers")


def test_bad_weights_and_scales_are_refused(tmp_path: Path) -> None:
    folder = evaluated(tmp_path, "a", 0.5, subject=str(weights(tmp_path / "run", [3])))
    (tmp_path / "run" / "model.safetensors").write_bytes(b"short")
    with pytest.raises(BadInput, match="wanted safetensors weights"):
        of_reports(tmp_path, [folder])
    twice = write_csv(tmp_path / "s.csv", [{"subject": "a", "scale": 5}, {"subject": "a", "scale": 6}])
    with pytest.raises(BadInput, match=r's\.csv:3: subject: found text "a" again'):
        of_reports(tmp_path, [folder], scales=twice)
    below = write_csv(tmp_path / "s.csv", [{"subject": "a", "scale": -5}])
    with pytest.raises(BadInput, match=r"s\.csv:2: scale: found -5, wanted a number above 0"):
        of_reports(tmp_path, [folder], scales=below)


def test_two_reports_of_one_scale_are_refused(tmp_path: Path) -> None:
    run = str(outcome(tmp_path / "run", parameters=1000))
    folders = [evaluated(tmp_path, name, 0.5, subject=run) for name in "ab"]
    with pytest.raises(
        BadInput, match=r"reports/b/report\.json: scale: found quiz:plain, solved_it of .*/run at 1000 again"
    ):
        of_reports(tmp_path, folders)
    assert len(of_reports(tmp_path, [folders[0], folders[0]]).samples) == 2


def test_reports_that_measure_no_subject_are_left_out(tmp_path: Path) -> None:
    run = str(outcome(tmp_path / "run", parameters=1000))
    mine = evaluated(tmp_path, "a", 0.5, subject=run)
    board = evaluated(tmp_path, "board", 0.5, suite="leaderboard")
    assert len(of_reports(tmp_path, [mine, board]).samples) == 2
    with pytest.raises(BadInput, match="found no metric of an evaluation"):
        of_reports(tmp_path, [board])


def test_files_and_reports_make_one_report(tmp_path: Path) -> None:
    folder = evaluated(tmp_path, "a", 0.5, subject=str(outcome(tmp_path / "run", parameters=1000)))
    found = report(tmp_path, SHARP, reports=(folder,))
    assert {one.group for one in found.verdicts} == {
        "ipa/exact_match/own",
        "quiz:plain/solved_it/all",
        "quiz:plain/f1/all",
    }
    assert len(found.data) == 2


def test_intervals_count_as_noise_of_measuring(tmp_path: Path) -> None:
    wide = [{**line, "low": line["value"] - 0.4, "high": line["value"] + 0.4} for line in SHARP]
    assert told(report(tmp_path, wide))["ipa/exact_match/own"].verdict == "gradual"
    # One point without an interval: nothing is known of the noise of all.
    wide[4] = SHARP[4]
    assert told(report(tmp_path, wide))["ipa/exact_match/own"].verdict.startswith("breakpoint at ")


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        (SHARP, "better"),
        ([{**line, "direction": "lower"} for line in SHARP], "worse"),
        ([{**line, "value": -line["value"]} for line in SHARP], "worse"),
        ([{**line, "value": -line["value"], "metric": "loss", "kind": "smooth"} for line in SHARP], "better"),
    ],
)
def test_the_argument_says_whether_scale_helps(tmp_path: Path, lines: list[Line], word: str) -> None:
    (verdict,) = report(tmp_path, lines).verdicts
    assert verdict.verdict.startswith("breakpoint at ")
    assert f"9 sizes, {word} with scale, p = " in verdict.reason
