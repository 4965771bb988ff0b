"""Runs a causal trunk over prompts with several responses each, computing every prompt once, with gradients.

G groups (a prompt and its responses) hold N responses, right-padded to R tokens; d is the hidden width.
Three ways give the same states. "packed": all tokens end to end in one pass that wastes nothing, for trunks
whose layers are walked by hand (`packed_pass`). "cache": one left-padded prefill, whose keys and values are
repeated for the responses; it fits every causal trunk of transformers. "tree": a prompt and all its responses
stand in one row under a mask by which no response sees another; dearer with the row's square, but one call.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from transformers import DynamicCache

from trainer.errors import BadInput
from trainer.language_models import left_pad, positions, right_pad
from trainer.recomputing import recomputes
from trainer.reward_model.packed_pass import PackedPass, packs
from trainer.reward_model.prompt_groups import PromptGroup

__all__ = ["PromptGroup", "States", "Way", "choose_way", "last_states", "run_groups", "tree_mask"]

Way = Literal["auto", "packed", "cache", "tree"]
Chosen = Literal["packed", "cache", "tree"]
# Trunks that take a ready mask as it is (tested); others always go by the cache.
TREE_TRUNKS = frozenset({"llama"})
LONGEST_TREE_ROW, NARROW = 256, 128


class States(NamedTuple):
    """Hidden states: [G, d] of each last prompt token, [N, R, d] of the responses; `mask` [N, R] is 1 on real
    tokens, `tokens` int64 [N, R], `group` int64 [N] tells whose response it is."""

    prompt: Tensor
    response: Tensor
    mask: Tensor
    tokens: Tensor
    group: Tensor

    def last(self) -> Tensor:
        """State of each response's last real token, [N, d]: never of a pad."""
        lengths = self.mask.sum(dim=1).long()
        return self.response[torch.arange(len(lengths), device=lengths.device), lengths - 1]

    def before(self) -> Tensor:
        """State from which each response token is predicted, [N, R, d]: the token before it."""
        return torch.cat([self.prompt[self.group].unsqueeze(1), self.response[:, :-1]], dim=1)


def choose_way(trunk: Any, groups: Sequence[PromptGroup]) -> Chosen:
    """The faster way for this trunk and shape, as measured on a CPU: "tree" for short rows of a narrow trunk,
    where calls cost more than numbers, else "packed", else "cache".

    A trunk that recomputes drops its cache, so it goes by the others. Refuses (BadInput) one that cannot.
    """
    if recomputes(trunk) and not packs(trunk):
        if trunk.config.model_type not in TREE_TRUNKS:
            known = ", ".join(sorted(TREE_TRUNKS))
            raise BadInput(f"--gradient-checkpointing: found {trunk.config.model_type}, wanted {known}")
        return "tree"
    short = max(group.tokens for group in groups) <= LONGEST_TREE_ROW
    if short and trunk.config.hidden_size < NARROW and trunk.config.model_type in TREE_TRUNKS:
        return "tree"
    return "packed" if packs(trunk) else "cache"


def last_states(trunk: Any, groups: Sequence[PromptGroup], *, pad_id: int, way: Way = "auto") -> Tensor:
    """The state of each response's last token, [N, d], in order: all that a reward model reads."""
    chosen = choose_way(trunk, groups) if way == "auto" else way
    if chosen == "packed":
        return PackedPass(trunk, groups, "ends").run()
    return run_groups(trunk, groups, pad_id=pad_id, way=chosen).last()


def run_groups(trunk: Any, groups: Sequence[PromptGroup], *, pad_id: int, way: Way = "auto") -> States:
    """Hidden states of all responses of the groups, in order, each prompt computed once.

    `trunk` is a transformers model without head (untyped there). Gradients flow through the shared prompt.
    """
    device = str(trunk.device)
    tokens, real = right_pad([response for group in groups for response in group.responses], pad_id, device)
    mask = real.to(torch.float32)
    owners = [index for index, group in enumerate(groups) for _ in group.responses]
    owner = torch.tensor(owners, device=device)
    chosen = choose_way(trunk, groups) if way == "auto" else way
    run = {"packed": _by_pack, "tree": _by_tree, "cache": _by_cache}[chosen]
    prompt, response = run(trunk, groups, tokens, mask)
    return States(prompt, response, mask, tokens, owner)


