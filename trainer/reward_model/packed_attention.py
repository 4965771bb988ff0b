"""Attention of packed groups: each prompt looks at itself, each response at its prompt and at itself.

Within a block, G groups of like shape hold N responses; prompts are right-padded to P tokens, responses to R.
Only here is anything padded: keys that are pads are masked, answers to pads are never read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from trainer.language_models import right_pad
from trainer.reward_model.prompt_groups import PromptGroup, block_sizes


def blocks_of(groups: Sequence[PromptGroup]) -> list[list[PromptGroup]]:
    """The groups in order, cut into blocks of like shape."""
    found, start = [], 0
    for size in block_sizes([group.lengths for group in groups]):
        found.append(list(groups[start : start + size]))
        start += size
    return found


@dataclass(frozen=True)
class _Queries:
    """Which tokens of a block ask. `prompts` [G, A] and `responses` [N, B] are rows of the block's queries,
    padded with row 0; A may be 0. `answers` tells where each query's answer lies among G·A + N·B answers.

    Who sees what, True where allowed: `prompt_mask` [G, 1, A, P] (None: each prompt token all before it),
    `response_mask` [N, 1, B, P + R] ([1, …] where all responses see alike).
    """

    count: int
    prompts: Tensor
    responses: Tensor
    answers: Tensor
    prompt_mask: Tensor | None
    response_mask: Tensor

    @classmethod
    def of(cls, groups: Sequence[PromptGroup], kind: str, device: str) -> Self:
        """The queries "all", "responses" (the last prompt token too) or "ends" of the groups."""
        prompts: list[list[int]] = []
        responses: list[list[int]] = []
        for group in groups:
            size = len(group.prompt)
            prompts.append({"all": list(range(size)), "responses": [size - 1], "ends": []}[kind])
            for response in group.responses:
                length = len(response)
                responses.append([length - 1] if kind == "ends" else list(range(length)))
        counts = iter(map(len, responses))
        rows: list[list[list[int]]] = [[], []]
        count = 0
        for own, group in zip(prompts, groups, strict=True):
            rows[0].append(list(range(count, count + len(own))))
            count += len(own)
            for _ in group.responses:
                asked = next(counts)
                rows[1].append(list(range(count, count + asked)))
                count += asked
        return cls(
            count,
            right_pad(rows[0], 0, device)[0].long(),
            right_pad(rows[1], 0, device)[0],
            _answers(rows, count, device),
            None if kind != "responses" else _own_mask(prompts, [len(g.prompt) for g in groups], device),
            _response_mask(groups, responses, alike=kind != "ends", device=device),
        )


def _answers(rows: Sequence[Sequence[Sequence[int]]], count: int, device: str) -> Tensor:
    """Where the answer of each query lies: prompts' first, each row padded to its longest. int64 [count]."""
    place, start = [0] * count, 0
    for part in rows:
        width = max(map(len, part))
        for number, row in enumerate(part):
            for offset, query in enumerate(row):
                place[query] = start + number * width + offset
        start += len(part) * width
    return torch.tensor(place, device=device)


def _own_mask(queries: Sequence[Sequence[int]], lengths: Sequence[int], device: str) -> Tensor:
    """Bool [rows, 1, queries, longest]: a query at place p sees the keys 0 … p of its own row."""
    places, _ = right_pad(queries, 0, device)
    keys = torch.arange(max(lengths), device=device)
    return (keys <= places.unsqueeze(-1)).unsqueeze(1)


def _response_mask(
    groups: Sequence[PromptGroup], queries: Sequence[Sequence[int]], *, alike: bool, device: str
) -> Tensor:
    """Bool [N or 1, 1, B, P + R]: the whole prompt, never its pads, and the response up to the query."""
    lengths = [len(response) for group in groups for response in group.responses]
    sizes = torch.tensor([len(group.prompt) for group in groups for _ in group.responses], device=device)
    if alike and len(set(sizes.tolist())) == 1:
        # The longest response asks at every place, so its mask fits all.
        queries, sizes = [list(range(max(lengths)))], sizes[:1]
    own = _own_mask(queries, lengths, device)
    prompt = torch.arange(int(sizes.max()), device=device) < sizes.view(-1, 1, 1, 1)
    return torch.cat([prompt.expand(-1, 1, own.shape[2], -1), own], dim=-1)


