"""Correlations: against SciPy, weighted as if rows stood several times; the reference values of real data."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaluator.cli import main
from evaluator.statistics.correlation import (
    Scored,
    between_systems,
    kendall_b,
    midranks,
    pearson,
    pooled,
    spearman,
    within_items,
)
from tests.evaluator.lines import Line, steady, without_environment, write_lines

SHARED_DATA = Path(__file__).parents[2] / "../shared/data"
rows = st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.integers(0, 3)), min_size=3, max_size=25)


@steady
@given(rows)
def test_equal_to_scipy_and_weights_are_repeats(told: list[tuple[int, int, int]]) -> None:
    x, y, times = (np.array(column, dtype=float) for column in zip(*told, strict=True))
    again = np.repeat(np.arange(len(told)), times.astype(int))
    for own, theirs in (
        (pearson, stats.pearsonr),
        (spearman, stats.spearmanr),
        (kendall_b, stats.kendalltau),
    ):
        found = own(x, y, np.stack([times, np.ones(len(told))]))
        if len(set(x[again])) > 1 and len(set(y[again])) > 1:
            assert found[0] == pytest.approx(theirs(x[again], y[again])[0], abs=1e-12)
        if len(set(x)) > 1 and len(set(y)) > 1:
            assert found[1] == pytest.approx(theirs(x, y)[0], abs=1e-12)
            assert float(own(x, y)) == pytest.approx(found[1], abs=1e-12)
        else:
            assert np.isnan(own(x, y))


def test_midranks_by_hand() -> None:
    assert midranks(np.array([5.0, 1.0, 5.0]), np.array([1.0, 1.0, 1.0])).tolist() == [2.5, 1.0, 2.5]
    assert midranks(np.array([5.0, 1.0]), np.array([[2.0, 3.0]])).tolist() == [[4.5, 2.0]]


def made(items: int = 30, *, noise: float = 0.5) -> Scored:
    rng = np.random.default_rng(5)
    systems = ["a", "b", "c", "d"]
    human = np.array([rng.normal() + number for _ in range(items) for number in range(4)])
    metric = human + rng.normal(size=len(human)) * noise
    return Scored([f"i{n // 4}" for n in range(4 * items)], systems * items, human, metric)


def test_levels_say_what_they_average() -> None:
    scored = made()
    means = [[float(side[n::4].mean()) for n in range(4)] for side in (scored.metric, scored.human)]
    found = between_systems(scored, "pearson", seed=0, resamples=100)
    assert found.n == 4
    assert found.value == pytest.approx(stats.pearsonr(*means)[0])
    each = [stats.kendalltau(scored.metric[n : n + 4], scored.human[n : n + 4])[0] for n in range(0, 120, 4)]
    inside = within_items(scored, "kendall_b", seed=0, resamples=100)
    assert inside.n == 30
    assert inside.value == pytest.approx(np.mean(each))
    whole = pooled(scored, "spearman", seed=0, resamples=100)
    assert whole.value == pytest.approx(stats.spearmanr(scored.metric, scored.human)[0])
    for one in (found, inside, whole):
        assert one.low is not None
        assert one.high is not None
        assert one.value is not None
        assert one.low < one.value < one.high
    assert pooled(scored, "spearman", seed=0, resamples=100) == whole
    assert pooled(scored, "spearman", seed=1, resamples=100).low != whole.low


def test_items_are_drawn_whole() -> None:
    """Rows of one item that all say the same are one row: the interval knows."""
    scored = made(20)
    many = Scored(
        [item for item in scored.items for _ in range(5)],
        [system for system in scored.systems for _ in range(5)],
        np.repeat(scored.human, 5),
        np.repeat(scored.metric, 5),
    )
    once, five = (pooled(one, "pearson", seed=0, resamples=300) for one in (scored, many))
    assert (once.low, once.high) == pytest.approx((five.low, five.high))


def test_what_is_not_defined_says_why() -> None:
    flat = Scored(["i", "j", "k"], ["a", "b", "c"], np.ones(3), np.arange(3.0))
    assert np.isnan(pearson(np.full(3, 0.1), np.arange(3.0)))  # whose mean is not 0.1 to the last digit
    assert pooled(flat, "pearson", seed=0).reason == "one side is the same everywhere"
    assert between_systems(flat, "spearman", seed=0, resamples=100).value is None
    assert within_items(flat, "pearson", seed=0).reason == "no item has responses that differ on both sides"
    two = Scored(["i", "i"], ["a", "b"], np.arange(2.0), np.arange(2.0))
    assert between_systems(two, "pearson", seed=0).reason == "not enough data: 2 systems, wanted 3"


def test_a_pooled_kendall_of_many_rows_has_no_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluator.statistics.correlation.MOST_ROWS", 100)
    found = pooled(made(), "kendall_b", seed=0, resamples=100)
    assert found.value is not None
    assert found.low is None
    assert "an interval is reckoned for at most 100" in (found.reason or "")


def line(item: str, system: str, human: float, **metrics: float | None) -> Line:
    return {"item": item, "system": system, "human": human, "metrics": metrics}


def test_missing_metrics_leave_their_line_out(tmp_path: Path) -> None:
    told = [
        line(f"i{n}", s, n % 5 + k, good=n % 5 + k, bad=None if n % 2 else (n * 7 + k) % 3, none=None)
        for n in range(20)
        for k, s in enumerate("abc")
    ]
    path = write_lines(tmp_path / "scores.jsonl", [*told, {**told[0], "metrics": {}}])
    for name in ("one", "two"):
        assert main(["correlate", str(path), "--resamples", "100", "--out", str(tmp_path / name)]) == 0
    report = without_environment(tmp_path / "one")
    assert report == without_environment(tmp_path / "two")
    found = {(one["group"], one["name"]): one for one in report["metrics"]}
    assert {group for group, _ in found} == {"good", "bad"}
    assert found["good", "pooled_pearson"]["n"] == 60
    assert found["good", "pooled_pearson"]["value"] == pytest.approx(1)
    assert found["bad", "pooled_pearson"]["n"] == 30
    assert report["items"] == {"asked": 61, "measured": 60, "abstained": 0, "not_measured": 1}
    assert [one["verdict"] for one in report["verdicts"] if one["group"] == "good"] == ["says something"]
    assert len(found) == 2 * 9


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ([], "found no line"),
        ([{"item": "i", "system": "s", "human": 1}], "metrics: found none"),
        ([{"item": "i", "system": "s", "metrics": {}}], "found no 'human'"),
        ([{"item": "i", "human": 1, "metrics": {}}], "found no 'system'"),
        ([line("i", "s", 1)], "found no number under any metric"),
        ([{**line("i", "s", 1), "human": "3"}], 'human: found text "3", wanted a number'),
        ([{**line("i", "s", 1), "metrics": {"m": True}}], "metrics: m: found a boolean"),
    ],
)
def test_bad_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], told: list[Line], complaint: str
) -> None:
    path = write_lines(tmp_path / "scores.jsonl", told)
    assert main(["correlate", str(path), "--out", str(tmp_path / "o")]) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def realsumm() -> list[Line]:
    found = []
    for raw in (SHARED_DATA / "realsumm" / "abs.jsonl").read_text("utf-8").splitlines():
        row = json.loads(raw)
        scores = ast.literal_eval(row["scores"]) if isinstance(row["scores"], str) else row["scores"]
        human = scores.pop("litepyramid_recall")
        found.append(line(str(row["doc_id"]), row["system"], human, **scores))
    return found


def frank() -> list[Line]:
    people, scores = (
        json.loads((SHARED_DATA / "frank" / name).read_text("utf-8"))
        for name in ("human_annotations.json", "baseline_factuality_metrics_outputs.json")
    )
    by_key = {(row["hash"], row["model_name"]): row for row in scores}
    names = {"hash", "model_name", "dataset", "split"}
    return [
        line(
            row["hash"], row["model_name"], row["Factuality"],
            **{k: v for k, v in by_key[row["hash"], row["model_name"]].items() if k not in names},
        )
        for row in people
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "told"), [("realsumm_abs", realsumm), ("frank_valid", frank)])
def test_real_data_give_the_reference_values(tmp_path: Path, name: str, told: object) -> None:
    """The data folder stands beside the repository; without it this test fails and names it."""
    reference = SHARED_DATA / "reference_values.json"
    assert reference.is_file(), f"{reference} is missing: put the shared data folder beside the repository"
    assert callable(told)
    path = write_lines(tmp_path / "scores.jsonl", told())
    assert main(["correlate", str(path), "--resamples", "100", "--out", str(tmp_path / "o")]) == 0
    report = without_environment(tmp_path / "o")
    found = {(one["group"], one["name"]): one for one in report["metrics"]}
    for metric, figures in json.loads(reference.read_text("utf-8"))[name].items():
        for figure, value in figures.items():
            if figure == "n":
                assert found[metric, "pooled_pearson"]["n"] == value
                continue
            one = found[metric, figure if "_" in figure else f"pooled_{figure}"]
            assert one["value"] == pytest.approx(value, abs=1e-9)
            assert one["low"] <= one["value"] <= one["high"]
