"""Every planted breakage of the shipped code is found by the project's own tests (cases.py says how they stand).

`python -m tests.mutants` judges them in the same way and names the test that finds each.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from _pytest.mark import ParameterSet

from tests.mutants.cases import Mutant, mutants
from tests.mutants.laboratory import Laboratory


@pytest.fixture(scope="session")
def laboratory(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Laboratory]:
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    chosen = [call.params["mutant"] for call in calls if call and "mutant" in call.params]
    laboratory = Laboratory(tmp_path_factory.mktemp("mutants"), chosen)
    yield laboratory
    laboratory.close()


def cases() -> list[ParameterSet]:
    """One case a mutant; those of the same tests go to one worker, which runs them unmutated only once."""
    return [
        pytest.param(mutant, id=mutant.name, marks=pytest.mark.xdist_group(mutant.tests))
        for mutant in mutants()
    ]


@pytest.mark.parametrize("mutant", cases())
def test_the_mutant_is_killed(mutant: Mutant, laboratory: Laboratory) -> None:
    verdict = laboratory.judge(mutant)
    assert verdict.killed, verdict.reason


def test_there_are_mutants_of_losses_metrics_and_permissions() -> None:
    touched = {mutant.file for mutant in mutants()}
    wanted = (
        "trainer/reward_model/",
        "trainer/ppo/",
        "evaluator/",
        "labelplatform/labels/",
        "labelplatform/jobs/",
    )
    assert [place for place in wanted if not any(name.startswith(place) for name in touched)] == []
