"""Lines and report folders for the evaluator's tests, small enough to be reckoned by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import settings

Line = dict[str, Any]
# The same examples on every machine: a mutant must not live by luck.
steady = settings(derandomize=True, deadline=None, max_examples=60, database=None)


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    return path


def question(name: str, *references: str, **more: Any) -> Line:
    prompt = [{"role": "user", "content": f"Which country is {name} in?"}]
    return {"id": name, "prompt": prompt, "references": list(references), **more}


def answered(line: Line, response: str, *, policy: str = "sft") -> Line:
    return {**line, "response": response, "policy": policy, "seed": 0, "sampling": {"temperature": 0}}


def ranking(
    name: str,
    tiers: Sequence[Sequence[str]],
    *,
    unranked: Sequence[str] = (),
    annotator: str = "ada",
    **more: Any,
) -> Line:
    """A ranking whose responses are named by their policies: "sft", or "sft#2" for a second one of sft."""
    named = [response for tier in tiers for response in tier] + list(unranked)
    responses = [{"id": one, "text": f"says {one}", "policy": one.split("#")[0]} for one in named]
    kind = "comparison" if len(named) == 2 else "ranking"
    prompt = [{"role": "user", "content": "Where lies Lima?"}]
    known = {"id": name, "prompt": prompt, "responses": responses, "tiers": [list(tier) for tier in tiers]}
    return {**known, "annotator": annotator, "kind": kind, **more}


def write_report(folder: Path, samples: Iterable[Mapping[str, Any]], **more: Any) -> Path:
    """A report folder as another tool would write it from the public format."""
    folder.mkdir(parents=True)
    known = {
        "format": "labelplatform-report/1",
        "suite": "quiz",
        "variant": "plain",
        "subject": folder.name,
        "seed": 0,
        "metrics": [],
        "items": {"asked": 0, "measured": 0, "abstained": 0, "not_measured": 0},
        "verdicts": [],
        "data": [{"path": "quiz.jsonl", "sha256": "ab" * 32}],
        "environment": {},
    }
    (folder / "report.json").write_text(json.dumps({**known, **more}), "utf-8")
    write_lines(folder / "samples.jsonl", samples)
    return folder


def without_environment(folder: Path) -> Line:
    content: Line = json.loads((folder / "report.json").read_text("utf-8"))
    del content["environment"]
    return content