@dataclass(frozen=True)
class Block:
    """Groups whose attention is computed together; `owner` [N] is the group of each response.

    `every` are the queries of an inner layer, whose rows are those of the keys too; `read` those of the last.
    """

    owner: Tensor
    every: _Queries
    read: _Queries

    @classmethod
    def of(cls, groups: Sequence[PromptGroup], *, ends_only: bool, device: str) -> Self:
        """The block of `groups`; the last layer is asked by the ends of responses, or by whole responses."""
        owners = [number for number, group in enumerate(groups) for _ in group.responses]
        read = "ends" if ends_only else "responses"
        return cls(
            torch.tensor(owners, device=device),
            _Queries.of(groups, "all", device),
            _Queries.of(groups, read, device),
        )

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, scale: float, *, read: bool) -> Tensor:
        """Answers [queries, heads · width] to this block's own queries, from its own keys and values."""
        asked = self.read if read else self.every
        prompt_keys, own_keys = self._keys(keys)
        prompt_values, own_values = self._keys(values)
        found = []
        if asked.prompts.numel():
            mask = asked.prompt_mask
            asking = _rows(queries, asked.prompts)
            found.append(_attention(asking, prompt_keys, prompt_values, mask, scale))
        seen_keys = torch.cat([self._shared(prompt_keys), own_keys], dim=1)
        seen_values = torch.cat([self._shared(prompt_values), own_values], dim=1)
        asking = _rows(queries, asked.responses)
        found.append(_attention(asking, seen_keys, seen_values, asked.response_mask, scale))
        return torch.cat(found).index_select(0, asked.answers)

    def _keys(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        return _rows(rows, self.every.prompts), _rows(rows, self.every.responses)

    def _shared(self, prompts: Tensor) -> Tensor:
        """[G, P, …] for each response, [N, P, …]; one prompt is not copied but lent."""
        if prompts.shape[0] == 1:
            return prompts.expand(len(self.owner), *prompts.shape[1:])
        return prompts.index_select(0, self.owner)


def attend(
    blocks: Sequence[Block], queries: Tensor, keys: Tensor, values: Tensor, scale: float, *, read: bool
) -> Tensor:
    """Answers [queries, heads · width] to [queries, heads, width] from [T, key heads, width], block by block.

    `read` tells that only the tokens that are read ask (the last layer), else all T do.
    """
    sizes = [block.every.count for block in blocks]
    asked = [(block.read if read else block.every).count for block in blocks]
    split = torch.split(queries, asked), torch.split(keys, sizes), torch.split(values, sizes)
    parts = zip(blocks, *split, strict=True)
    return torch.cat([block.attend(q, k, v, scale, read=read) for block, q, k, v in parts])


def _rows(flat: Tensor, rows: Tensor) -> Tensor:
    """`flat` [tokens, …] at `rows` [A, B]: [A, B, …]."""
    return flat.index_select(0, rows.flatten()).view(*rows.shape, *flat.shape[1:])


def _attention(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """Softmax attention of [A, Q, heads, width] over [A, K, key heads, width], as [A · Q, heads · width].

    Without a mask each query sees the keys up to its own place. Key heads are shared by groups of heads.
    """
    shared = queries.shape[2] // keys.shape[2]
    if shared > 1:
        keys, values = keys.repeat_interleave(shared, dim=2), values.repeat_interleave(shared, dim=2)
    found = functional.scaled_dot_product_attention(
        queries.transpose(1, 2),
        keys.transpose(1, 2),
        values.transpose(1, 2),
        attn_mask=mask,
        is_causal=mask is None,
        scale=scale,
    )
    return found.transpose(1, 2).flatten(0, 1).flatten(1)
