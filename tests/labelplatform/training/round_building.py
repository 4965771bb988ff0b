"""Rounds in one line each; what a worker would have written is put there directly, what people do goes by the verbs."""

from typing import Any

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact, Job
from labelplatform.labels.services import claim
from labelplatform.prompts.models import PromptSet
from labelplatform.prompts.services import create_prompt_set, import_prompts, import_responses
from labelplatform.training import round_queries, rounds
from labelplatform.training.models import TrainingRun
from labelplatform.training.round_models import Round
from labelplatform.training.round_steps import advance
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.labels.building import submit
from tests.labelplatform.world import finish

PROMPTS = 12


def build_prompts(project: Project, by: User, prompts: int = PROMPTS) -> PromptSet:
    prompt_set = create_prompt_set(project=project, name="towns", by=by)
    lines = [
        {"id": f"q{number}", "prompt": [{"role": "user", "content": f"Where is town {number}?"}]}
        for number in range(prompts)
    ]
    import_prompts(prompt_set=prompt_set, lines=lines, by=by)
    return prompt_set


def wishes(project: Project, **changed: Any) -> rounds.Wishes:
    told: dict[str, Any] = {
        "prompt_set": PromptSet.objects.get(project=project),
        "wanted_rankings": PROMPTS,
        "answers": 3,
        "reward_model_start": Artifact.objects.get(project=project, name="base"),
        "told": {"sample": {"temperature": 0.7}, "reward-model": {"epochs": 1}, "ppo": {"updates": 2}},
        **changed,
    }
    return rounds.Wishes(**told)


def begin(project: Project, by: User, **changed: Any) -> Round:
    """Round 0 of the series "better", which samples from the policy "start"."""
    policy = Artifact.objects.get(project=project, name="start")
    return rounds.begin_series(
        project=project, name="better", policy=policy, wishes=wishes(project, **changed), by=by
    )


def begin_next(row: Round, by: User, **changed: Any) -> Round:
    told = wishes(row.series.project, **changed)
    return rounds.begin_round(series=row.series, number=row.number + 1, wishes=told, by=by)


def answer(row: Round) -> None:
    """Every job of the round has sampled: its policy says what the job was told to ask for."""
    row = fresh(row)
    for job in (row.sampling, row.anchors):
        if job is not None:
            _answer(row, job)


def _answer(row: Round, job: Job) -> None:
    finish(job)
    prompts = {prompt.key: prompt for prompt in row.prompt_set.prompts.all()}
    policy = Artifact.objects.get(pk=job.spec["policy"])
    lines = [
        {
            "id": key,
            "prompt": prompts[key].messages,
            "response": f"answer {place} of job {job.pk}",
            "response_id": f"job{job.pk}-{key}-{place}",
            "policy": policy.name,
            "seed": job.spec["seed"],
            "sampling": {},
        }
        for key in job.spec["prompts"]
        for place in range(job.spec["responses_per_prompt"])
    ]
    import_responses(
        prompt_set=row.prompt_set, lines=lines, by=job.requested_by, policy=policy, recorded=False, job=job
    )


def rank(row: Round, by: User, count: int = PROMPTS) -> None:
    """So many rankings, the answers of the round's own policy above all others."""
    row = fresh(row)
    assert row.campaign is not None
    for _number in range(count):
        slot = claim(campaign=row.campaign, annotator=by)
        assert slot is not None
        placed = slot.item.placed_responses.select_related("response")
        ours = [place.response_id for place in placed if place.response.policy_id == row.policy_id]
        others = [place.response_id for place in placed if place.response.policy_id != row.policy_id]
        submit(slot, by, [[one] for one in (*ours, *others)])


def freeze(row: Round) -> None:
    """The worker has written the snapshot."""
    snapshot = fresh(row).snapshot
    assert snapshot is not None
    assert snapshot.job is not None
    kind = Artifact.Kind.SNAPSHOT
    snapshot.artifact = build_artifact(snapshot.project, kind, snapshot.name, made_by=finish(snapshot.job))
    snapshot.save()


def learn(run: TrainingRun | None, **metrics: float) -> Artifact:
    """The worker has trained what the run asks for."""
    assert run is not None
    kind = Artifact.Kind.REWARD_MODEL if run.kind == "reward-model" else Artifact.Kind.POLICY
    told = {"metrics": metrics}
    run.output = build_artifact(run.project, kind, run.name, made_by=finish(run.job), detail=told)
    run.save()
    return run.output


def until_done(row: Round, annotator: User) -> Round:
    """All steps of a round, one after the other."""
    answer(row)
    assert advance(row.pk)
    rank(row, annotator)
    assert advance(row.pk)
    freeze(row)
    assert advance(row.pk)
    bounds = {"heldout_accuracy_low": 0.6, "heldout_accuracy_high": 0.8, "heldout_pairs": 40}
    learn(fresh(row).reward_model, heldout_accuracy=0.7 + 0.01 * row.number, **bounds)
    assert advance(row.pk)
    learn(fresh(row).ppo, kl=1.5 + row.number)
    assert advance(row.pk)
    return fresh(row)


def fresh(row: Round) -> Round:
    """The row as it is now, with its links."""
    return round_queries.with_links(Round.objects.filter(pk=row.pk)).get()
