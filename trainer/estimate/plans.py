"""What each verb's run computes and holds, worked out from its spec and the data it names."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from trainer.errors import BadInput
from trainer.estimate import lengths, operations
from trainer.estimate.memory import (
    State,
    cache_of_decoding,
    kept_by_tree,
    kept_for_backward,
    kept_packed,
    kept_rows,
    peak,
)
from trainer.estimate.operations import FORWARD, FORWARD_AND_BACKWARD, Operations
from trainer.estimate.shapes import Shape, is_config, shape_of_folder, shape_of_spec
from trainer.prompts import read_demonstrations, read_prompts
from trainer.rankings import Ranking
from trainer.snapshots import read_snapshot
from trainer.specs import PpoSpec, PretrainSpec, RewardModelSpec, SftSpec, TrainingSpec, parse_tuning

# Tokens of one pass of pretraining (see pretraining.train).
MICRO_TOKENS = 2048
FLOAT = 4


@dataclass(frozen=True)
class Plan:
    """The work of a run: passes by the rule (tokens times how often they go forward or learn), operations counted
    by part, and bytes.
    """

    shape: Shape
    trainable: int
    frozen: int
    tokens: int
    # Tokens of forward passes that learn (6 N each), and of those that do not (2 N each).
    learned: int
    passed: int
    parts: dict[str, Operations]
    kept: int
    logits: int
    passes: int
    cache: int = 0
    # Bytes that lie beside the training state all the while.
    beside: int = 0

    @property
    def counted(self) -> Operations:
        """All operations, as our code runs them."""
        return reduce(add, self.parts.values(), Operations())

    def peak(self) -> int:
        """The most bytes held at one time by our own trainer."""
        state = State(self.trainable, self.frozen)
        learning = peak(state, kept=self.kept, logits=self.logits, passes=self.passes, cache=self.cache)
        return learning + self.beside


def plan_of(spec: TrainingSpec) -> Plan:
    """The plan of a run. Refuses (BadInput) data or models that it would have to read and that are not there."""
    if isinstance(spec, PretrainSpec):
        return _pretrain(spec)
    if isinstance(spec, SftSpec):
        return _sft(spec)
    if isinstance(spec, RewardModelSpec):
        return _reward_model(spec)
    if isinstance(spec, PpoSpec):
        return _ppo(spec)
    raise BadInput(f"verb: found {spec.verb}, wanted a verb that trains")


def _pretrain(spec: PretrainSpec) -> Plan:
    shape = shape_of_spec(spec) if spec.model is None else _model(spec.model)
    trainable, frozen = _weights(shape, spec)
    rows = max(spec.batch_tokens // spec.context, 1)
    steps = spec.steps or 1
    tokens = steps * rows * spec.context
    of_a_pass = min(max(MICRO_TOKENS // spec.context, 1), rows) * spec.context
    step = operations.language_modelling(shape, rows, spec.context)
    return Plan(
        shape, trainable, frozen, tokens,
        learned=tokens,
        passed=0,
        parts={"learn": step * steps},
        kept=kept_for_backward(shape, of_a_pass, of_a_pass, recompute=spec.gradient_checkpointing),
        logits=FLOAT * of_a_pass * shape.vocabulary,
        passes=math.ceil(rows * spec.context / of_a_pass),
    )  # fmt: skip


def _sft(spec: SftSpec) -> Plan:
    shape, tokenizer = _model(spec.model), lengths.tokenizer_of(spec.model)
    known = [
        (lengths.prompt_tokens(tokenizer, one.prompt), lengths.response_tokens(tokenizer, one.response))
        for one in read_demonstrations(spec.demonstrations)
    ]
    count = max(round(len(known) * (1 - spec.heldout_share)), 1)
    # Batches are drawn by chance; those of the file's order are as good a draw as any.
    batches = [known[start : start + spec.batch_size] for start in range(0, count, spec.batch_size)]
    steps = [operations.response_loss(shape, batch) for batch in batches]
    kept, scored = max(_lessons_kept(shape, batch, spec) for batch in batches)
    tokens = spec.epochs * sum(sum(one) for one in known[:count])
    trainable, frozen = _weights(shape, spec)
    return Plan(
        shape, trainable, frozen, tokens,
        learned=tokens,
        passed=0,
        parts={"learn": reduce(add, steps, Operations()) * spec.epochs},
        kept=kept,
        logits=FLOAT * scored * shape.vocabulary,
        passes=1,
    )  # fmt: skip


def _lessons_kept(shape: Shape, batch: Sequence[tuple[int, int]], spec: SftSpec) -> tuple[int, int]:
    """Bytes that one step of sft keeps, and the places it makes logits at: end to end, or padded to the longest."""
    again = spec.gradient_checkpointing
    if spec.packing:
        scored = sum(response for _, response in batch)
        groups = [(prompt, [response]) for prompt, response in batch]
        return kept_packed(shape, groups, ends_only=False, scored=scored, recompute=again), scored
    prompt, response = max(one for one, _ in batch), max(one for _, one in batch)
    rows, scored = len(batch) * (prompt + response), len(batch) * response
    return kept_for_backward(shape, rows, scored, recompute=again), scored


def _reward_model(spec: RewardModelSpec) -> Plan:
    shape, tokenizer = _model(spec.model), lengths.tokenizer_of(spec.model)
    groups = [
        (
            lengths.prompt_tokens(tokenizer, ranking.prompt),
            [lengths.response_tokens(tokenizer, response.text) for response in ranking.responses],
        )
        for ranking in _training_rankings(spec)
    ]
    tokens = spec.epochs * sum(prompt + sum(own) for prompt, own in groups)
    step = reduce(add, (operations.reward_loss(shape, [group]) for group in groups), Operations())
    trainable, frozen = _weights(shape, spec)
    # The trunk under a head of one unit: no vocabulary is scored, and untied output weights are left behind.
    unused = 0 if shape.tied else shape.vocabulary * shape.width
    heads = shape.width * (spec.members if spec.ensemble == "heads" else 1)
    # Rankings of like length share a step: the largest ones make the largest, which may take several passes.
    largest = sorted(groups, key=_tokens)[-spec.rankings_per_step :]
    passes = [largest[start:end] for start, end in _spans(largest, spec.batch_tokens)]
    return Plan(
        shape, trainable - (unused if trainable >= unused and not frozen else 0) + heads, frozen, tokens,
        learned=tokens,
        passed=0,
        parts={"learn": step * spec.epochs},
        kept=max(_shared_kept(shape, part, ends_only=True, recompute=spec.gradient_checkpointing) for part in passes),
        logits=0,
        passes=len(passes),
        # The best epoch so far is kept beside the one that learns.
        beside=FLOAT * trainable if spec.epochs > 1 else 0,
    )  # fmt: skip


def _shared_kept(
    shape: Shape, groups: Sequence[operations.Group], *, ends_only: bool, recompute: bool, scored: int = 0
) -> int:
    """Bytes that one pass over prompts with several responses keeps, by the way that the trainer takes."""
    rows = [_tokens(group) for group in groups]
    if max(rows) <= operations.LONGEST_TREE_ROW and shape.width < operations.NARROW:
        return kept_by_tree(shape, len(rows), max(rows), scored=scored, recompute=recompute)
    return kept_packed(shape, groups, ends_only=ends_only, scored=scored, recompute=recompute)


def _tokens(group: operations.Group) -> int:
    return group[0] + sum(group[1])


def _spans(groups: Sequence[operations.Group], budget: int) -> Iterator[tuple[int, int]]:
    """Spans of neighbours of at most `budget` tokens together (the rule of reward_model.model)."""
    start = held = 0
    for place, group in enumerate(groups):
        if held and held + _tokens(group) > budget:
            yield start, place
            start, held = place, 0
        held += _tokens(group)
    yield start, len(groups)


def _ppo(spec: PpoSpec) -> Plan:
    shape, tokenizer = _model(spec.policy), lengths.tokenizer_of(spec.policy)
    prompt = lengths.mean(lengths.prompt_tokens(tokenizer, one.prompt) for one in read_prompts(spec.prompts))
    copies, new = spec.responses_per_prompt, spec.max_new_tokens
    groups: list[operations.Group] = [(prompt, [new] * copies)] * (spec.episodes // copies)
    of_episodes = sum(own + sum(responses) for own, responses in groups)
    once = operations.policy_evaluation(shape, groups, times=FORWARD)
    learn = operations.policy_evaluation(shape, groups, times=FORWARD_AND_BACKWARD)
    judges = [_model(folder) for folder in spec.reward_models]
    scores = (operations.shared_prompt(one, groups, prompt_states=False, times=FORWARD) for one in judges)
    read_on_the_way = spec.value_model == "shared" and spec.precision == "float32"
    parts = {
        "generate": operations.decoding(shape, groups),
        "score": reduce(add, scores, Operations()),
        "reference": once,
        # Values and old log-probabilities of one trunk come from decoding, but under mixed precision.
        "values": Operations() if read_on_the_way else once,
        "learn": learn * spec.epochs,
    }
    trainable, frozen = _weights(shape, spec)
    adapters = parse_tuning(spec.tuning)[0] == "lora"
    held = frozen + sum(one.parameters for one in judges) + (0 if adapters else shape.parameters)
    value = shape.parameters if spec.value_model == "separate" else shape.width + 1
    minibatch = groups[: max(spec.minibatch_size // copies, 1)]
    passes = [minibatch[start:end] for start, end in _spans(minibatch, spec.batch_tokens)]
    scored, kept = _rollout_kept(shape, passes[0], spec)
    rows = max(2 * spec.batch_tokens // (prompt + new), copies)
    return Plan(
        shape, trainable + value, held, spec.updates * of_episodes,
        learned=spec.updates * spec.epochs * of_episodes,
        passed=spec.updates * of_episodes * (2 + (not read_on_the_way) + len(judges)),
        parts={name: part * spec.updates for name, part in parts.items()},
        kept=kept,
        logits=FLOAT * scored * shape.vocabulary,
        passes=len(passes),
        cache=cache_of_decoding(shape, min(rows, spec.episodes), prompt + new),
    )  # fmt: skip


def _rollout_kept(shape: Shape, groups: Sequence[operations.Group], spec: PpoSpec) -> tuple[int, int]:
    """The places one pass of learning makes logits at, and the bytes it keeps: another trunk too for a value model."""
    again, scored = spec.gradient_checkpointing, sum(sum(own) for _, own in groups)
    (prompt, own), value = groups[0], spec.value_model == "separate"
    if len(own) == 1:
        kept, judged = (
            kept_rows(shape, len(groups), prompt, own[0], scored=one, recompute=again) for one in (scored, 0)
        )
    else:
        kept, judged = (
            _shared_kept(shape, groups, ends_only=False, recompute=again, scored=one) for one in (scored, 0)
        )
    return scored, kept + (judged if value else 0)


def _training_rankings(spec: RewardModelSpec) -> Sequence[Ranking]:
    found = read_snapshot(spec.rankings).split("train")
    if not found:
        raise BadInput(f"{spec.rankings}: found no training ranking, wanted at least one")
    return found


def _model(folder: str) -> Shape:
    if not is_config(folder):
        raise BadInput(f"{folder}: found no config.json, wanted a model folder to read the shape from")
    return shape_of_folder(folder)


def _weights(shape: Shape, spec: TrainingSpec) -> tuple[int, int]:
    tuning = parse_tuning(spec.tuning)
    trainable = shape.trainable(tuning)
    if tuning[0] == "lora":
        return trainable, shape.parameters
    return trainable, shape.parameters - trainable
