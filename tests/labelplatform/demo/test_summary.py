"""The summary's figures are rows of the database, and its verdict does not flatter."""

from dataclasses import dataclass
from typing import Any

import pytest

from labelplatform.accounts.models import Project
from labelplatform.demo.story import sentences
from labelplatform.demo.summary import summary
from labelplatform.evaluations import services as evaluations
from labelplatform.evaluations.models import ComparisonRun, MeasuredEffect, MeasuredMetric
from labelplatform.jobs.models import Artifact, Job
from tests.labelplatform.builders import build_artifact, build_project
from tests.labelplatform.world import Stock, build_stock, finish

pytestmark = pytest.mark.django_db

KEYS = "rankings pairs reward_model ppo leaderboard regression seed jobs sampled_here seconds".split()
PPO_KEYS = (
    "grade_before grade_after gain low high right_before right_after abstained_after wrong_after always_abstain "
    "score_before score_after kl updates"
).split()


FINE: dict[str, Any] = {"heldout_loss": 0.52, "score_by_flag": {"correct": 0.7, "hallucination": -0.4}}


@dataclass
class Loop:
    """A finished loop as its jobs would have left it."""

    stock: Stock
    assistant: Project
    comparison: ComparisonRun

    def told(self, **more: str) -> dict[str, Any]:
        return summary(self.stock.project, self.assistant, seed=3, **more)

    def change(self, name: str, value: float) -> None:
        self.comparison.effects.filter(name=name, group="").update(
            value=value, low=value - 0.5, high=value + 0.5
        )

    def often(self, value: float) -> None:
        self.comparison.effects.filter(name="grade", group="tier=often").update(candidate_value=value)


@pytest.fixture
def loop(db: None) -> Loop:
    stock = build_stock("atlas")
    assert stock.comparison is not None
    reward_model, ppo = stock.runs
    assert reward_model.output is not None
    metrics = {"heldout_accuracy": 0.81, "pairs": 18, "heldout_pairs": 7, **FINE}
    Artifact.objects.filter(pk=reward_model.output.pk).update(detail={"metrics": metrics})
    by = stock.people["researcher"]
    agreement = evaluations.start_evaluation(
        project=stock.project, name="agreement", suite="reward-agreement", variant="", data=None, seed=0,
        subject=reward_model.output, by=by,
    )  # fmt: skip
    finish(agreement.job)
    agreement.report = build_artifact(stock.project, Artifact.Kind.REPORT, "agreement", made_by=agreement.job)
    agreement.save()
    MeasuredMetric.objects.create(run=agreement, name="pair_accuracy", value=0.81, low=0.7, high=0.9, n=60)
    finish(ppo.job)
    trained = {"score_before": -1.2, "score_after": 0.3, "kl": 0.9, "updates": 40}
    ppo.output = build_artifact(
        stock.project, Artifact.Kind.POLICY, ppo.name, made_by=ppo.job, detail={"metrics": trained}
    )
    ppo.save()
    MeasuredEffect.objects.create(
        run=stock.comparison, name="grade", group="tier=often", value=0.1, low=0.0, high=0.2, baseline_value=0.8,
        candidate_value=0.9, better="higher",
    )  # fmt: skip
    MeasuredEffect.objects.create(
        run=stock.comparison, name="abstained", value=0.3, low=0.2, high=0.4, baseline_value=0.1,
        candidate_value=0.4, better="neither",
    )  # fmt: skip
    return Loop(stock, build_project("assistant"), stock.comparison)


def test_it_has_every_figure_that_is_promised(loop: Loop) -> None:
    told = loop.told()
    assert set(KEYS) <= set(told)
    assert set(PPO_KEYS) <= set(told["ppo"])
    assert told["reward_model"] == {"heldout_accuracy": 0.81, "low": 0.7, "high": 0.9, "n": 60, **FINE}
    assert told["rankings"] == 2
    assert told["pairs"] == 25
    assert told["seed"] == 3
    assert told["ppo"]["gain"] == 0.11
    assert told["ppo"]["always_abstain"] == 0.5
    assert told["ppo"]["wrong_after"] == pytest.approx(0.30)
    assert (told["ppo"]["score_before"], told["ppo"]["score_after"], told["ppo"]["kl"]) == (-1.2, 0.3, 0.9)
    assert [row["rating"] for row in told["leaderboard"]] == [1062.0, 1004.0, 934.0]
    assert set(told["leaderboard"][0]) >= {"policy", "rating", "low", "high"}
    assert told["regression"]["verdict"] == "improvement"
    assert {row["name"] for row in told["regression"]["metrics"]} == {"grade", "right", "wrong", "abstained"}


def test_it_names_every_job_of_both_projects(loop: Loop) -> None:
    told = loop.told()
    jobs = Job.objects.filter(project__in=[loop.stock.project, loop.assistant])
    assert {row["id"]: (row["kind"], row["state"], row["attempts"]) for row in told["jobs"]} == {
        job.pk: (job.kind, job.state, job.attempts) for job in jobs
    }
    assert all(seconds >= 0 for seconds in told["seconds"].values())


def test_a_loop_that_gained_is_closed(loop: Loop) -> None:
    assert loop.told()["outcome"] == "closed"
    assert not [sentence for sentence in sentences(loop.told()) if "forgetting" in sentence]


def test_losing_what_it_knew_is_bought_by_forgetting(loop: Loop) -> None:
    loop.change("right", -0.05)
    assert loop.told()["outcome"] == "closed"
    loop.change("right", -0.051)
    told = loop.told()
    assert told["outcome"] == "bought by forgetting"
    assert "0.051" in told["reason"]
    assert any("forgetting" in sentence for sentence in sentences(told))


def test_no_better_than_abstaining_where_it_could_know_is_bought_by_forgetting(loop: Loop) -> None:
    loop.often(0.5)
    assert loop.told()["outcome"] == "bought by forgetting"
    loop.often(0.501)
    assert loop.told()["outcome"] == "closed"


def test_a_loop_whose_gain_may_be_chance_says_so(loop: Loop) -> None:
    loop.comparison.effects.filter(name="grade", group="").update(low=0.0)
    told = loop.told()
    assert told["outcome"] == "closed without a gain"
    assert sentences(told)[-1].startswith("Closed without a gain: the interval of the gain, 0.0 to")
    loop.comparison.effects.filter(name="grade", group="").update(low=0.001)
    assert loop.told()["outcome"] == "closed"


def test_what_was_forgotten_counts_even_where_nothing_was_gained(loop: Loop) -> None:
    loop.change("grade", -0.2)
    loop.change("right", -0.2)
    assert loop.told()["outcome"] == "bought by forgetting"


def test_a_refusal_is_told_with_its_reason(loop: Loop) -> None:
    told = loop.told(refusal="it cannot tell right from wrong")
    assert (told["outcome"], told["reason"]) == ("refused", "it cannot tell right from wrong")
    assert sentences(told) == ["The loop was refused before PPO: it cannot tell right from wrong"]


def test_before_anything_ran_every_figure_is_null() -> None:
    told = summary(build_project("atlas"), build_project("assistant"), seed=0)
    assert told["outcome"] == "not closed yet"
    assert told["reward_model"] is None
    assert told["ppo"] is None
    assert told["leaderboard"] == []
    assert (told["rankings"], told["pairs"], told["jobs"], told["sampled_here"]) == (None, None, [], 0)