def _by_pack(
    trunk: Any, groups: Sequence[PromptGroup], tokens: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """Last prompt states [G, d] and response states [N, R, d] by one pass over real tokens only."""
    states = PackedPass(trunk, groups, "responses").run()
    ends, starts, place = [], [], 0
    for group in groups:
        ends.append(place)
        place += 1
        for response in group.responses:
            starts.append(place)
            place += len(response)
    device = tokens.device
    wanted = torch.tensor(starts, device=device).unsqueeze(1) + (
        torch.arange(tokens.shape[1], device=device) * mask.long()
    )
    responses = states.index_select(0, wanted.flatten()).view(*wanted.shape, -1)
    return states.index_select(0, torch.tensor(ends, device=device)), responses


def _by_cache(
    trunk: Any, groups: Sequence[PromptGroup], tokens: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """Last prompt states [G, d] and response states [N, R, d] by a prefill and a pass over the responses."""
    # Any id does for padding here: what stands under the mask is never read.
    prompts, seen = left_pad([group.prompt for group in groups], 0, str(tokens.device))
    cache = DynamicCache(config=trunk.config)
    prefill: Tensor = trunk(
        input_ids=prompts,
        attention_mask=seen.long(),
        position_ids=positions(seen),
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    counts = [len(group.responses) for group in groups]
    repeats = torch.tensor(counts, device=tokens.device)
    if len(set(counts)) == 1:
        cache.batch_repeat_interleave(counts[0])
    else:
        cache.batch_select_indices(torch.arange(len(groups), device=tokens.device).repeat_interleave(repeats))
    seen = seen.repeat_interleave(repeats, dim=0)
    response: Tensor = trunk(
        input_ids=tokens,
        attention_mask=torch.cat([seen, mask.bool()], dim=1).long(),
        position_ids=seen.sum(1, keepdim=True) + torch.arange(tokens.shape[1], device=tokens.device),
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    return prefill[:, -1], response


def _by_tree(
    trunk: Any, groups: Sequence[PromptGroup], tokens: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """Last prompt states [G, d] and response states [N, R, d] by one pass under a mask of trees."""
    device = str(tokens.device)
    rows = [_tree_row(group) for group in groups]
    ids, _ = right_pad([row.ids for row in rows], 0, device)
    branch, _ = right_pad([row.branch for row in rows], -1, device)
    places, _ = right_pad([row.positions for row in rows], 0, device)
    states: Tensor = trunk(
        input_ids=ids, attention_mask=tree_mask(branch), position_ids=places, use_cache=False
    ).last_hidden_state
    length, flat = ids.shape[1], states.flatten(0, 1)
    ends = [number * length + len(group.prompt) - 1 for number, group in enumerate(groups)]
    starts = [number * length + start for number, row in enumerate(rows) for start in row.starts]
    offsets = torch.arange(tokens.shape[1], device=device) * mask.long()
    wanted = torch.tensor(starts, device=device).unsqueeze(1) + offsets
    return flat[torch.tensor(ends, device=device)], flat[wanted.flatten()].view(*wanted.shape, -1)


class _TreeRow(NamedTuple):
    """A prompt and its responses end to end; `starts` tells where each response begins."""

    ids: list[int]
    branch: list[int]
    positions: list[int]
    starts: list[int]


def _tree_row(group: PromptGroup) -> _TreeRow:
    length = len(group.prompt)
    row = _TreeRow(list(group.prompt), [0] * length, list(range(length)), [])
    for number, response in enumerate(group.responses, start=1):
        row.starts.append(len(row.ids))
        row.ids.extend(response)
        row.branch.extend([number] * len(response))
        # Every response stands right behind the prompt, wherever its tokens lie in the row.
        row.positions.extend(range(length, length + len(response)))
    return row


def tree_mask(branch: Tensor) -> Tensor:
    """Bool [G, 1, T, T], true where a query (row) may see a key (column).

    `branch` [G, T] is 0 on the prompt, k on the k-th response, -1 on pads. Each token sees the prompt
    and its own branch, never what comes later. Pads see the prompt, so that no row of the softmax is empty.
    """
    length = branch.shape[1]
    earlier = torch.ones(length, length, dtype=torch.bool, device=branch.device).tril()
    keys, queries = branch.unsqueeze(1), branch.unsqueeze(2)
    return (((keys == 0) | (keys == queries)) & earlier).unsqueeze(1)
