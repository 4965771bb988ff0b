"""Contamination beside the score of every suite that asks questions: a slice and a share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluator.progress import Progress
from evaluator.report_files import Report
from evaluator.specs import RunSpec
from evaluator.suites import code_generation, hallucination_closed_domain, hallucination_open_domain
from evaluator.suites.contamination import asked_text
from tests.evaluator.lines import answered, question, write_lines

LIMA = question("Lima", "Peru", context="Lima lies on the coast of Peru.")
OSLO = question("Oslo", "Norway", context="Oslo lies at the end of a fjord.")


def test_what_an_item_would_look_like_in_training_text() -> None:
    assert asked_text(LIMA) == "Lima lies on the coast of Peru. Which country is Lima in? Peru"
    assert asked_text({"prompt": [{"role": "user", "content": "What?"}]}) == "What?"


def training_text(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "training.txt"
    path.write_text(f"Something else.\n\n{text}\n", "utf-8")
    return path


def contaminated(report: Report) -> tuple[float | None, dict[Any, Any]]:
    """(the share, the slice of each sample)."""
    (metric,) = [one for one in report.metrics if one.name == "contaminated"]
    slices: Any = {sample["id"]: sample["slices"]["contaminated"] for sample in report.samples}  # type: ignore[index]
    return metric.value, slices


@pytest.mark.parametrize(
    ("suite", "variant", "text"),
    [
        (hallucination_open_domain, "closed-book", asked_text({**LIMA, "context": ""})),
        (hallucination_closed_domain, "detector", asked_text(LIMA)),
    ],
)
def test_suites_of_questions(tmp_path: Path, suite: Any, variant: str, text: str) -> None:
    asked = [LIMA, OSLO]
    if variant == "closed-book":
        asked = [{key: value for key, value in line.items() if key != "context"} for line in asked]
    subject = write_lines(tmp_path / "r.jsonl", [answered(line, line["references"][0]) for line in asked])
    data = write_lines(tmp_path / "q.jsonl", asked)
    told: Any = {"data": data, "variant": variant, "resamples": 100}
    spec = RunSpec(suite.NAME, str(subject), tmp_path, **told, training_text=(training_text(tmp_path, text),))
    with Progress(tmp_path) as progress:
        report = suite.run(spec, progress)
        without = suite.run(RunSpec(suite.NAME, str(subject), tmp_path, **told), progress)
    assert contaminated(report) == (0.5, {"Lima": "yes", "Oslo": "no"})
    assert {one.group for one in report.metrics} >= {None, "contaminated=yes", "contaminated=no"}
    assert not [one for one in without.metrics if one.name == "contaminated"]


def test_code(tmp_path: Path) -> None:
    problems = [
        {"task_id": f"T/{n}", "prompt": f'def f(x):\n    """Return {n} and nothing else."""\n', "entry_point": "f",
         "test": f"def check(candidate):\n    assert candidate(1) == {n}\n"}
        for n in range(2)
    ]  # fmt: skip
    lines = [
        {"id": one["task_id"], "prompt": [{"role": "user", "content": one["prompt"]}]} for one in problems
    ]
    subject = write_lines(tmp_path / "r.jsonl", [answered(line, "    return 0\n") for line in lines])
    data = write_lines(tmp_path / "p.jsonl", problems)
    text = training_text(tmp_path, "def f(x): return 0 and nothing else")
    spec = RunSpec("code-generation", str(subject), tmp_path, data=data, resamples=100, training_text=(text,))
    with Progress(tmp_path) as progress:
        found = contaminated(code_generation.run(spec, progress))
    assert found == (0.5, {"T/0": "yes", "T/1": "no"})
