"""Sampling K responses to each prompt: one prefill a prompt, a bare decode loop, noise that no batch size
changes.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import DynamicCache

from trainer.language_models.batches import left_pad, positions
from trainer.language_models.folders import LanguageModel, ModelFolderError
from trainer.language_models.log_probabilities import token_log_probabilities

# Finished rows are dropped when this share of the rows is finished: dropping copies the cache, so not at
# every step.
DROP_SHARE = 0.25


class PromptTooLongError(ValueError):
    """A prompt that leaves no room for the response. One line:
    which prompt, its tokens, the model's context.
    """


class LogitsNotFiniteError(ModelFolderError):
    """A model whose logits are NaN or infinite: there is no distribution to draw from. One line."""


@dataclass(frozen=True)
class SamplingSettings:
    """How tokens are chosen. `temperature` 0 takes the likeliest; `top_p` 1 and no top-k:
    the whole distribution.

    A response is cut after the first of `cut_ids` that has at least `cut_from` tokens before it, as after an end
    token (Ziegler et al. 2019: truncate_token, truncate_after).
    """

    temperature: float = 1.0
    top_p: float = 1.0
    max_new_tokens: int = 32
    cut_ids: tuple[int, ...] = ()
    cut_from: int = 0


@dataclass(frozen=True)
class Generated:
    """One response. `response_ids` ends with an end token, or where it was cut, when `finished`; one log-probability
    a token.

    Log-probabilities are of softmax(logits / temperature) before any top-p cut, as PPO computes them again.
    `values` and `entropies` hold one number a token where generation was told to read them, else nothing.
    """

    prompt_ids: list[int]
    response_ids: list[int]
    log_probabilities: list[float]
    finished: bool
    values: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)


class Reader(Protocol):
    """Reads more than tokens while decoding: PPO's values and entropies cost no pass of their own then."""

    def __call__(self, states: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Values and entropies [rows] of the states [rows, d] and logits [rows, V] that predict a token."""


@dataclass
class _Rows:
    """The rows still being decoded: their noise, cache and mask, and what they have said so far."""

    noise: Tensor  # [rows, max_new_tokens], uniform in [0, 1)
    cache: Any
    mask: Tensor  # [rows, tokens so far], bool
    places: Tensor  # [rows], the position of the token to come
    numbers: Tensor  # [rows], which row of the batch each is
    ended: Tensor  # [rows], bool


@dataclass
class _Said:
    """What all rows of a batch have said, [rows, max_new_tokens]; `read` [rows, max_new_tokens, 2] or nothing."""

    ids: Tensor
    log_probabilities: Tensor
    read: Tensor | None


def row_noise(seed: int, prompt: int, response: int, steps: int) -> Tensor:
    """`steps` uniform numbers in [0, 1), float64, of one response:
    a function of seed, prompt and response number only.
    """
    digest = hashlib.sha256(f"{seed}/{prompt}/{response}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
    return torch.rand(steps, generator=generator, dtype=torch.float64)


def sample_tokens(logits: Tensor, noise: Tensor, settings: SamplingSettings) -> Tensor:
    """One token id [rows] for each row of logits [rows, V] by inverting the cumulative distribution at noise
    [rows].

    With temperature T the distribution is softmax(logits / T), cut to the fewest tokens of total mass
    `top_p` and
    rescaled. One number a row instead of one a token: the noise costs nothing beside the logits.
    Refuses (LogitsNotFiniteError) logits that are NaN or infinite.
    """
    if settings.temperature == 0:
        likeliest = logits.argmax(dim=-1)
        _require_finite(logits.gather(-1, likeliest.unsqueeze(-1)))
        return likeliest
    mass = torch.softmax(logits.double() / settings.temperature, dim=-1)
    if settings.top_p < 1:
        ordered, order = mass.sort(dim=-1, descending=True, stable=True)
        before = ordered.cumsum(dim=-1) - ordered
        mass = torch.zeros_like(mass).scatter(-1, order, ordered.masked_fill(before >= settings.top_p, 0.0))
    heights = mass.cumsum(dim=-1)
    _require_finite(heights[:, -1])
    # The noise is below 1, so its height is below the last one; right=True steps over tokens of no mass, whose
    # heights equal their neighbour's: a token with mass is always found.
    wanted = noise.to(heights).unsqueeze(-1) * heights[:, -1:]
    return torch.searchsorted(heights, wanted, right=True).squeeze(-1)


def _require_finite(figures: Tensor) -> None:
    """One figure a row tells of all its logits: the sum of their masses, or the largest, is NaN where one is."""
    if not bool(torch.isfinite(figures).all()):
        raise LogitsNotFiniteError(
            "found logits that are NaN or infinite, wanted numbers to draw a token by: the weights have grown too large"
        )


def response_lengths(
    ids: Tensor, end_ids: Sequence[int], *, cut_ids: Sequence[int] = (), cut_from: int = 0
) -> Tensor:
    """How many tokens [B] of each row of ids [B, R] belong to the response:
    up to and with its first end token, or the first of `cut_ids` at place `cut_from` (from 0) or later.
    """
    ends = torch.isin(ids, torch.tensor(list(end_ids), device=ids.device))
    if cut_ids:
        ends[:, cut_from:] |= torch.isin(ids[:, cut_from:], torch.tensor(list(cut_ids), device=ids.device))
    before = ends.long().cumsum(dim=-1) - ends.long()
    return (before == 0).sum(dim=-1)


def generate(  # noqa: PLR0913  (what is told and read on the way is each asked for by one caller alone)
    lm: LanguageModel,
    prompts: Sequence[Sequence[int]],
    *,
    responses_per_prompt: int,
    settings: SamplingSettings,
    seed: int,
    batch_size: int = 64,
    told: Callable[[int], None] | None = None,
    reader: Reader | None = None,
    numbers: Sequence[int] | None = None,
) -> list[list[Generated]]:
    """`responses_per_prompt` responses to each prompt (token ids), in the order of the prompts.

    Response r of prompt p depends on the seed, p, r and the prompt alone, not on `batch_size` (responses
    decoded at
    one time) nor on its neighbours; `numbers` says which p each prompt has (else its place), so that a part of a
    longer list gets the noise it has there. `told` is called with the number of prompts answered so far; `reader`
    reads values and entropies on the way.
    Refuses (PromptTooLongError) a prompt that with max_new_tokens exceeds the model's context, and an empty
    one.
    """
    for number, prompt in enumerate(prompts):
        if not prompt or len(prompt) + settings.max_new_tokens > lm.context:
            found = f"{len(prompt)} tokens and {settings.max_new_tokens} to come"
            raise PromptTooLongError(f"prompt {number + 1}: found {found}, wanted 1 to {lm.context} together")
    answers: dict[int, list[Generated]] = {}
    known = list(range(len(prompts))) if numbers is None else list(numbers)
    for places in _batches([len(prompt) for prompt in prompts], max(batch_size // responses_per_prompt, 1)):
        chosen = [list(prompts[place]) for place in places]
        noise = torch.stack(
            [
                row_noise(seed, known[place], response, settings.max_new_tokens)
                for place in places
                for response in range(responses_per_prompt)
            ]
        ).to(lm.device)
        rows = _decode(lm, chosen, responses_per_prompt, settings, noise, reader=reader)
        for row, place in enumerate(places):
            answers[place] = rows[row * responses_per_prompt : (row + 1) * responses_per_prompt]
        if told is not None:
            told(len(answers))
    return [answers[place] for place in range(len(prompts))]


def _batches(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """Prompt numbers in batches of `size`, prompts of like length together: less padding, less work."""
    order = sorted(range(len(lengths)), key=lambda number: (lengths[number], number))
    for start in range(0, len(order), size):
        yield order[start : start + size]


@torch.inference_mode()
def _decode(
    lm: LanguageModel,
    prompts: list[list[int]],
    copies: int,
    settings: SamplingSettings,
    noise: Tensor,
    *,
    reader: Reader | None,
) -> list[Generated]:
    rows, found = _prefill(lm, prompts, copies, noise, reading=reader is not None)
    size = (len(rows.numbers), settings.max_new_tokens)
    said = _Said(
        torch.full(size, lm.pad_id, device=lm.device),
        torch.zeros(size, device=lm.device),
        None if reader is None else torch.zeros(*size, 2, device=lm.device),
    )
    ends = torch.tensor(lm.end_ids, device=lm.device)
    cuts = torch.tensor(settings.cut_ids, device=lm.device, dtype=torch.long)
    for step in range(settings.max_new_tokens):
        logits, states = found
        tokens = sample_tokens(logits, rows.noise[:, step], settings)
        said.ids[rows.numbers, step] = tokens
        said.log_probabilities[rows.numbers, step] = token_log_probabilities(
            logits, tokens, temperature=settings.temperature
        )
        if reader is not None and said.read is not None:
            said.read[rows.numbers, step] = torch.stack(reader(states, logits), dim=-1).float()
        rows.ended |= torch.isin(tokens, ends)
        if settings.cut_ids and step >= settings.cut_from:
            rows.ended |= torch.isin(tokens, cuts)
        left = int((~rows.ended).sum())
        if left == 0 or step + 1 == settings.max_new_tokens:
            break
        if left <= len(rows.ended) * (1 - DROP_SHARE):
            tokens = _drop_ended(rows, tokens)
        found = _next(lm, rows, tokens, reading=reader is not None)
    return _collect(lm, [prompt for prompt in prompts for _ in range(copies)], said, settings)


def _prefill(
    lm: LanguageModel, prompts: list[list[int]], copies: int, noise: Tensor, *, reading: bool
) -> tuple[_Rows, tuple[Tensor, Tensor]]:
    """The rows, each prompt read once for all its copies, and what predicts their first tokens."""
    ids, mask = left_pad(prompts, lm.pad_id, lm.device)
    cache = DynamicCache(config=lm.model.config)
    first = lm.model(
        input_ids=ids,
        attention_mask=mask.long(),
        position_ids=positions(mask),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
        output_hidden_states=reading,
    )
    cache.batch_repeat_interleave(copies)
    mask = mask.repeat_interleave(copies, dim=0)
    numbers = torch.arange(len(mask), device=lm.device)
    ended = torch.zeros(len(mask), dtype=torch.bool, device=lm.device)
    logits, states = (found.repeat_interleave(copies, dim=0) for found in _predicting(first))
    return _Rows(noise, cache, mask, mask.sum(dim=-1), numbers, ended), (logits, states)


def _predicting(output: Any) -> tuple[Tensor, Tensor]:
    """Logits [rows, V] and trunk states [rows, d] at the last place; the logits again where none were kept."""
    logits = output.logits[:, -1]
    return logits, logits if output.hidden_states is None else output.hidden_states[-1][:, -1]


def _drop_ended(rows: _Rows, tokens: Tensor) -> Tensor:
    """Takes the ended rows out of `rows`; the tokens [rows left] of those that go on."""
    kept = (~rows.ended).nonzero().squeeze(-1)
    rows.cache.batch_select_indices(kept)
    rows.noise, rows.mask, rows.places = rows.noise[kept], rows.mask[kept], rows.places[kept]
    rows.numbers, rows.ended = rows.numbers[kept], rows.ended[kept]
    return tokens[kept]


def _next(lm: LanguageModel, rows: _Rows, tokens: Tensor, *, reading: bool) -> tuple[Tensor, Tensor]:
    """What predicts the token after `tokens` [rows], which are added to the cache: logits and states."""
    rows.mask = torch.cat([rows.mask, torch.ones_like(rows.mask[:, :1])], dim=1)
    output = lm.model(
        input_ids=tokens.unsqueeze(-1),
        attention_mask=rows.mask.long(),
        position_ids=rows.places.unsqueeze(-1),
        past_key_values=rows.cache,
        use_cache=True,
        output_hidden_states=reading,
    )
    rows.places = rows.places + 1
    return _predicting(output)


def _collect(
    lm: LanguageModel, prompts: list[list[int]], said: _Said, settings: SamplingSettings
) -> list[Generated]:
    # A row that ended but was not dropped at once went on talking: everything after its first end token is
    # cut off.
    cut_ids, cut_from = settings.cut_ids, settings.cut_from
    lengths = response_lengths(said.ids, lm.end_ids, cut_ids=cut_ids, cut_from=cut_from).tolist()
    ids, chances = said.ids.tolist(), said.log_probabilities.tolist()
    values, entropies = ([], []) if said.read is None else (one.tolist() for one in said.read.unbind(-1))
    found = []
    for row, (prompt, length) in enumerate(zip(prompts, lengths, strict=True)):
        response = ids[row][:length]
        read = [one[row][:length] for one in (values, entropies)] if said.read is not None else []
        is_cut = length > cut_from and response[-1] in cut_ids
        chance = chances[row][:length]
        found.append(Generated(prompt, response, chance, is_cut or response[-1] in lm.end_ids, *read))
    return found
