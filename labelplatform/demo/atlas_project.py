"""Atlas' chain: does feedback teach a model to stop inventing? Every step is another app's ordinary verb."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from labelplatform.accounts.models import Project, User
from labelplatform.demo import atlas, gate
from labelplatform.demo.people import Cast
from labelplatform.demo.recipe import RESPONSES_PER_PROMPT, Recipe
from labelplatform.demo.walk import Chain, ChainOf
from labelplatform.evaluations.models import EvaluationRun
from labelplatform.evaluations.services import (
    Decoding,
    start_comparison,
    start_evaluation,
    start_leaderboard,
    store_questions,
)
from labelplatform.jobs.models import Artifact, Job
from labelplatform.labels.models import Campaign
from labelplatform.labels.queries import unranked_items
from labelplatform.labels.services import add_items, create_campaign, record_rankings
from labelplatform.prompts.models import PromptSet
from labelplatform.prompts.queries import export_prompt_lines
from labelplatform.prompts.services import (
    create_prompt_set,
    import_prompts,
    import_responses,
    request_responses,
)
from labelplatform.snapshots.models import Snapshot
from labelplatform.snapshots.services import freeze_snapshot
from labelplatform.training.models import TrainingRun
from labelplatform.training.services import (
    start_best_of_n,
    start_ppo,
    start_pretraining,
    start_reward_model,
    start_sft,
    store_corpus,
    store_prompts,
)
from trainer import json_lines

BASE, SFT, PPO, REWARD_MODEL = "Atlas base", "Atlas SFT", "Atlas PPO", "Atlas reward model"
BEST_OF = f"Atlas SFT, best of {RESPONSES_PER_PROMPT}"
HELDOUT, TRAINING = "Held-out questions", "Questions for training"
BATTLE, PEOPLE = "Held-out answers, side by side", "Which answer would you rather get?"
SUITE, VARIANT = "hallucination-open-domain", "closed-book"
# A second round samples the same questions with other noise; two refusals end the loop.
ROUNDS = 2
ITEMS_FOR_PEOPLE = 12
GUIDELINES = f"""{atlas.RULE}

