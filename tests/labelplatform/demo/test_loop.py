"""The whole Atlas chain at its smallest, with real children; walked again, it finds everything done."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from labelplatform.demo import atlas_project, people
from labelplatform.demo.recipe import RECIPES, Recipe
from labelplatform.demo.summary import summary
from labelplatform.demo.walk import Walker
from labelplatform.jobs.models import Job
from labelplatform.labels.models import Ranking

Drain = Callable[[], list[Job]]
TINY = RECIPES["tiny"]


def loop(recipe: Recipe, run_jobs: Drain) -> atlas_project.Atlas:
    work = atlas_project.Atlas(people.gather(), recipe, 0)
    walker = Walker("Atlas", atlas_project.chain(work))
    walker.advance()
    while not walker.finished:
        assert [(job.kind, job.failure) for job in run_jobs() if job.state != Job.State.SUCCEEDED] == []
        walker.advance()
    return work


@pytest.mark.large
@pytest.mark.timeout(600)
def test_a_second_walk_runs_nothing_and_says_the_same(run_jobs: Drain) -> None:
    work = loop(TINY, run_jobs)
    first = summary(work.cast.atlas, work.cast.assistant, seed=0)
    assert first["ppo"] is not None
    assert [row["kind"] for row in first["jobs"]].count("ppo") == 1
    rankings = Ranking.objects.count()

    def nothing_waits() -> list[Job]:
        raise AssertionError("a second walk waits for a job")

    again = loop(TINY, nothing_waits)
    assert summary(again.cast.atlas, again.cast.assistant, seed=0) == first
    assert Ranking.objects.count() == rankings
    assert {row["attempts"] for row in first["jobs"]} == {1}


@pytest.mark.large
@pytest.mark.timeout(600)
def test_a_gate_that_refuses_twice_ends_the_loop_before_ppo(run_jobs: Drain) -> None:
    work = loop(replace(TINY, gate_accuracy=1.01), run_jobs)
    told = summary(work.cast.atlas, work.cast.assistant, seed=0, refusal=work.refusal)
    assert told["outcome"] == "refused"
    assert "wanted at least 1.01" in told["reason"]
    kinds = [row["kind"] for row in told["jobs"]]
    assert (kinds.count("reward-model"), kinds.count("ppo")) == (2, 0)
    questions = Ranking.objects.filter(source="simulated").values_list("item__prompt__key", flat=True)
    assert len(questions) == 2 * len(set(questions)), "the second round ranks every question once more"
