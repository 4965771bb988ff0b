"""The laboratory bites: what lives, what stands twice and what breaks an import is each told from what is found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mutants import __main__ as command
from tests.mutants import laboratory as laboratories
from tests.mutants.cases import Mutant
from tests.mutants.laboratory import Laboratory

pytestmark = pytest.mark.xdist_group("laboratory")


def planted(find: str, replace: str, why: str = "planted") -> Mutant:
    tests = "tests/evaluator/test_ratings.py"
    return Mutant("lists", "evaluator/statistics/ratings.py", find, replace, tests, why)


FOUND = planted("spread = games * ((p.win + p.win.T) / 4 - mean**2)", "spread = games * mean**2", "found")
ALIVE = planted("size = len(strengths)", "size = strengths.shape[0]", "alive")
TEST = "tests/evaluator/test_ratings.py::test_gradient_and_curvature_are_its_derivatives[0]"


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    laboratory = Laboratory(tmp_path_factory.mktemp("laboratory"), [FOUND])
    yield laboratory
    laboratory.close()


def test_a_breakage_is_found_by_the_same_test_in_both_ways(laboratory: Laboratory) -> None:
    before = (laboratory.tree / FOUND.file).read_bytes()
    warm, fresh = (laboratory.judge_by(FOUND, way) for way in ("warm", "fresh"))
    assert (
        (warm.killed, warm.test, warm.reason) == (fresh.killed, fresh.test, fresh.reason) == (True, TEST, "")
    )
    assert (laboratory.judge(FOUND).way, laboratory.judge(FOUND).test) == ("warm", TEST)
    assert (laboratory.tree / FOUND.file).read_bytes() == before


def test_what_only_an_import_shows_is_found(laboratory: Laboratory) -> None:
    verdict = laboratory.judge(planted("SCALE = 400 / math.log(10)", "SCALE = 400.0"))
    assert (verdict.killed, verdict.way) == (True, "fresh")


@pytest.mark.parametrize("mutant", [ALIVE, planted("STEPS = 100", "STEPS = 101")], ids=["body", "constant"])
def test_a_survivor_is_said_to_live(mutant: Mutant, laboratory: Laboratory) -> None:
    verdict = laboratory.judge(mutant)
    assert not verdict.killed
    assert verdict.reason.startswith("it lives (pytest ended with 0)")


@pytest.mark.parametrize(
    ("find", "found"),
    [
        ("half = (strengths[:, None] - strengths[None, :]) / 2", "it stands 2 times"),
        ("???", "it stands 0 times"),
    ],
)
def test_the_text_must_stand_exactly_once(find: str, found: str, laboratory: Laboratory) -> None:
    verdict = laboratory.judge(planted(find, "half = 0"))
    assert not verdict.killed
    assert verdict.reason.endswith(found)


@pytest.mark.parametrize(
    "breakage",
    [
        planted("import math\n", "import maths\n"),
        planted("STEPS = 100", "STEPS = hundred"),
        planted("STEPS = 100", "STEPS = = 100"),
        planted("size = len(strengths)", "size = = len(strengths)"),
    ],
    ids=["import", "name", "syntax", "syntax in a function"],
)
def test_what_breaks_the_import_is_not_counted_as_found(breakage: Mutant, laboratory: Laboratory) -> None:
    verdict = laboratory.judge(breakage)
    assert not verdict.killed
    assert "it lives (pytest ended with 2)" in verdict.reason
    assert "error during collection" in verdict.reason or "Error" in verdict.reason


def test_tests_that_are_not_there_find_nothing(laboratory: Laboratory) -> None:
    nowhere = Mutant("lists", FOUND.file, FOUND.find, FOUND.replace, FOUND.tests + "::test_gone", "gone")
    verdict = laboratory.judge(nowhere)
    assert not verdict.killed
    assert verdict.reason.startswith("the tests fail without the mutant")


def test_a_server_that_is_gone_is_replaced(laboratory: Laboratory) -> None:
    laboratory.server.kill()
    laboratory.server.wait()
    verdict = laboratory.judge(FOUND)
    assert (verdict.killed, verdict.way, verdict.test) == (True, "warm", TEST)
    assert not laboratory.judge(ALIVE).killed


def test_what_never_ends_is_found(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laboratories, "LEAST", 1)
    endless = planted("size = len(strengths)", "size = len(strengths)\n    while True:\n        pass")
    verdict = laboratory.judge(endless)
    assert (verdict.killed, verdict.way, verdict.test) == (True, "warm", TEST)


def test_the_command_names_the_killing_tests_and_fails_for_a_survivor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "mutants", lambda: [FOUND, ALIVE])
    assert command.main([]) == 1
    told = capsys.readouterr().out
    assert f"lists: found -> {TEST} (" in told
    assert "LIVES lists: alive in evaluator/statistics/ratings.py" in told
    assert told.endswith("2 mutants, 1 killed, 1 alive\nalive: lists: alive\n")


@pytest.mark.parametrize(
    ("only", "meant"),
    [
        ("lists", True),
        ("tests/mutants/lists.json", True),
        ("evaluator/statistics/ratings.py", True),
        ("evaluator/*", True),
        ("lists: f*", True),
        ("found", True),
        ("lists: a*", False),
        ("ratings.json", False),
    ],
)
def test_only_names_a_file_a_list_or_a_pattern(only: str, meant: bool) -> None:
    assert FOUND.is_meant_by(only) is meant


def test_a_name_that_means_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "no such mutant"]) == 2
    assert "no such mutant" in capsys.readouterr().err
