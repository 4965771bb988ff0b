"""Token lists as rectangles: padding, positions, and the prompt-beside-response batch that losses read."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class ResponseBatch(NamedTuple):
    """Prompts and their responses, side by side. B rows, prompts padded left to P, responses padded right to
    R.

    `prompt_ids` [B, P], `prompt_mask` [B, P], `response_ids` [B, R], `response_mask` [B, R]: ids int64,
    masks bool.
    The last prompt token and the first response token stand in neighbouring columns in every row.
    """

    prompt_ids: Tensor
    prompt_mask: Tensor
    response_ids: Tensor
    response_mask: Tensor


def right_pad(rows: Sequence[Sequence[int]], pad_id: int, device: str = "cpu") -> tuple[Tensor, Tensor]:
    """Ids [B, T] and mask [B, T] (True at real tokens) of `rows`, padding after the end.
    Refuses no rows at all.
    """
    width = max(len(row) for row in rows)
    ids = [[*row, *[pad_id] * (width - len(row))] for row in rows]
    mask = [[True] * len(row) + [False] * (width - len(row)) for row in rows]
    return torch.tensor(ids, device=device).view(len(rows), width), torch.tensor(mask, device=device).view(
        len(rows), width
    )


def left_pad(rows: Sequence[Sequence[int]], pad_id: int, device: str = "cpu") -> tuple[Tensor, Tensor]:
    """Ids [B, T] and mask [B, T] (True at real tokens) of `rows`, padding before the start.
    Refuses no rows at all.
    """
    width = max(len(row) for row in rows)
    ids = [[*[pad_id] * (width - len(row)), *row] for row in rows]
    mask = [[False] * (width - len(row)) + [True] * len(row) for row in rows]
    return torch.tensor(ids, device=device).view(len(rows), width), torch.tensor(mask, device=device).view(
        len(rows), width
    )


def positions(mask: Tensor) -> Tensor:
    """The place [B, T] of each real token in its own row, counted from 0; 0 at pads before the first one.

    cumsum(mask) - mask: [0, 0, 1, 1, 1] -> [0, 0, 0, 1, 2], so that padding never shifts a rotary position.
    """
    counted = mask.long()
    return counted.cumsum(dim=-1) - counted


def response_batch(
    prompts: Sequence[Sequence[int]], responses: Sequence[Sequence[int]], pad_id: int, device: str = "cpu"
) -> ResponseBatch:
    """The batch of B prompts with one response each. Refuses (ValueError) counts that differ and empty
    rows.
    """
    if len(prompts) != len(responses) or not all(prompts) or not all(responses):
        raise ValueError(
            "found prompts and responses that do not pair up or are empty, wanted one each, none empty"
        )
    return ResponseBatch(*left_pad(prompts, pad_id, device), *right_pad(responses, pad_id, device))
