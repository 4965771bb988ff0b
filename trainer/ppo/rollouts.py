"""One rollout: responses sampled from the policy, scored, and made into what an update learns from."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import functional

from trainer.errors import BadInput
from trainer.json_lines import JsonObject
from trainer.language_models import (
    Generated,
    LanguageModel,
    PromptTooLongError,
    Reader,
    SamplingSettings,
    decode_response,
    encode_prompt,
    encode_text,
    generate,
)
from trainer.ppo.advantages import generalised_advantages, masked_mean, whiten
from trainer.ppo.policy import Evaluated, Policy, log_probabilities
from trainer.ppo.reward_sources import WeightedSources
from trainer.ppo.rewards import (
    KlEstimator,
    MissingEnd,
    clip_scores,
    scores_without_end,
    token_kl,
    token_rewards,
)
from trainer.prompts import PromptLine, response_line
from trainer.reward_model.model import token_budget_spans
from trainer.reward_model.shared_prompt import PromptGroup
from trainer.specs import PpoSpec
from trainer.training_loop import autocast


@dataclass(frozen=True)
class EncodedPrompt:
    """A prompt line with its token ids."""

    line: PromptLine
    ids: list[int]


@dataclass(frozen=True)
class Rollout:
    """N responses of G groups, right-padded to R tokens; all tensors [N, R] and 0 on pads.

    `old` are the policy's log-probabilities before the update. `figures` are means for the curves.
    """

    groups: list[PromptGroup]
    old: Tensor
    values: Tensor
    advantages: Tensor
    returns: Tensor
    mask: Tensor
    figures: dict[str, float]


class Sampled(NamedTuple):
    """Responses in groups (one a prompt), the same as lines, and whether each came to its end."""

    groups: list[PromptGroup]
    lines: list[JsonObject]
    generated: list[Generated]


def encode_prompts(lm: LanguageModel, lines: Sequence[PromptLine]) -> list[EncodedPrompt]:
    """The prompts with their token ids, in order."""
    return [EncodedPrompt(line, encode_prompt(lm.tokenizer, line.prompt)) for line in lines]


def endless_prompts(prompts: Sequence[EncodedPrompt], generator: torch.Generator) -> Iterator[EncodedPrompt]:
    """The prompts for ever: every one once before any comes again, in an order drawn anew each time."""
    while True:
        for place in torch.randperm(len(prompts), generator=generator).tolist():
            yield prompts[place]


def sampling_settings(spec: PpoSpec, lm: LanguageModel, temperature: float | None = None) -> SamplingSettings:
    """How the run samples everywhere, before, while and after it learns; `temperature` in place of the spec's.

    Refuses (BadInput) a truncate-token that is not one token of the policy.
    """
    return SamplingSettings(
        temperature=spec.temperature if temperature is None else temperature,
        max_new_tokens=spec.max_new_tokens,
        cut_ids=_cut_ids(spec.truncate_token, lm.tokenizer),
        cut_from=spec.truncate_after,
    )


def _cut_ids(told: str | None, tokenizer: Any) -> tuple[int, ...]:
    if told is None:
        return ()
    ids = encode_text(tokenizer, told)
    if len(ids) != 1 or (ids[0] == tokenizer.unk_token_id and told != tokenizer.unk_token):
        found = f"{told!r}, which is {len(ids)} tokens" if len(ids) != 1 else f"the unknown token {told!r}"
        raise BadInput(f"--truncate-token: found {found} to this policy, wanted the text of one token")
    return (ids[0],)


def sample_responses(
    lm: LanguageModel,
    prompts: Sequence[EncodedPrompt],
    settings: SamplingSettings,
    *,
    copies: int,
    seed: int,
    batch_tokens: int,
    reader: Reader | None = None,
) -> Sampled:
    """`copies` responses to each prompt; `reader` as in `generate`.

    Refuses (BadInput) a prompt that leaves no room for a response.
    """
    longest = max(len(prompt.ids) for prompt in prompts) + settings.max_new_tokens
    try:
        answers = generate(
            lm,
            [prompt.ids for prompt in prompts],
            responses_per_prompt=copies,
            settings=settings,
            seed=seed,
            batch_size=max(2 * batch_tokens // longest, copies),
            reader=reader,
        )
    except PromptTooLongError as error:
        raise BadInput(str(error)) from None
    groups, lines, flat = [], [], []
    for prompt, several in zip(prompts, answers, strict=True):
        groups.append(PromptGroup(tuple(prompt.ids), tuple(tuple(one.response_ids) for one in several)))
        for number, one in enumerate(several):
            sampling: JsonObject = {"temperature": settings.temperature, "finished": one.finished}
            text = decode_response(lm.tokenizer, one.response_ids)
            lines.append(
                response_line(prompt.line, text, policy="policy", seed=seed, number=number, sampling=sampling)
            )
            flat.append(one)
    return Sampled(groups, lines, flat)


def collect(
    policy: Policy,
    reference: Any,
    prompts: Sequence[EncodedPrompt],
    sources: WeightedSources,
    spec: PpoSpec,
    *,
    kl_coefficient: float,
    seed: int,
) -> Rollout:
    """A rollout of the prompts, ready to learn from; nothing in it has gradients."""
    started = time.perf_counter()
    settings = sampling_settings(spec, policy.lm)
    copies, budget = spec.responses_per_prompt, spec.batch_tokens
    # Under mixed precision decoding and learning would differ: there everything is computed again as learning does.
    kept = spec.precision == "float32"
    reader = policy.reader(spec.temperature) if kept else None
    sampled = sample_responses(
        policy.lm, prompts, settings, copies=copies, seed=seed, batch_tokens=budget, reader=reader
    )
    generated = time.perf_counter()
    scores, means = sources.scores(sampled.lines)
    means.update(sources.heldout_figures(sampled.lines))
    old = _decoded(policy, sampled, spec) if kept else _evaluate(policy, sampled.groups, spec)
    tied_to = _in_chunks(
        sampled.groups,
        spec,
        lambda part: log_probabilities(reference, part, spec.temperature, pad_id=policy.lm.pad_id),
    )
    rollout = rollout_of(sampled, old, tied_to, scores, spec, kl_coefficient=kl_coefficient)
    scored = time.perf_counter()
    tokens = float(rollout.mask.sum())
    means["seconds_generate"], means["seconds_score"] = generated - started, scored - generated
    means["tokens_per_second_generate"] = tokens / (generated - started)
    means["tokens_per_second_score"] = tokens / (scored - generated)
    rollout.figures.update(means)
    return rollout


def _decoded(policy: Policy, sampled: Sampled, spec: PpoSpec) -> Evaluated:
    """What the policy said of its responses while it sampled them; a separate value model is asked now."""
    width, device = max(len(one.response_ids) for one in sampled.generated), policy.lm.device

    def padded(rows: Iterable[Sequence[float]]) -> Tensor:
        return torch.tensor([[*row, *[0.0] * (width - len(row))] for row in rows], device=device)

    mask = padded([1.0] * len(one.response_ids) for one in sampled.generated)
    if policy.value_trunk is None:
        values = padded(one.values for one in sampled.generated)
    else:
        values = _in_chunks(sampled.groups, spec, policy.values)
    chances = padded(one.log_probabilities for one in sampled.generated)
    return Evaluated(chances, values, mask, padded(one.entropies for one in sampled.generated))


def _evaluate(policy: Policy, groups: Sequence[PromptGroup], spec: PpoSpec) -> Evaluated:
    """What the policy says of all responses, without gradients, in chunks of the token budget."""
    stacked = _in_chunks(
        groups,
        spec,
        lambda part: torch.stack(
            cast(tuple[Tensor, ...], policy.evaluate(part, spec.temperature, with_entropies=True)), dim=-1
        ),
    )
    found, values, mask, spread = stacked.unbind(dim=-1)
    return Evaluated(found, values, mask, spread)


@torch.no_grad()
def _in_chunks(groups: Sequence[PromptGroup], spec: PpoSpec, run: Any) -> Tensor:
    """`run` on parts of the groups, its [n, r, …] results padded to the longest response and joined."""
    width = max(len(response) for group in groups for response in group.responses)
    parts = []
    for start, end in token_budget_spans([group.tokens for group in groups], 2 * spec.batch_tokens):
        with autocast(spec):
            found = run(groups[start:end])
        after = [0, 0] * (found.dim() - 2) + [0, width - found.shape[1]]
        parts.append(functional.pad(found, after))
    return torch.cat(parts)


def rollout_of(
    sampled: Sampled,
    old: Evaluated,
    tied_to: Tensor,
    scores: Sequence[float],
    spec: PpoSpec,
    *,
    kl_coefficient: float,
) -> Rollout:
    """Rewards, advantages and returns of scored responses, and the figures of their curves.

    `tied_to` [N, R] are the reference's log-probabilities. KL is summed over a response, other token figures are
    means over real tokens: no figure changes with the padding.
    """
    mask = old.mask
    finished = torch.tensor([one.finished for one in sampled.generated], device=mask.device)
    given = torch.tensor(scores, device=mask.device)
    rule: MissingEnd = "keep"
    if spec.missing_end_score is not None:
        rule = "set"
    elif spec.missing_end_penalty is not None:
        rule = "subtract"
    value = spec.missing_end_score if rule == "set" else spec.missing_end_penalty
    earned = clip_scores(scores_without_end(given, finished, rule, value or 0.0), spec.score_clip)
    kl = token_kl(old.log_probabilities, tied_to, cast(KlEstimator, spec.kl_estimator)) * mask
    rewards = token_rewards(earned, kl, mask, kl_coefficient)
    total = float(rewards.sum(dim=1).mean())
    bessel = spec.whiten_variance == "bessel"
    if spec.whiten_rewards:
        rewards = whiten(rewards, mask, shift_mean=False, bessel=bessel)
    advantages, returns = generalised_advantages(
        rewards, old.values, mask, discount=spec.discount, smoothing=spec.gae_lambda
    )
    if spec.whiten_advantages:
        advantages = whiten(advantages, mask, bessel=bessel)
    assert old.entropies is not None
    figures = {
        "score": float(given.mean()),
        "kl": float(((old.log_probabilities - tied_to) * mask).sum(dim=1).mean()),
        "reward": total,
        "entropy": float(masked_mean(old.entropies, mask)),
        "value_error": float(masked_mean((returns - old.values).square(), mask)),
        "response_tokens": float(mask.sum(dim=1).mean()),
        "finished": float(finished.float().mean()),
    }
    return Rollout(sampled.groups, old.log_probabilities, old.values, advantages, returns, mask, figures)
