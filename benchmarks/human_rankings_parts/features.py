"""Frozen features of responses: states of a language model's lower layers, each prompt computed once."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.human_rankings_parts.sources import HumanRanking
from trainer.language_models import encode_prompt, encode_response, load_language_model
from trainer.progress import ProgressWriter
from trainer.reward_model.model import token_budget_spans
from trainer.reward_model.packed_pass import PackedPass
from trainer.reward_model.prompt_groups import PromptGroup

LONGEST_PROMPT, LONGEST_RESPONSE, BATCH_TOKENS = 160, 128, 3072


@torch.no_grad()
def features(folder: Path, rankings: Sequence[HumanRanking], layers: int) -> list[Tensor]:
    """For each ranking [K, 2d] float32: the state of each response's last token and the mean over its tokens.

    States are those after `layers` layers, in bfloat16; prompts keep their last tokens, responses their first.
    """
    lm = load_language_model(folder, precision="bfloat16")
    trunk = lm.model.get_decoder()
    groups = [
        PromptGroup(
            tuple(encode_prompt(lm.tokenizer, one.prompt)[-LONGEST_PROMPT:]),
            tuple(_shortened(encode_response(lm.tokenizer, text, lm.end_id)) for text in one.responses),
        )
        for one in rankings
    ]
    order = sorted(range(len(groups)), key=lambda place: groups[place].tokens)
    found: list[Tensor] = [torch.empty(0)] * len(groups)
    with ProgressWriter(None, "auto") as progress:
        for start, end in token_budget_spans([groups[place].tokens for place in order], BATCH_TOKENS):
            part = [groups[place] for place in order[start:end]]
            packed = PackedPass(trunk, part, "ends")
            states = packed.layers(packed.embed(), 0, layers).float()
            for place, own in zip(order[start:end], _by_response(states, part), strict=True):
                found[place] = own
            progress.step(end, len(order))
    return found


def _shortened(ids: Sequence[int]) -> tuple[int, ...]:
    """The first tokens, and the end token behind them."""
    return tuple(ids) if len(ids) <= LONGEST_RESPONSE else (*ids[: LONGEST_RESPONSE - 1], ids[-1])


def _by_response(states: Tensor, groups: Sequence[PromptGroup]) -> list[Tensor]:
    found, start = [], 0
    for group in groups:
        start += len(group.prompt)
        rows = []
        for response in group.responses:
            own = states[start : start + len(response)]
            rows.append(torch.cat([own[-1], own.mean(dim=0)]))
            start += len(response)
        found.append(torch.stack(rows))
    return found
