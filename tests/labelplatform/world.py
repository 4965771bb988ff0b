"""Two projects with something in every room, made by the product's own verbs; only what a job would have written
into the database and its folders is put there directly, so that no model is trained for a look at a page.

Secrets that nobody who ranks may ever see are planted where they are kept: see `SECRETS`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from labelplatform.accounts.models import Membership, Project, Role, User
from labelplatform.chat import services as chat
from labelplatform.chat.models import Answer
from labelplatform.evaluations import services as evaluations
from labelplatform.evaluations.item_keeping import keep_items
from labelplatform.evaluations.models import (
    ComparisonRun,
    EvaluationRun,
    LeaderboardRun,
    MeasuredEffect,
    MeasuredMetric,
    PolicyRating,
)
from labelplatform.jobs.models import Artifact, Job
from labelplatform.labels import services as labels
from labelplatform.labels.models import Adjudication, Campaign, QueueOrder, Ranking, Review, Slot
from labelplatform.labels.queue_orders import waiting_items
from labelplatform.labels.services.queue_orders import Choice, ChosenLine, keep_order
from labelplatform.ladders.models import EmergenceRun, Ladder
from labelplatform.prompts import services as prompts
from labelplatform.prompts.models import PromptSet
from labelplatform.snapshots.models import Snapshot
from labelplatform.snapshots.services import freeze_snapshot
from labelplatform.training import rounds
from labelplatform.training import services as training
from labelplatform.training.models import Round, TrainingRun
from tests.labelplatform.builders import build_artifact, build_project, build_user

POLICIES = ("secretpolicy-before", "secretpolicy-after", "secretpolicy-recorded")
SECRETS = (
    "secretpolicy",
    "secretgold",
    "secretanswer",
    "secretperson",
    "secretnote",
    "secretflag",
)
GUIDELINES = """# What is better

Right before *I do not know* before wrong. Ties are rare.

