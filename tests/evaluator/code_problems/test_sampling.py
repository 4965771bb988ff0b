"""Samples of a subject at several temperatures: pass@k, resuming to the sample, stops and fences, what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evaluator.cli import main
from evaluator.code_problems import records
from evaluator.errors import BadInput
from evaluator.figures import read_figures
from evaluator.report_files import Report, read_report
from evaluator.specs import RunSpec
from evaluator.statistics.pass_at_k import pass_at_k
from evaluator.subjects import endpoint
from tests.evaluator.fake_endpoint import Script, serving
from tests.evaluator.lines import without_environment, write_lines
from tests.evaluator.sandbox.test_refusal import under

Line = dict[str, Any]
PROBLEMS = [
    {
        "task_id": f"T/{n}",
        "prompt": f'def f(x):\n    """Return {n}."""\n',
        "entry_point": "f",
        "test": f"def check(candidate):\n    assert candidate(1) == {n}\n",
    }
    for n in range(4)
]
# How many of six samples are right: at 0.2 and at 0.8, problem by problem.
RIGHT = {0.2: (6, 6, 0, 0), 0.8: (3, 2, 2, 1)}


def problem_of(told: Line) -> int:
    text = told["prompt"] if "prompt" in told else told["messages"][-1]["content"]
    return int(re.findall(r"Return (\d)", text)[-1])


def body(told: Line, seed: int = 5) -> str:
    """Right for the first few seeds of each problem."""
    number = problem_of(told)
    right = told["seed"] - seed < RIGHT[told["temperature"]][number]
    return f"    return {number if right else number + 1}"


def fenced(told: Line) -> str:
    return f"Here:\n```python\n{PROBLEMS[problem_of(told)]['prompt']}{body(told)}\n# a comment\n```\nBye."


def going_on(told: Line) -> str:
    return f"{body(told)}\ndef main():\n    raise SystemExit\nmain()\n"


def arguments(
    tmp_path: Path, url: str, *more: str, out: str = "out", problems: list[Line] = PROBLEMS
) -> list[str]:
    data = write_lines(tmp_path / "p.jsonl", problems)
    told = ["run", "code-generation", "--variant", "samples", "--subject", url, "--data", str(data)]
    told += ["--samples", "6", "--k", "1,3,6,9", "--seed", "5", "--batch-size", "2", "--progress", "none"]
    return [*told, "--out", str(tmp_path / out), *more]


def metrics(report: Report) -> dict[tuple[str, str | None], float | None]:
    return {(one.name, one.group): one.value for one in report.metrics}


def wanted(temperature: float, k: int) -> float:
    return sum(pass_at_k(6, c, k) for c in RIGHT[temperature]) / 4


BOTH = ("--temperatures", "0.2,0.8")


def test_pass_at_k_at_each_temperature_and_the_choice_between_them(tmp_path: Path) -> None:
    script = Script(says=fenced)
    with serving(script) as url:
        assert main(arguments(tmp_path, url, *BOTH)) == 0
    report = read_report(tmp_path / "out")
    found = metrics(report)
    for temperature in RIGHT:
        for k in (1, 3, 6):
            assert found[f"pass@{k}", f"temperature={temperature:g}"] == pytest.approx(wanted(temperature, k))
    short = next(one for one in report.metrics if one.name == "pass@9")
    assert (short.value, short.reason) == (None, "4 problems have fewer than 9 samples, T/0 only 6")
    # Cold is better for one sample, hot for six.
    verdicts = {one.name: one for one in report.verdicts}
    assert {name: one.verdict for name, one in verdicts.items()} == {
        "pass@1": "temperature 0.2",
        "pass@3": "temperature 0.8",
        "pass@6": "temperature 0.8",
    }
    told = verdicts["pass@6"]
    assert told.extra["same_problems"] == pytest.approx(wanted(0.8, 6))
    assert told.extra["other_problems"] == found["pass@6", None]
    assert "on these same problems" in told.reason
    assert "which flatters it" in told.reason
    for name in ("pass@1", "pass@3", "pass@6"):
        scores = [sample["scores"][name] for sample in report.samples]  # type: ignore[index]
        assert found[name, None] == pytest.approx(sum(scores) / 4)
        overall = next(one for one in report.metrics if one.name == name and one.group is None)
        assert overall.extra["temperature"] == "chosen on the other half of the problems"
    assert len(script.asked) == 4 * 6 * 2
    assert {one["max_tokens"] for one in script.asked} == {512}
    assert report.items.record() == {"asked": 4, "measured": 4, "abstained": 0, "not_measured": 0}
    assert report.extra["samples"] == 48
    assert report.extra["verdict_counts"] == {
        "pass": 20,
        "fail": 28,
        "timeout": 0,
        "unjudged": 0,
        "refused": 0,
    }
    (figure,) = read_figures(tmp_path / "out")
    assert [one.label for one in figure.plot.series] == ["temperature 0.2", "temperature 0.8"]  # type: ignore[union-attr]


def test_a_sample_shows_its_program_temperature_and_failing_call(tmp_path: Path) -> None:
    with serving(Script(says=fenced)) as url:
        assert main(arguments(tmp_path, url, *BOTH)) == 0
    sample: Line = dict(read_report(tmp_path / "out").samples[3])
    assert (sample["id"], sample["n"], sample["c"]) == ("T/3", 12, 1)
    first, last = sample["judgements"][6], sample["judgements"][-1]
    assert (first["temperature"], first["verdict"], last["verdict"]) == (0.8, "pass", "fail")
    assert last["call"] == "f(1) returned 4"
    assert last["program"].startswith('def f(x):\n    """Return 3."""\n    return 4\n')


def test_completions_go_on_from_the_prompt_and_are_cut_at_stops(tmp_path: Path) -> None:
    script = Script(says=going_on)
    with serving(script) as url:
        assert main(arguments(tmp_path, url, "--variant", "completions", "--temperatures", "0.8")) == 0
        assert script.asked[0]["path"].endswith("/v1/completions")
        assert script.asked[0]["stop"] == ["\nclass", "\ndef", "\n#", "\nif", "\nprint"]
        script.asked.clear()
        own = arguments(tmp_path, url, "--variant", "completions", "--temperatures", "0.8", out="own")
        assert main([*own, "--stop", "\\ndef m"]) == 0
    assert script.asked[0]["stop"] == ["\ndef m"]
    for out in ("out", "own"):
        found = metrics(read_report(tmp_path / out))
        assert {key: found[key] for key in (("pass@1", None), ("pass@6", None))} == {
            ("pass@1", None): pytest.approx(wanted(0.8, 1)),
            ("pass@6", None): 1.0,
        }
        assert all(group is None for _, group in found)
        assert read_report(tmp_path / out).verdicts == []


def test_a_killed_run_asks_and_judges_only_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(says=fenced)
    with serving(script) as url:
        told = arguments(tmp_path, url, *BOTH)
        assert main(told) == 0
        whole = without_environment(tmp_path / "out"), (tmp_path / "out" / "samples.jsonl").read_bytes()
        for name, kept in (("responses.cache.jsonl", 10), (records.NAME, 7)):
            path = tmp_path / "out" / name
            lines = path.read_bytes().splitlines(keepends=True)
            path.write_bytes(b"".join(lines[:kept]) + lines[kept][:15])
        for name in ("report.json", "samples.jsonl"):
            (tmp_path / "out" / name).unlink()
        script.asked.clear()
        judged: list[Line] = []
        add = records.Records.add

        def counted(self: records.Records, line: Line) -> None:
            judged.append(line)
            add(self, line)

        monkeypatch.setattr(records.Records, "add", counted)
        assert main([*told, "--resume"]) == 0
    assert len(script.asked) == 48 - 10
    assert len(judged) == 48 - 7
    assert (without_environment(tmp_path / "out"), (tmp_path / "out" / "samples.jsonl").read_bytes()) == whole


def test_a_busy_endpoint_is_gone_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "FIRST_PAUSE_SECONDS", 0.0)
    script = Script(says=fenced, faults=["503"] * 3)
    with serving(script) as url:
        assert main(arguments(tmp_path, url, "--temperatures", "0.8")) == 0
    assert metrics(read_report(tmp_path / "out"))["pass@1", None] == pytest.approx(wanted(0.8, 1))


def test_what_one_problem_cannot_choose_is_not_chosen(tmp_path: Path) -> None:
    with serving(Script(says=fenced)) as url:
        assert main(arguments(tmp_path, url, *BOTH, "--limit", "1")) == 0
    report = read_report(tmp_path / "out")
    overall = next(one for one in report.metrics if one.name == "pass@1" and one.group is None)
    assert overall.value is None
    assert overall.reason == "not enough data: 1 problem chooses no temperature for another"
    assert report.verdicts == []
    assert report.samples[0]["scores"] == {}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--temperatures", "0,0.8"], "--temperatures 0: found 6 samples a problem"),
        (["--temperatures", "x"], "--temperatures: found 'x'"),
        (["--temperatures", "0.2,0.2"], "--temperatures: found [0.2, 0.2]; wanted different numbers"),
        (["--temperatures", "-1"], "--temperatures: found [-1.0]"),
        (["--temperatures", "nan"], "--temperatures: found [nan]"),
        (["--k", "0"], "--k: found 0; wanted 1 or more"),
        (
            ["--variant", "response"],
            "--k: found code-generation response, wanted code-generation with --variant",
        ),
        (["--samples", "0"], "--samples: found 0"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    assert main(arguments(tmp_path, "http://127.0.0.1:1/v1", *more)) == 2
    told = capsys.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_recorded_responses_and_prompts_in_words_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = write_lines(tmp_path / "r.jsonl", [])
    assert main(arguments(tmp_path, str(recorded))) == 2
    assert "found no model folder and no URL" in capsys.readouterr().err
    words = [{"task_id": 1, "text": "Write a function.", "test_list": ["assert f() == 1"]}]
    told = arguments(tmp_path, "http://127.0.0.1:1/v1", "--variant", "completions", problems=words)
    assert main(told) == 2
    assert "task_id '1': found a prompt that is no code" in capsys.readouterr().err


def test_flags_of_samples_are_refused_elsewhere() -> None:
    with pytest.raises(BadInput, match="--temperatures: found truthfulness, wanted code-generation"):
        RunSpec("truthfulness", "x", Path("o"), temperatures=(0.2,))


def test_without_isolation_nothing_is_asked(tmp_path: Path) -> None:
    script = Script(says=fenced)
    with serving(script) as url:
        run = under("no-namespaces no-landlock", "evaluator", *arguments(tmp_path, url))
    assert (run.returncode, len(run.stderr.splitlines())) == (2, 1)
    assert "code-generation: refused: no isolation" in run.stderr
    assert script.asked == []
    assert not (tmp_path / "out").exists()


def test_progress_counts_drawing_and_judging(tmp_path: Path) -> None:
    with serving(Script(says=fenced)) as url:
        assert main(arguments(tmp_path, url, *BOTH)) == 0
    lines = [
        json.loads(line) for line in (tmp_path / "out" / "progress.jsonl").read_text("utf-8").splitlines()
    ]
    steps = [line["step"] for line in lines]
    assert {line["steps"] for line in lines} == {96}
    assert steps == sorted(steps)
    assert steps[-1] == 96
