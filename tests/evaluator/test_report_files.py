"""Report folders and strict lines: what is written reads back, what is not defined is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator import json_lines
from evaluator.errors import BadInput
from evaluator.progress import Progress
from evaluator.report_files import (
    Items,
    Metric,
    Report,
    Verdict,
    environment,
    read_report,
    report_folder,
    write_report,
)
from tests.evaluator.lines import steady
from tests.evaluator.lines import write_report as report_of_another_tool

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def a_report() -> Report:
    return Report(
        suite="quiz",
        variant="plain",
        subject="sft",
        seed=7,
        metrics=[
            Metric("right", 0.5, 0.25, 0.75, 8, interval="bca-bootstrap", better="higher"),
            Metric("right", None, None, None, 0, "tier=tail", "no item was measured", extra={"more": [1]}),
        ],
        items=Items(9, 8, 1, 1),
        verdicts=[Verdict("right", "not-enough-data", "too few", "tier=tail", {"p_adjusted": 0.5})],
        data=[{"path": "q.jsonl", "sha256": "00"}],
        spec={"limit": None},
        samples=[{"id": "a", "slices": {"tier": "头"}, "scores": {"right": 1.0}}],
        extra={"verdict": "x"},
        environment={"python": "3.11"},
    )


def test_a_report_reads_back_as_it_was_written(tmp_path: Path) -> None:
    write_report(tmp_path, a_report())
    assert read_report(tmp_path) == a_report()


def test_equal_reports_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_report(tmp_path / name, a_report())
    for file in ("report.json", "samples.jsonl"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["report.json", "samples.jsonl"]


def test_report_json_holds_the_public_keys(tmp_path: Path) -> None:
    write_report(tmp_path, a_report())
    content = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert content["format"] == "labelplatform-report/1"
    assert content["metrics"][0] == {
        "name": "right",
        "value": 0.5,
        "low": 0.25,
        "high": 0.75,
        "n": 8,
        "interval": "bca-bootstrap",
        "better": "higher",
    }
    assert content["metrics"][1]["value"] is None
    assert content["metrics"][1]["reason"] == "no item was measured"
    assert content["items"] == {"asked": 9, "measured": 8, "abstained": 1, "not_measured": 1}
    assert content["verdicts"][0]["group"] == "tier=tail"


def test_undefined_figures_need_a_reason_and_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="without a reason"):
        Metric("right", None, None, None, 0)
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="finite"):
            Metric("right", 0.5, bad, None, 1)


def test_a_report_of_another_tool_is_read(tmp_path: Path) -> None:
    folder = report_of_another_tool(tmp_path / "r", [{"id": "a", "scores": {"right": 1}}])
    report = read_report(folder)
    assert (report.suite, report.samples[0]["id"]) == ("quiz", "a")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": "other/1"}, "labelplatform-report/1"),
        ({"metrics": [{"name": "x"}]}, "report.json"),
        ({"metrics": 3}, "not a list"),
        ({"seed": "0"}, "whole number"),
        ({"items": []}, "not an object"),
    ],
)
def test_bad_reports_are_refused_by_name(tmp_path: Path, change: dict[str, object], complaint: str) -> None:
    folder = report_of_another_tool(tmp_path / "r", [], **change)
    with pytest.raises(BadInput, match=complaint) as caught:
        read_report(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    "samples",
    [
        [{"id": "a", "scores": {}}, {"id": "a", "scores": {}}],
        [{"scores": {}}],
        [{"id": "a"}],
        [{"id": "a", "scores": {"right": "1"}}],
        [{"id": "a", "scores": {"right": True}}],
    ],
)
def test_bad_samples_are_refused_with_their_line(tmp_path: Path, samples: list[dict[str, object]]) -> None:
    folder = report_of_another_tool(tmp_path / "r", samples)
    with pytest.raises(BadInput, match=rf"samples\.jsonl, line {len(samples)}"):
        read_report(folder)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    folder = report_of_another_tool(tmp_path / "r", [])
    content = json.loads((folder / "report.json").read_text("utf-8"))
    del content["variant"]
    (folder / "report.json").write_text(json.dumps(content), "utf-8")
    with pytest.raises(BadInput, match="'variant' is missing"):
        read_report(folder)


def test_a_folder_that_holds_anything_is_refused(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("x", "utf-8")
    for out in (tmp_path, tmp_path / "there"):
        with pytest.raises(BadInput, match="new or empty"), report_folder(out):
            pass
    assert (tmp_path / "there").read_text("utf-8") == "x"


def test_bad_input_leaves_no_folder_behind(tmp_path: Path) -> None:
    out = tmp_path / "a" / "out"
    with pytest.raises(BadInput):
        _begin_and_refuse(out)
    assert not out.exists()
    with report_folder(out):
        assert list(out.iterdir()) == []


def _begin_and_refuse(out: Path) -> None:
    with report_folder(out), Progress(out) as progress:
        progress.step(1, 2)
        raise BadInput("no")


def test_progress_lines(tmp_path: Path) -> None:
    with Progress(tmp_path) as progress:
        progress.step(1, 2, right=0.5)
        progress.step(2, 2)
    lines = [line for _, line in json_lines.read(tmp_path / "progress.jsonl")]
    assert [(line["step"], line["steps"], line.get("right")) for line in lines] == [(1, 2, 0.5), (2, 2, None)]


def test_the_environment_says_with_what_and_when() -> None:
    found = environment(0.0)
    assert set(found) == {"python", "platform", "packages", "commit", "dirty", "finished_at", "seconds"}
    assert str(found["finished_at"]).endswith("Z")


@steady
@given(st.lists(st.dictionaries(texts, values, max_size=4), max_size=5))
def test_lines_read_back(tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, object]]) -> None:
    path = tmp_path_factory.mktemp("lines") / "x.jsonl"
    json_lines.write_atomically(path, lines)
    assert [line for _, line in json_lines.read(path)] == lines


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b'{"a": 1, "a": 2}', "'a' twice"),
        (b'{"a": {"b": 1, "b": 1}}', "'b' twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b"[1]", "list"),
        (b"3", "number"),
        (b'{"a": 1', "wanted one JSON object"),
        (b'{"a": 1} {"b": 2}', "wanted one JSON object"),
        (b"   ", "empty line"),
        (b"[" * 100_000, "wanted one JSON object"),
    ],
)
def test_lines_that_mean_something_else_to_the_next_reader_are_refused(
    tmp_path: Path, raw: bytes, complaint: str
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"fine": 1}\n' + raw + b"\n")
    with pytest.raises(BadInput, match=complaint) as caught:
        list(json_lines.read(path))
    assert str(caught.value).startswith(f"{path}:2: ")
    assert "\n" not in str(caught.value)


def test_escaped_pairs_of_surrogates_are_characters(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a": "\\ud83d\\ude00"}')
    assert [line for _, line in json_lines.read(path)] == [{"a": "😀"}]


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.jsonl"):
        list(json_lines.read(tmp_path / "none.jsonl"))


def test_nan_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        json_lines.write_json_atomically(tmp_path / "x.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_digests_of_lines_know_no_order() -> None:
    lines = [{"a": 1, "b": 2}, {"c": 3}]
    assert json_lines.sha256_of_lines(lines) == json_lines.sha256_of_lines([{"c": 3}, {"b": 2, "a": 1}])
    assert json_lines.sha256_of_lines(lines) != json_lines.sha256_of_lines([{"a": 1, "b": 2}, {"c": 4}])