::: good
Lisbon is in Portugal.
:::
::: bad
It is in Spain, on the Ebro.
:::
"""
TEXTS = (
    "Lisbon lies on the **Tagus**, close to the Atlantic.",
    "I do not know.",
    "It is in Spain, on the Ebro.\n\n- a river\n- a bridge",
    "Lisbon is in Portugal.",
    "Portugal! It has been its capital since 1255.",
)
# Prompts of this world know secret answers, which the page of an honesty check would show.
SINGLES: dict[str, dict[str, object]] = {
    "rating": {},
    "honesty": {"reference": "never"},
    "spans": {},
    "demonstration": {},
}
CURVES: dict[str, Callable[[float], dict[str, float]]] = {
    "reward-model": lambda x: {
        "loss": 0.7 - 0.4 * x,
        "heldout_loss": 0.7 - 0.3 * x,
        "heldout_accuracy": 0.5 + 0.3 * x,
    },
    "ppo": lambda x: {
        "score": 2 * x - 0.5,
        "kl": 3 * x * x,
        "reward": 1.5 * x,
        "entropy": 2 - x,
        "validation_grade": 0.4 + 0.2 * x,
    },
}


@dataclass
class Stock:
    """One project with its people and one of each thing."""

    project: Project
    people: dict[str, User]
    prompt_set: PromptSet
    policies: list[Artifact]
    campaign: Campaign
    held: Slot
    ranking: Ranking
    snapshot: Snapshot
    runs: list[TrainingRun] = field(default_factory=list)
    round: Round = field(init=False)
    evaluation: EvaluationRun = field(init=False)
    comparison: ComparisonRun | None = None
    leaderboard: LeaderboardRun | None = None
    code: EvaluationRun = field(init=False)
    answer: Answer = field(init=False)
    # What ada holds of campaigns of single answers, by their kind.
    singles: dict[str, Slot] = field(default_factory=dict)
    order: QueueOrder = field(init=False)
    decision: Adjudication = field(init=False)
    review: Review = field(init=False)
    ladder: Ladder = field(init=False)
    emergence: EmergenceRun = field(init=False)


def build_stock(slug: str, prefix: str = "") -> Stock:
    """A project in full; `prefix` keeps the people of two projects apart."""
    people = {
        role: build_user(f"{prefix}{name}")
        for role, name in {
            "annotator": "ada",
            "second": "secretperson-ben",
            "reviewer": "vera",
            "researcher": "rosa",
            "administrator": "ingrid",
        }.items()
    }
    project = build_project(slug, **{role: people[role] for role in Role.values})
    Membership.objects.create(project=project, user=people["second"], role=Role.ANNOTATOR)
    policies = [build_artifact(project, Artifact.Kind.POLICY, name) for name in POLICIES[:2]]
    prompt_set = _prompts(project, people["researcher"])
    campaign = labels.create_campaign(
        project=project,
        name="Cities",
        by=people["researcher"],
        guidelines="# What is better\n\nRight before *I do not know* before wrong. Ties are welcome.",
        overlap=2,
    )
    labels.add_items(campaign=campaign, prompts=list(prompt_set.prompts.all()), by=people["researcher"])
    ranking = _rank(campaign, people["annotator"], reverse=False)
    _rank(campaign, people["second"], reverse=True)
    held = labels.claim(campaign=campaign, annotator=people["annotator"])
    theirs = labels.claim(campaign=campaign, annotator=people["second"])
    assert held is not None
    assert theirs is not None
    right = list(held.item.placed_responses.values_list("response", flat=True))
    told: dict[str, Any] = {"explanation": "secretgold: Portugal.", "by": people["researcher"]}
    labels.set_gold(item=held.item, tiers=[[right[0]], right[1:]], **told)
    labels.save_draft(slot=theirs, annotator=people["second"], state={"note": "secretnote"})
    _set_aside(campaign, theirs, people)
    stock = Stock(
        project, people, prompt_set, policies, campaign, held, ranking, _freeze(project, people["researcher"])
    )
    _review(stock)
    _train(stock)
    _evaluate(stock)
    stock.singles = {kind: _single(stock, kind, asks) for kind, asks in SINGLES.items()}
    stock.order = _choose(stock)
    stock.ladder, stock.emergence = _climb(stock)
    stock.answer = _talk(stock, people["annotator"])
    _talk(stock, people["second"])
    return stock


def _set_aside(campaign: Campaign, theirs: Slot, people: dict[str, User]) -> None:
    """A deadline, and an item that somebody could not judge."""
    settings = {"skip_limit": 1, "deadline": timezone.now() + timedelta(days=9)}
    labels.set_settings(campaign=campaign, settings=settings, by=people["researcher"])
    other = labels.claim(campaign=campaign, annotator=people["second"], beside=theirs.lease_token)
    assert other is not None
    assert other.lease_token is not None
    labels.skip(token=other.lease_token, by=people["second"], reason="language", note="secretnote")


def _prompts(project: Project, by: User) -> PromptSet:
    prompt_set = prompts.create_prompt_set(
        project=project, name="City questions", purpose="Where is it?", by=by
    )
    for number in range(6):
        prompt: dict[str, Any] = {
            "id": f"city-{number}",
            "prompt": [{"role": "user", "content": f"In which country is Lisbon? ({number})"}],
            "references": ["secretgold-Portugal"],
        }
        prompts.import_prompts(prompt_set=prompt_set, lines=[prompt], by=by)
        lines = [
            {
                **prompt,
                "response": text,
                "response_id": f"secretanswer-{number}-{place}",
                "policy": POLICIES[place % 3],
                "seed": place,
                "sampling": {"temperature": 0.8},
            }
            for place, text in enumerate(TEXTS)
        ]
        prompts.import_responses(prompt_set=prompt_set, lines=lines, by=by, recorded=number % 2 == 0)
    return prompt_set


def _single(stock: Stock, kind: str, asks: dict[str, object]) -> Slot:
    """A campaign of single answers: ada's label and ben's, who raises a flag, and the item that ada holds."""
    campaign = labels.create_campaign_over(
        prompts=stock.prompt_set.prompts.prefetch_related("responses"),
        project=stock.project,
        name=f"Cities, {kind}",
        by=stock.people["researcher"],
        kind=kind,
        overlap=2,
        stages=labels.Stages(asks=asks),
    )
    for who in ("annotator", "second"):
        slot = labels.claim(campaign=campaign, annotator=stock.people[who])
        assert slot is not None
        assert slot.lease_token is not None
        labels.submit_label(
            slot=slot,
            lease_token=slot.lease_token,
            submission=uuid.uuid4(),
            body=_said(campaign, who),
            seconds=21.5,
            by=stock.people[who],
        )
    held = labels.claim(campaign=campaign, annotator=stock.people["annotator"])
    assert held is not None
    return held


def _said(campaign: Campaign, who: str) -> dict[str, object]:
    """What a person says in a campaign of single answers: ben, beside the others, something of his own."""
    mine = who == "second"
    if campaign.kind == "spans":
        return {"spans": [{"start": 0, "end": 6, "kind": "wrong-attribution" if mine else "contradicts"}]}
    if campaign.kind == "demonstration":
        return {"response": "A secretnote of Lisbon." if mine else "In Portugal."}
    names = campaign.asks.get("names") or ["truthful", "informative"]
    flag = "hedges" if campaign.kind == "honesty" else "harmful-advice"
    return {"ratings": dict.fromkeys(names, 6), "flags": [flag] if mine else []}


def _rank(campaign: Campaign, annotator: User, *, reverse: bool) -> Ranking:
    slot = labels.claim(campaign=campaign, annotator=annotator)
    assert slot is not None
    assert slot.lease_token is not None
    ids = list(slot.item.placed_responses.values_list("response_id", flat=True))
    if reverse:
        ids.reverse()
    return labels.submit_ranking(
        slot=slot,
        lease_token=slot.lease_token,
        submission=uuid.uuid4(),
        tiers=[[ids[0]], ids[1:3], *[[one] for one in ids[3:]]],
        seconds=41.5,
        by=annotator,
    )


def _review(stock: Stock) -> None:
    """A second version of the guidelines, an item that waits for a decision, a label looked at and one to look at."""
    vera, campaign = stock.people["reviewer"], stock.campaign
    labels.publish_guidelines(
        campaign=campaign,
        by=stock.people["researcher"],
        english=GUIDELINES,
        chinese="# 什么更好\n\n正确优于*我不知道*，*我不知道*优于错误。",
        note="Ties only where nothing tells two answers apart.",
    )
    stock.decision = labels.ask_for_decision(item=stock.ranking.item, by=vera)
    drawn: dict[str, Any] = {"campaign": campaign, "share": 1, "by": vera}
    (stock.review,) = labels.draw_reviews(annotator=stock.people["second"], **drawn)
    (theirs,) = labels.draw_reviews(annotator=stock.people["annotator"], **drawn)
    _reckon(stock)
    labels.review_label(
        review=theirs, verdict="returned", by=vera, note="Portugal is the country: look again."
    )


def _reckon(stock: Stock) -> None:
    """The reliability of two people, as a worker would have left it."""
    run = labels.compute_reliability(campaign=stock.campaign, by=stock.people["researcher"])
    finish(run.job)
    nothing = {
        "value": None,
        "low": None,
        "high": None,
        "n": 1,
        "reason": "not enough data: 1 item, wanted 10",
    }
    run.figures = [
        {
            "user": stock.people["annotator"].pk,
            "reliability": {"value": 0.9, "low": 0.5, "high": 1.3, "n": 30, "reason": ""},
            "accuracy": {"value": 0.74, "low": 0.65, "high": 0.8, "n": 30, "reason": ""},
        },
        {"user": stock.people["second"].pk, "reliability": nothing, "accuracy": nothing},
    ]
    run.report = build_artifact(
        stock.project,
        Artifact.Kind.REPORT,
        "annotator reliability",
        files={"report.json": json.dumps({"format": "labelplatform-report/1"})},
        made_by=run.job,
    )
    run.labels, run.items = 2, 1
    run.save()


def finish(job: Job, *, seconds: int = 60) -> Job:
    """The row of a job that has succeeded, as its worker would have left it."""
    now = timezone.now()
    job.state, job.attempts, job.fence = Job.State.SUCCEEDED, 1, 1
    job.started_at, job.finished_at = now - timedelta(seconds=seconds), now
    job.progress = {"step": 100, "steps": 100, "seconds": seconds}
    job.log_tail = "step 100 of 100\n"
    job.argv = ["python", "-m", "trainer", job.kind]
    job.save()
    _write_progress(job, 100)
    return job


def begin(job: Job) -> Job:
    """The row of a job in its first attempt, 40 of 100 steps on."""
    now = timezone.now()
    job.state, job.attempts, job.fence = Job.State.RUNNING, 1, 1
    job.started_at, job.heartbeat_at = now - timedelta(seconds=30), now
    job.progress = {"step": 40, "steps": 100, "seconds": 30.0}
    job.save()
    _write_progress(job, 40)
    return job


def _falling_loss(done: float) -> dict[str, float]:
    return {"loss": 3 - 2 * done}


def _write_progress(job: Job, steps: int) -> None:
    folder = Path(settings.ARTIFACTS_DIR) / job.out_folder
    folder.mkdir(parents=True, exist_ok=True)
    curve = CURVES.get(job.kind, _falling_loss)
    lines = [
        {"step": step, "steps": 100, "seconds": step * 0.75, **curve(step / 100)}
        for step in range(1, steps + 1)
    ]
    (folder / "progress.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def _freeze(project: Project, by: User) -> Snapshot:
    snapshot = freeze_snapshot(project=project, name="first", by=by)
    assert snapshot.job is not None
    finish(snapshot.job, seconds=2)
    manifest = {"counts": {"rankings": 2, "prompts": 2}, "split": {"heldout_share": 0.2}}
    snapshot.artifact = build_artifact(
        project,
        Artifact.Kind.SNAPSHOT,
        "first",
        files={"manifest.json": json.dumps(manifest), "rankings.jsonl": "{}\n"},
        made_by=snapshot.job,
    )
    snapshot.counts = {"rankings": 2, "pairs": 18, "train": 1, "heldout": 1}
    snapshot.save()
    later = freeze_snapshot(project=project, name="second", by=by, filters={"sources": ["campaign"]})
    assert later.job is not None
    return snapshot


def _talk(stock: Stock, by: User) -> Answer:
    """A message, an answer, and another answer to compare with it."""
    conversation = chat.start_conversation(project=stock.project, policy=stock.policies[0], by=by)
    turn = chat.send_message(conversation=conversation, text=f"Where is Lisbon? I am {by.username}.", by=by)
    for number, text in enumerate(("In Portugal.", "In Spain."), 1):
        answer = turn.answers.last() if number == 1 else chat.regenerate(turn=turn, by=by)
        assert answer is not None
        finish(answer.job, seconds=1)
        line = {"id": turn.prompt.key, "prompt": turn.prompt.messages, "response": text, "seed": number}
        prompts.import_responses(
            prompt_set=turn.prompt.prompt_set,
            lines=[
                {
                    **line,
                    "response_id": f"secretanswer-{by.pk}-{number}",
                    "policy": stock.policies[0].name,
                    "sampling": {},
                }
            ],
            by=by,
            policy=stock.policies[0],
            recorded=False,
            job=answer.job,
        )
    assert answer is not None
    return answer


def _choose(stock: Stock) -> QueueOrder:
    """What is labelled next, by the one reward model there is; a third of it at random."""
    model = stock.runs[0].output
    assert model is not None
    choice = Choice(rule=QueueOrder.Rule.MARGIN, control_share=0.3)
    order = labels.start_order(
        campaign=stock.campaign, reward_models=[model], choice=choice, by=stock.people["researcher"]
    )
    finish(order.job, seconds=20)
    items = waiting_items(stock.campaign).prefetch_related("responses")
    lines = [
        ChosenLine(
            item.key,
            "control" if at % 3 == 1 else "chosen",
            0.1 + 0.2 * at,
            {response.key: [0.5 * place] for place, response in enumerate(item.responses.all())},
        )
        for at, item in enumerate(reversed(items))
    ]
    artifact = build_artifact(stock.project, Artifact.Kind.SCORES, "what is next", made_by=order.job)
    keep_order(order=order, artifact=artifact, lines=lines)
    labels.put_in_force(order=order)
    return order


def _train(stock: Stock) -> None:
    project, by = stock.project, stock.people["researcher"]
    given: dict[str, Any] = {"project": project, "by": by, "settings": {"seed": 1}}
    reward_model = training.start_reward_model(
        name="what people prefer", snapshot=stock.snapshot, model=stock.policies[0], **given
    )
    finish(reward_model.job)
    reward_model.output = build_artifact(
        project,
        Artifact.Kind.REWARD_MODEL,
        reward_model.name,
        made_by=reward_model.job,
        detail={"metrics": {"heldout_accuracy": 0.81, "heldout_loss": 0.44, "pairs": 18}},
    )
    reward_model.save()
    ppo = training.start_ppo(
        name="after feedback",
        purpose="Does feedback teach it to say that it does not know?",
        prompts=training.store_prompts(prompt_set=stock.prompt_set, by=by),
        policy=stock.policies[0],
        reward_model=reward_model.output,
        **given,
    )
    begin(ppo.job)
    stock.runs = [reward_model, ppo]
    stock.round = rounds.begin_series(
        project=project,
        name="Better cities",
        policy=stock.policies[0],
        wishes=rounds.Wishes(stock.prompt_set, wanted_rankings=6, reward_model_start=stock.policies[0]),
        by=by,
    )


def _evaluate(stock: Stock) -> None:
    project, by = stock.project, stock.people["researcher"]
    line = {"id": "q1", "prompt": [{"role": "user", "content": "?"}], "references": ["secretgold"]}
    data = evaluations.store_questions(project=project, name="held-out cities", lines=[line], by=by)
    asked: dict[str, Any] = {
        "suite": "hallucination-open-domain",
        "variant": "closed-book",
        "data": data,
        "seed": 0,
        "by": by,
    }
    pair = []
    for policy, right in zip(stock.policies, (0.41, 0.52), strict=True):
        run = evaluations.start_evaluation(
            project=project, name=f"{policy.name} asked", subject=policy, **asked
        )
        finish(run.job)
        sample = {"id": "q1", "slices": {"tier": "often"}, "scores": {"grade": right}}
        run.report = build_artifact(
            project,
            Artifact.Kind.REPORT,
            run.name,
            files={"report.json": "{}", "samples.jsonl": json.dumps(sample) + "\n"},
            made_by=run.job,
        )
        run.save()
        keep_items(run, run.report.path)
        _measure(run, right)
        pair.append(run)
    stock.evaluation = pair[0]
    stock.comparison = _compare(pair, by)
    stock.leaderboard = _rate(stock, by)
    # It asks this module how a job is finished.
    from tests.labelplatform.code_world import build_programs

    stock.code = build_programs(project, by, stock.policies)


def _climb(stock: Stock) -> tuple[Ladder, EmergenceRun]:
    """A ladder of three small sizes, to its report."""
    from tests.labelplatform.ladders.building import climb

    return climb(stock.project, stock.people["researcher"])


def _measure(run: EvaluationRun, right: float) -> None:
    for name, value in {"grade": right + 0.1, "right": right, "abstained": 0.2, "wrong": 0.8 - right}.items():
        for group in ("", "tier=often", "tier=rarely", "tier=never"):
            figures = {"value": value, "low": value - 0.04, "high": value + 0.04, "n": 400}
            MeasuredMetric.objects.create(run=run, name=name, group=group, **figures)


def _compare(pair: list[EvaluationRun], by: User) -> ComparisonRun:
    run = evaluations.start_comparison(baseline=pair[0], candidate=pair[1], by=by)
    finish(run.job, seconds=3)
    run.report = build_artifact(
        run.project,
        Artifact.Kind.REPORT,
        f"Comparison {run.pk}",
        files={"report.json": "{}", "samples.jsonl": "", **figure_of("effects")},
        made_by=run.job,
    )
    run.verdict = ComparisonRun.Verdict.IMPROVEMENT
    run.save()
    for name, value in (("grade", 0.11), ("right", 0.11), ("wrong", -0.11)):
        MeasuredEffect.objects.create(
            run=run,
            name=name,
            value=value,
            low=value - 0.05,
            high=value + 0.05,
            n=400,
            baseline_value=0.41,
            candidate_value=0.41 + value,
            p_value=0.002,
            p_adjusted=0.006,
            verdict=ComparisonRun.Verdict.IMPROVEMENT,
        )
    MeasuredEffect.objects.create(
        run=run,
        name="grade",
        group="tier=never",
        reason="9 questions",
        baseline_value=0.2,
        candidate_value=0.3,
        verdict=ComparisonRun.Verdict.NOT_ENOUGH,
    )
    return run


def figure_of(name: str) -> dict[str, str]:
    """The files of a figure that had nothing to draw: its words and its table."""
    table = {"columns": ["metric", "difference"], "rows": [["grade", 0.11]]}
    told = {"name": name, "title": "Effects", "description": "What changed.", "table": table}
    figure = {**told, "plot": None, "kind": None, "missing": "not enough data"}
    return {
        "figures.json": json.dumps({"figures": [figure]}),
        f"figures/{name}.csv": "metric,difference\r\ngrade,0.11\r\n",
    }


def _rate(stock: Stock, by: User) -> LeaderboardRun:
    run = evaluations.start_leaderboard(snapshot=stock.snapshot, by=by)
    finish(run.job, seconds=4)
    run.report = build_artifact(
        run.project,
        Artifact.Kind.REPORT,
        f"Leaderboard {run.pk}",
        files={"report.json": "{}"},
        made_by=run.job,
    )
    run.save()
    known = {policy.name: policy for policy in stock.policies}
    for place, (name, rating) in enumerate(zip(POLICIES, (1004.0, 1062.0, 934.0), strict=True)):
        PolicyRating.objects.create(
            run=run,
            group=name,
            policy=known.get(name),
            value=rating,
            low=rating - 18,
            high=rating + 18,
            n=120,
            rank_best=max(1, place),
            rank_worst=3,
            wins=30,
            losses=20,
            ties=5,
        )
    evaluations.give_colours(project=run.project, names=POLICIES)
    return run