You may rank the same answers yourself. Look the city up if you are not sure: an answer is right when the country is
right, whatever its wording. Ties are welcome.
"""


@dataclass
class Atlas:
    """What the chain holds in its hands; everything in it can be found again in the database."""

    cast: Cast
    recipe: Recipe
    seed: int
    refusal: str = ""
    prompt_sets: dict[str, PromptSet] = field(default_factory=dict)

    @property
    def project(self) -> Project:
        return self.cast.atlas

    @property
    def by(self) -> User:
        return self.cast.researcher

    def seeded(self, settings: dict[str, object]) -> dict[str, object]:
        return {**settings, "seed": self.seed}


def chain(work: Atlas) -> Chain:
    """Corpus, pretraining, fine-tuning, answers, rankings, reward model, gate, PPO, measurement."""
    world = atlas.build_world(work.seed, work.recipe.size)
    corpus = store_corpus(
        project=work.project, name="Atlas corpus", by=work.by,
        files={"corpus.jsonl": atlas.corpus_lines(world, work.seed, work.recipe.size)},
    )  # fmt: skip
    training = _prompts(work, TRAINING, atlas.question_lines(world, "reinforcement"))
    heldout = _prompts(work, HELDOUT, atlas.question_lines(world, "heldout"))
    sft = yield from _language_model(work, corpus, world)
    questions = store_questions(
        project=work.project, name=HELDOUT, by=work.by, lines=atlas.question_lines(world, "heldout")
    )
    # Asked now, needed at the end: the second slot answers while the first one trains.
    before = _evaluate(work, "Before feedback", sft, questions)
    early = [before.job, _ask(work, heldout, sft)]
    reward_model = yield from _gated_reward_model(work, sft, training)
    if reward_model is None:
        return
    best = _best_of(work, heldout, sft, reward_model)
    ppo = yield from _ppo(work, corpus, sft, reward_model, world)
    after = _evaluate(work, "After feedback", ppo, questions)
    yield [*early, after.job, best, _ask(work, heldout, ppo)]
    yield from _measure(work, before, after, best, heldout)


def _prompts(work: Atlas, name: str, lines: Sequence[dict[str, object]]) -> PromptSet:
    found = PromptSet.objects.filter(project=work.project, name=name).first()
    prompt_set = found or create_prompt_set(project=work.project, name=name, by=work.by, purpose="Atlas")
    import_prompts(prompt_set=prompt_set, lines=lines, by=work.by)
    work.prompt_sets[name] = prompt_set
    return prompt_set


def _output(run: TrainingRun) -> Artifact:
    run.refresh_from_db()
    assert run.output is not None
    return run.output


def _language_model(work: Atlas, corpus: Artifact, world: Sequence[atlas.City]) -> ChainOf[Artifact]:
    settings = work.seeded(dict(work.recipe.pretrain))
    purpose = "A language model that has read about real cities: some often, some rarely, some never."
    base = start_pretraining(
        project=work.project, name=BASE, corpus=corpus, settings=settings, by=work.by, purpose=purpose
    )
    yield [base.job]
    lines = atlas.demonstration_lines(world, work.seed, work.recipe.size)
    demonstrations = store_corpus(
        project=work.project, name="Atlas demonstrations", by=work.by, files={"demonstrations.jsonl": lines}
    )
    sft = start_sft(
        project=work.project, name=SFT, demonstrations=demonstrations, model=_output(base),
        settings=work.seeded(dict(work.recipe.sft)), by=work.by,
        purpose="Taught to answer; one demonstration in six declines to, whatever the city.",
    )  # fmt: skip
    yield [sft.job]
    return _output(sft)


def _ask(work: Atlas, prompt_set: PromptSet, policy: Artifact) -> Job:
    """One answer to each prompt, as answers are judged."""
    return request_responses(
        prompt_set=prompt_set, policy=policy, responses_per_prompt=1, by=work.by,
        sampling=work.recipe.sample, seed=work.seed,
    )  # fmt: skip


def _ask_for_ranking(work: Atlas, prompt_set: PromptSet, policy: Artifact, number: int) -> Job:
    """Several answers to each prompt, sampled warmer than answers are judged, other ones in each round."""
    return request_responses(
        prompt_set=prompt_set, policy=policy, responses_per_prompt=RESPONSES_PER_PROMPT, by=work.by,
        sampling=work.recipe.ranked_sample, seed=work.seed + 1000 * number,
    )  # fmt: skip


def _gated_reward_model(work: Atlas, sft: Artifact, training: PromptSet) -> ChainOf[Artifact | None]:
    """Rank, freeze, train, judge; once more with more rankings when the gate refuses; then give up and say why."""
    campaigns: list[Campaign] = []
    for number in range(1, ROUNDS + 1):
        prompt_set = training if number == 1 else _again(work, training, number)
        yield [_ask_for_ranking(work, prompt_set, sft, number)]
        campaigns.append(_simulated(work, f"Simulated annotator, round {number}", prompt_set))
        if number == 1:
            _for_people(work, prompt_set)
        snapshot = _freeze(work, f"Atlas rankings, round {number}", campaigns)
        yield _jobs_of(snapshot)
        snapshot.refresh_from_db()
        run = _start_reward_model(work, number, snapshot, sft)
        yield [run.job]
        reward_model = _output(run)
        agreement = start_evaluation(
            project=work.project, name=f"{run.name}: agreement", suite="reward-agreement", variant="",
            subject=reward_model, data=None, seed=work.seed, by=work.by,
        )  # fmt: skip
        yield [agreement.job]
        decision = gate.judge_reward_model(reward_model.detail["metrics"], work.recipe.gate_accuracy)
        if decision.passed:
            return reward_model
        work.refusal = decision.reason
    return None


def _again(work: Atlas, training: PromptSet, number: int) -> PromptSet:
    """The same questions in a set of their own: each set holds the answers of one round."""
    return _prompts(work, f"{TRAINING}, round {number}", list(export_prompt_lines(training)))


def _start_reward_model(work: Atlas, number: int, snapshot: Snapshot, sft: Artifact) -> TrainingRun:
    name = REWARD_MODEL if number == 1 else f"{REWARD_MODEL}, round {number}"
    return start_reward_model(
        project=work.project, name=name, snapshot=snapshot, model=sft, by=work.by,
        settings=work.seeded(dict(work.recipe.reward_model)),
        purpose="Learns from all pairs of each ranking what the annotator prefers.",
    )  # fmt: skip


def _campaign(work: Atlas, name: str, source: str) -> Campaign:
    found = Campaign.objects.filter(project=work.project, name=name).first()
    return found or create_campaign(
        project=work.project, name=name, by=work.by, source=source, guidelines=GUIDELINES, seed=work.seed
    )


def _simulated(work: Atlas, name: str, prompt_set: PromptSet) -> Campaign:
    """Every item of the set, ranked by the stated rule through the same verb as anybody's imported rankings."""
    campaign = _campaign(work, name, Campaign.Source.SIMULATED)
    add_items(campaign=campaign, prompts=prompt_set.prompts.prefetch_related("responses"), by=work.by)
    lines = []
    for item in unranked_items(campaign):
        texts = {str(response["id"]): str(response["text"]) for response in item.responses}
        references = item.detail["references"]
        assert isinstance(references, list)
        judgement = atlas.judge(references, texts)
        lines.append({
            "id": f"{campaign.pk}-{item.item[:16]}", "item": item.item, "prompt": item.prompt,
            "prompt_id": item.prompt_id, "responses": item.responses,
            "tiers": [list(tier) for tier in judgement.tiers],
            "flags": {key: list(names) for key, names in judgement.flags.items()},
            "annotator": work.cast.simulated.username, "kind": "ranking", "source": "simulated",
        })  # fmt: skip
    if lines:
        record_rankings(campaign=campaign, rankings=lines, by=work.by, annotator=work.cast.simulated)
    return campaign


