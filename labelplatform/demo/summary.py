"""What the loop showed, as JSON: every figure is a row of the database, none is kept by the demo itself."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from labelplatform.accounts.models import Project
from labelplatform.demo import atlas_project
from labelplatform.demo.recipe import ALWAYS_ABSTAIN
from labelplatform.evaluations.models import ComparisonRun, EvaluationRun, MeasuredEffect, PolicyRating
from labelplatform.jobs.models import Job
from labelplatform.prompts.models import Response
from labelplatform.reports.queries.regression import knowledge_lost
from labelplatform.snapshots.models import Snapshot
from labelplatform.training.models import TrainingRun

CLOSED, REFUSED, OPEN = "closed", "refused", "not closed yet"
FORGETTING, NO_GAIN = "bought by forgetting", "closed without a gain"
Figures = dict[str, Any]


def summary(atlas: Project, assistant: Project, *, seed: int, refusal: str = "") -> Figures:
    """The whole summary; what has not been measured yet is null."""
    comparison = ComparisonRun.objects.filter(project=atlas, report__isnull=False).order_by("-pk").first()
    reward_model = _last(atlas, TrainingRun.Kind.REWARD_MODEL)
    outcome, reason = _outcome(comparison, refusal)
    return {
        "outcome": outcome,
        "reason": reason,
        **_labels(atlas, reward_model),
        "reward_model": _agreement(reward_model),
        "ppo": _ppo(atlas, comparison),
        "leaderboard": _leaderboard(atlas),
        "regression": _regression(comparison),
        "measured": _measured(assistant),
        "seed": seed,
        "jobs": [
            {"id": job.pk, "kind": job.kind, "state": job.state, "attempts": job.attempts}
            for job in _jobs(atlas, assistant)
        ],
        "sampled_here": Response.objects.filter(
            prompt__prompt_set__project=assistant, recorded=False
        ).count(),
        "seconds": _seconds(_jobs(atlas, assistant)),
    }


def _jobs(*projects: Project) -> QuerySet[Job]:
    return Job.objects.filter(project__in=projects).order_by("pk")


def _last(project: Project, kind: str) -> TrainingRun | None:
    runs = TrainingRun.objects.filter(project=project, kind=kind, output__isnull=False)
    return runs.select_related("output").order_by("-pk").first()


def _outcome(comparison: ComparisonRun | None, refusal: str) -> tuple[str, str]:
    if refusal:
        return REFUSED, refusal
    if comparison is None:
        return OPEN, ""
    lost = knowledge_lost(list(comparison.effects.all()))
    if lost:
        return FORGETTING, lost
    grade = effects(comparison)["grade"]
    if grade.low is None or grade.low <= 0:
        return NO_GAIN, f"the interval of the gain, {grade.low} to {grade.high}, does not lie above zero"
    return CLOSED, ""


def effects(comparison: ComparisonRun) -> Mapping[str, MeasuredEffect]:
    """The comparison's effects over all questions, by metric."""
    return {effect.name: effect for effect in comparison.effects.filter(group="")}


def _labels(atlas: Project, reward_model: TrainingRun | None) -> Figures:
    if reward_model is None or reward_model.output is None:
        return {"rankings": None, "pairs": None}
    snapshot = Snapshot.objects.get(project=atlas, artifact__in=reward_model.job.inputs.all())
    metrics = reward_model.output.detail["metrics"]
    return {
        "rankings": snapshot.counts["rankings"],
        "pairs": metrics["pairs"] + metrics["heldout_pairs"],
    }


def _agreement(reward_model: TrainingRun | None) -> Figures | None:
    run = EvaluationRun.objects.filter(
        subject=reward_model.output if reward_model else None, suite="reward-agreement", report__isnull=False
    ).first()
    if run is None:
        return None
    accuracy = run.metrics.get(name="pair_accuracy", group="")
    assert reward_model is not None
    assert reward_model.output is not None
    trained = reward_model.output.detail["metrics"]
    # An accuracy over a few pairs moves in steps; the loss and the mean scores move with every ranking.
    fine = {name: trained.get(name) for name in ("heldout_loss", "score_by_flag")}
    shares = {"low": accuracy.low, "high": accuracy.high, "n": accuracy.n}
    return {"heldout_accuracy": accuracy.value, **shares, **fine}


def _ppo(atlas: Project, comparison: ComparisonRun | None) -> Figures | None:
    run = _last(atlas, TrainingRun.Kind.PPO)
    if comparison is None or run is None or run.output is None:
        return None
    by_name = effects(comparison)
    trained = run.output.detail["metrics"]
    grade = by_name["grade"]
    shares = {
        f"{name}_{when}": value
        for name in ("right", "abstained", "wrong")
        for when, value in (
            ("before", by_name[name].baseline_value),
            ("after", by_name[name].candidate_value),
        )
    }
    return {
        "grade_before": grade.baseline_value,
        "grade_after": grade.candidate_value,
        "gain": grade.value,
        "low": grade.low,
        "high": grade.high,
        "n": grade.n,
        **shares,
        "always_abstain": ALWAYS_ABSTAIN,
        "score_before": trained["score_before"],
        "score_after": trained["score_after"],
        "kl": trained["kl"],
        "updates": trained["updates"],
    }


def _leaderboard(atlas: Project) -> list[Figures]:
    ratings = PolicyRating.objects.filter(run__project=atlas).order_by("-run_id", "-value")
    newest = ratings.first()
    return [
        {"policy": row.group, "rating": row.value, "low": row.low, "high": row.high, "n": row.n}
        for row in (ratings.filter(run=newest.run) if newest else [])
    ]


def _measured(assistant: Project) -> list[Figures]:
    """What was measured of the model with real weights, by evaluation, each figure over all items."""
    runs = EvaluationRun.objects.filter(project=assistant, report__isnull=False).order_by("pk")
    return [
        {
            "name": run.name,
            "suite": run.suite,
            "variant": run.variant,
            "figures": list(run.metrics.filter(group="").values("name", "value", "low", "high", "n")),
        }
        for run in runs
    ]


def _regression(comparison: ComparisonRun | None) -> Figures | None:
    if comparison is None:
        return None
    rows = comparison.effects.order_by("group", "name")
    metrics = [
        {"name": row.name, "group": row.group, "value": row.value, "low": row.low, "high": row.high,
         "verdict": row.verdict} for row in rows
    ]  # fmt: skip
    return {"verdict": comparison.verdict, "metrics": metrics}


def _seconds(jobs: QuerySet[Job]) -> dict[str, float]:
    """Seconds of each stage's last attempt; jobs of one kind add up, and may have run side by side."""
    taken: dict[str, float] = {}
    for job in jobs:
        if job.started_at and job.finished_at:
            spent = (job.finished_at - job.started_at).total_seconds()
            stage = f"{job.project.slug}: {job.kind}"
            taken[stage] = round(taken.get(stage, 0.0) + spent, 1)
    return taken


def seed_of(atlas: Project) -> int | None:
    """The seed this database's demo was begun with."""
    run = TrainingRun.objects.filter(
        project=atlas, kind=TrainingRun.Kind.PRETRAIN, name=atlas_project.BASE
    ).first()
    return int(run.job.spec["settings"]["seed"]) if run else None
