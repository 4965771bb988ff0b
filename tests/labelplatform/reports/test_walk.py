"""The whole walk with real, tiny children: text → model → rankings → reward model → PPO → evaluation → leaderboard.

Nothing is imitated: every job is a real `python -m trainer` or `python -m evaluator`, and every figure that a page
would show is looked for in the file its child wrote.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from evaluator.report_files import read_report
from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.evaluations import services as evaluations
from labelplatform.evaluations.models import EvaluationRun, MeasuredEffect, MeasuredMetric, PolicyRating
from labelplatform.jobs import kinds
from labelplatform.jobs.models import Artifact, Job
from labelplatform.labels import services as labels
from labelplatform.reports.queries.lineage import lineage
from labelplatform.snapshots.models import Snapshot
from labelplatform.snapshots.services import freeze_snapshot
from labelplatform.training import services as training
from labelplatform.training.models import TrainingRun

Drain = Callable[[], list[Job]]
PLACES = {
    f"Town{letter}": country for letter, country in zip("abcdefghij", ["Peru", "Chad"] * 5, strict=True)
}
TINY = {
    "layers": 1,
    "width": 16,
    "heads": 2,
    "vocabulary": 300,
    "context": 64,
    "steps": 4,
    "batch_tokens": 128,
}


def question(town: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"Where is {town}?"}]


def prompt_lines() -> list[dict[str, Any]]:
    return [
        {"id": town, "prompt": question(town), "references": [country], "slices": {"land": country}}
        for town, country in PLACES.items()
    ]


def ranking_lines(names: list[str]) -> list[dict[str, Any]]:
    """Two answers of each policy to each question, the right one first, in both orders of policies."""
    lines = []
    for number, (town, country) in enumerate(PLACES.items()):
        first, second = names if number % 3 else reversed(names)
        answers = [("r", f"{country}.", first), ("a", "I do not know.", second), ("w", "Mars.", second)]
        lines.append(
            {
                "id": f"ranking-{town}",
                "prompt": question(town),
                "prompt_id": town,
                "responses": [
                    {"id": f"{town}-{key}", "text": text, "policy": name} for key, text, name in answers
                ],
                "tiers": [[f"{town}-r"], [f"{town}-a"], [f"{town}-w"]],
                "annotator": "a rule",
                "kind": "ranking",
                "source": "import",
            }
        )
    return lines


@dataclass
class Walk:
    """What stands at the end of the street."""

    project: Project
    by: User
    drain: Drain
    runs: dict[str, TrainingRun]
    snapshot: Snapshot
    evaluated: list[EvaluationRun]

    def finish(self) -> None:
        """Run what waits; every job must succeed."""
        assert [(job.kind, job.state, job.failure) for job in self.drain() if job.state != "succeeded"] == []
        for run in self.runs.values():
            run.refresh_from_db()

    def made(self, name: str) -> Artifact:
        output = self.runs[name].output
        assert output is not None
        return output


def train(walk: Walk) -> None:
    given: dict[str, Any] = {"project": walk.project, "by": walk.by}
    text = "\n\n".join(f"{town} is in {country}." for town, country in PLACES.items())
    corpus = training.store_corpus(name="towns", files={"towns.txt": text}, **given)
    walk.runs["base"] = training.start_pretraining(name="base", corpus=corpus, settings=TINY, **given)
    walk.finish()
    shown = [
        {"id": town, "prompt": question(town), "response": f"{country}.", "annotator": "a rule"}
        for town, country in PLACES.items()
    ]
    demonstrations = training.store_corpus(name="shown", files={"demonstrations.jsonl": shown}, **given)
    walk.runs["before"] = training.start_sft(
        name="before", demonstrations=demonstrations, model=walk.made("base"), settings={"epochs": 1}, **given
    )
    walk.finish()


def rank_and_learn(walk: Walk) -> None:
    given: dict[str, Any] = {"project": walk.project, "by": walk.by}
    campaign = labels.create_campaign(name="imported", source="import", overlap=0, **given)
    labels.record_rankings(campaign=campaign, rankings=ranking_lines(["before", "base"]), by=walk.by)
    walk.snapshot = freeze_snapshot(name="first", **given)
    walk.finish()
    walk.snapshot.refresh_from_db()
    walk.runs["rewards"] = training.start_reward_model(
        name="rewards", snapshot=walk.snapshot, model=walk.made("before"), settings={"epochs": 1}, **given
    )
    walk.finish()
    prompts = evaluations.store_questions(name="practice", lines=prompt_lines(), **given)
    walk.runs["after"] = training.start_ppo(
        name="after",
        prompts=prompts,
        policy=walk.made("before"),
        reward_model=walk.made("rewards"),
        validation=prompts,
        settings={
            "updates": 1,
            "episodes": 4,
            "minibatch_size": 4,
            "max_new_tokens": 4,
            "validation_function": "evaluator.metrics.closed_book:grades",
            "validate_every": 1,
            "keep_best": "grade",
        },
        **given,
    )
    walk.finish()


def measure(walk: Walk) -> None:
    given: dict[str, Any] = {"project": walk.project, "by": walk.by, "seed": 0}
    data = Artifact.objects.get(project=walk.project, kind="questions", name="practice")
    asked: dict[str, Any] = {
        "suite": "hallucination-open-domain",
        "variant": "closed-book",
        "data": data,
        "max_new_tokens": 4,
    }
    walk.evaluated = [
        evaluations.start_evaluation(name=f"{name} asked", subject=walk.made(name), **asked, **given)
        for name in ("before", "after")
    ]
    walk.evaluated.append(
        evaluations.start_evaluation(
            name="agreement",
            suite="reward-agreement",
            variant="pairwise",
            subject=walk.made("rewards"),
            data=None,
            **given,
        )
    )
    walk.finish()
    for run in walk.evaluated:
        run.refresh_from_db()


@pytest.fixture
def walk(run_jobs: Drain, project: Project, rosa: User) -> Walk:
    walk = Walk(project, rosa, run_jobs, {}, Snapshot(), [])
    train(walk)
    rank_and_learn(walk)
    measure(walk)
    return walk


def report_of(artifact: Artifact | None) -> Any:
    assert artifact is not None
    return read_report(artifact.path)


def check_models(walk: Walk) -> None:
    """Each model folder is digested, linked to its run, and carries the figures its child wrote."""
    for name, kind in {
        "base": "base_model",
        "before": "policy",
        "rewards": "reward_model",
        "after": "policy",
    }.items():
        output = walk.made(name)
        assert (output.kind, output.name, output.made_by) == (kind, name, walk.runs[name].job)
        assert output.folder == f"jobs/{walk.runs[name].job.pk}/attempt-1/out"
        assert (output.path / "model.safetensors").exists()
        outcome = json.loads((output.path / "outcome.json").read_text())
        assert output.detail["metrics"] == outcome["metrics"]
    assert walk.made("rewards").detail["metrics"]["pairs"] > 0


def check_evaluations(walk: Walk) -> None:
    """Every metric of a report is a row, once, with the same figures."""
    for run in walk.evaluated:
        written = {
            (m.name, m.group or ""): (m.value, m.low, m.high, m.n) for m in report_of(run.report).metrics
        }
        stored = {(m.name, m.group): (m.value, m.low, m.high, m.n) for m in run.metrics.all()}
        assert stored == written
        assert stored


def check_comparison(walk: Walk) -> None:
    run = evaluations.start_comparison(baseline=walk.evaluated[0], candidate=walk.evaluated[1], by=walk.by)
    assert (
        evaluations.start_comparison(baseline=walk.evaluated[0], candidate=walk.evaluated[1], by=walk.by)
        == run
    )
    walk.finish()
    run.refresh_from_db()
    report = report_of(run.report)
    assert run.verdict == report.extra["verdict"]
    stored = {
        (e.name, e.group): (e.value, e.low, e.high, e.baseline_value, e.verdict) for e in run.effects.all()
    }
    said = {(v.name, v.group or ""): v.verdict for v in report.verdicts}
    assert stored == {
        (m.name, m.group or ""): (
            m.value,
            m.low,
            m.high,
            m.extra["baseline"],
            said.get((m.name, m.group or ""), ""),
        )
        for m in report.metrics
    }


def check_leaderboard(walk: Walk) -> None:
    run = evaluations.start_leaderboard(snapshot=walk.snapshot, by=walk.by)
    walk.finish()
    run.refresh_from_db()
    written = {
        m.group: (m.value, m.low, m.high, m.n) for m in report_of(run.report).metrics if m.name == "rating"
    }
    stored = {r.group: (r.value, r.low, r.high, r.n) for r in run.ratings.all()}
    assert stored == written
    assert {rating.policy for rating in run.ratings.all()} == {walk.made("before"), walk.made("base")}


def check_collected_once(walk: Walk) -> None:
    """Collecting a finished job again, as after a lost answer, adds nothing."""

    def count() -> tuple[int, ...]:
        counted = (Artifact, MeasuredMetric, MeasuredEffect, PolicyRating, AuditEntry)
        return tuple(model.objects.count() for model in counted)

    before = count()
    for job in Job.objects.exclude(kind="snapshot"):
        kinds.get(job.kind).collect(job, job.run_folder)
    assert count() == before


def check_pages(walk: Walk, browser: Client) -> None:
    """From a leaderboard row to the rankings behind it in two clicks, and every page of the street opens."""
    slug = walk.project.slug
    board = browser.get(f"/p/{slug}/reports/").content.decode()
    rating = PolicyRating.objects.get(group="before")
    first = f"/p/{slug}/reports/lineage/{rating.policy_id}/?rating={rating.pk}"
    assert first in board
    second = f"/p/{slug}/reports/rankings/{walk.snapshot.pk}/?rating={rating.pk}"
    assert second in browser.get(first).content.decode()
    behind = browser.get(second).content.decode()
    assert behind.count("Where is Town") == rating.n
    for run in walk.runs.values():
        page = browser.get(f"/p/{slug}/training/{run.pk}/").content.decode()
        assert run.name in page
        assert "<svg" in page
        assert f"-m trainer {run.kind}" in page


def test_the_whole_walk(walk: Walk, sign_in: Callable[[User], Client]) -> None:
    check_models(walk)
    check_evaluations(walk)
    check_comparison(walk)
    check_leaderboard(walk)
    check_collected_once(walk)
    check_pages(walk, sign_in(walk.by))
    stages = [stage.cards for stage in lineage(walk.made("after")).stages]
    assert [len(cards) for cards in stages][:5] == [2, 1, 1, 1, 1]
    assert {Path(origin.artifact.folder).parts[0] for origin in lineage(walk.made("after")).origins} == {
        "jobs",
        "stored",
    }