def _for_people(work: Atlas, prompt_set: PromptSet) -> None:
    """A few of the same questions wait for people in the browser."""
    campaign = _campaign(work, PEOPLE, Campaign.Source.CAMPAIGN)
    prompts = prompt_set.prompts.prefetch_related("responses")[:ITEMS_FOR_PEOPLE]
    add_items(campaign=campaign, prompts=prompts, by=work.by)


def _freeze(work: Atlas, name: str, campaigns: Sequence[Campaign]) -> Snapshot:
    filters = {"campaigns": [campaign.pk for campaign in campaigns]}
    return freeze_snapshot(project=work.project, name=name, by=work.by, filters=filters)


def _jobs_of(snapshot: Snapshot) -> list[Job]:
    return [snapshot.job] if snapshot.job else []


def _ppo(
    work: Atlas, corpus: Artifact, sft: Artifact, reward_model: Artifact, world: Sequence[atlas.City]
) -> ChainOf[Artifact]:
    validation = store_questions(
        project=work.project, name="Validation questions", by=work.by,
        lines=atlas.question_lines(world, "validation"),
    )  # fmt: skip
    run = start_ppo(
        project=work.project, name=PPO, by=work.by, settings=work.seeded(dict(work.recipe.ppo)),
        purpose="Trained against the reward model, tied to where it started by KL and by its own reading.",
        prompts=store_prompts(prompt_set=work.prompt_sets[TRAINING], by=work.by), policy=sft,
        reward_model=reward_model, pretraining_text=corpus, validation=validation,
    )  # fmt: skip
    yield [run.job]
    return _output(run)


def _evaluate(work: Atlas, name: str, subject: Artifact, questions: Artifact) -> EvaluationRun:
    told = work.recipe.sample
    decoding: Decoding = {"temperature": told["temperature"], "max_new_tokens": told["max_new_tokens"]}
    if subject.kind == Artifact.Kind.RESPONSES:
        decoding = {}
    return start_evaluation(
        project=work.project, name=name, suite=SUITE, variant=VARIANT, subject=subject, data=questions,
        seed=work.seed, by=work.by, **decoding,
    )  # fmt: skip


def _best_of(work: Atlas, heldout: PromptSet, sft: Artifact, reward_model: Artifact) -> Job:
    settings = {**work.recipe.sample, "n": RESPONSES_PER_PROMPT, "seed": work.seed}
    return start_best_of_n(
        project=work.project, name=BEST_OF, prompts=store_prompts(prompt_set=heldout, by=work.by),
        policy=sft, reward_model=reward_model, settings=settings, by=work.by,
    )  # fmt: skip


def _measure(
    work: Atlas, before: EvaluationRun, after: EvaluationRun, best: Job, heldout: PromptSet
) -> Chain:
    """The regression report, the baseline by search, and the three policies' answers side by side."""
    for run in (before, after):
        run.refresh_from_db()
    comparison = start_comparison(baseline=before, candidate=after, by=work.by, seed=work.seed)
    chosen = Artifact.objects.get(made_by=best)
    assert before.data is not None
    baseline = _evaluate(work, f"Best of {RESPONSES_PER_PROMPT}", chosen, before.data)
    found = [line for _number, line in json_lines.read(chosen.path / "responses.jsonl")]
    lines = [
        # The scores are the reward model's words about an answer, no part of prompt or answer.
        {key: value for key, value in line.items() if key not in {"score", "scores"}}
        | {"policy": BEST_OF, "response_id": f"best-{number}"}
        for number, line in enumerate(found, 1)
    ]
    import_responses(prompt_set=heldout, lines=lines, by=work.by, recorded=False, job=best)
    battle = _simulated(work, BATTLE, heldout)
    snapshot = _freeze(work, "Atlas battle", [battle])
    yield [*_jobs_of(snapshot), comparison.job, baseline.job]
    snapshot.refresh_from_db()
    yield [start_leaderboard(snapshot=snapshot, by=work.by, seed=work.seed).job]
