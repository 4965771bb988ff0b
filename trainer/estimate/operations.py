"""Floating point operations (a product and a sum are two) of each loss, counted as our code runs them.

A token costs two operations for every weight of a linear layer it goes through, and 4 · heads · head size for
each key its query is multiplied with. A backward pass costs twice the forward one: gradients of inputs and of
weights. `matmul` and `attention` stand apart, since fused attention kernels are not seen by every counter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Self

from trainer.estimate.shapes import Shape
from trainer.reward_model.prompt_groups import block_sizes

FORWARD, FORWARD_AND_BACKWARD = 1, 3
# Prompts with their responses: tokens of the prompt, tokens of each response.
Group = tuple[int, Sequence[int]]
# The longest row that goes by the tree, and the width from which none does (see reward_model.shared_prompt).
LONGEST_TREE_ROW, NARROW = 256, 128


@dataclass(frozen=True)
class Operations:
    """Operations of linear layers, and of attention's two products."""

    matmul: int = 0
    attention: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.matmul + self.attention

    def __add__(self, other: Self) -> "Operations":
        return Operations(self.matmul + other.matmul, self.attention + other.attention)

    def __mul__(self, times: int) -> "Operations":
        return Operations(self.matmul * times, self.attention * times)


def body(shape: Shape, tokens: int, pairs: int) -> Operations:
    """One forward pass of the blocks over `tokens`, with `pairs` of queries and keys."""
    attention = 4 * shape.heads * shape.head_size * pairs * shape.layers
    return Operations(2 * shape.block_weights * tokens * shape.layers, attention)


def output_layer(shape: Shape, tokens: int) -> Operations:
    """One forward pass of the vocabulary's layer over `tokens`."""
    return Operations(2 * shape.width * shape.vocabulary * tokens)


def language_modelling(shape: Shape, rows: int, length: int) -> Operations:
    """Loss and gradient over packed rows: pretraining and the pretraining mix."""
    forward = body(shape, rows * length, rows * length**2) + output_layer(shape, rows * length)
    return forward * FORWARD_AND_BACKWARD


def response_loss(shape: Shape, lessons: Sequence[tuple[int, int]]) -> Operations:
    """Loss and gradient of one packed batch of (prompt, response) tokens: sft. Logits on response places only."""
    groups = [(prompt, [response]) for prompt, response in lessons]
    head = output_layer(shape, sum(response for _, response in lessons))
    return (packed(shape, groups, ends_only=False) + head) * FORWARD_AND_BACKWARD


def packed(shape: Shape, groups: Sequence[Group], *, ends_only: bool) -> Operations:
    """One forward pass of the blocks over all tokens of the groups end to end (reward_model.packed_pass).

    The last block computes keys and values of all tokens, the rest where states are read: at the ends of the
    responses, or at all their tokens and the prompt's last.
    """
    tokens = sum(prompt + sum(own) for prompt, own in groups)
    asked = sum(len(own) if ends_only else 1 + sum(own) for _, own in groups)
    inner = asking = start = 0
    for size in block_sizes(groups):
        block = groups[start : start + size]
        start += size
        prompt, longest = max(one for one, _ in block), max(max(own) for _, own in block)
        seen = sum(len(own) for _, own in block) * (prompt + longest)
        inner += size * prompt**2 + seen * longest
        asking += seen if ends_only else size * prompt + seen * longest
    keys = sum(prod(shape.linear[name]) for name in ("k", "v"))
    last = 2 * (keys * tokens + (shape.block_weights - keys) * asked)
    pairs = inner * (shape.layers - 1) + asking
    return Operations(
        2 * shape.block_weights * tokens * (shape.layers - 1) + last,
        4 * shape.heads * shape.head_size * pairs,
    )


def shared_prompt(shape: Shape, groups: Sequence[Group], *, prompt_states: bool, times: int) -> Operations:
    """`times` forward passes' worth of the blocks over prompts that are computed once for their responses.

    Short groups of a narrow model go by one padded row under a tree mask, all others are packed;
    `prompt_states` tells that whole responses are read, and not their ends alone.
    """
    rows = [prompt + sum(responses) for prompt, responses in groups]
    if max(rows) <= LONGEST_TREE_ROW and shape.width < NARROW:
        tokens = len(groups) * max(rows)
        return body(shape, tokens, tokens * max(rows)) * times
    return packed(shape, groups, ends_only=not prompt_states) * times


def reward_loss(shape: Shape, groups: Sequence[Group]) -> Operations:
    """Loss and gradient of whole rankings; the head reads one state a response."""
    responses = sum(len(own) for _, own in groups)
    head = Operations(2 * shape.width * responses * FORWARD_AND_BACKWARD)
    return shared_prompt(shape, groups, prompt_states=False, times=FORWARD_AND_BACKWARD) + head


def single_rows(shape: Shape, groups: Sequence[Group], *, times: int) -> Operations:
    """`times` forward passes' worth over prompts with one response each, as PPO runs them (ppo.row_states).

    Padded rows without the response's last token; in the last block only keys and values are of every place.
    """
    longest, width = max(one + own[0] - 1 for one, own in groups), max(own[0] for _, own in groups)
    tokens, read = len(groups) * longest, len(groups) * width
    weights = {name: one[0] * one[1] for name, one in shape.linear.items()}
    everywhere, attention = weights["k"] + weights["v"], 4 * shape.heads * shape.head_size
    blocks = shape.layers - 1
    linear = (
        blocks * shape.block_weights * tokens
        + everywhere * tokens
        + (shape.block_weights - everywhere) * read
    )
    return Operations(2 * linear, attention * longest * (blocks * tokens + read)) * times


def policy_evaluation(
    shape: Shape, groups: Sequence[Group], *, times: int, value_head: bool = True
) -> Operations:
    """What policy (and its value head) say of responses: once for a rollout, three times' worth to learn."""
    width = max(max(own) for _, own in groups)
    count, tokens = sum(len(own) for _, own in groups), sum(sum(own) for _, own in groups)
    value = Operations(2 * shape.width * count * width) if value_head else Operations()
    if all(len(own) == 1 for _, own in groups):
        trunk = single_rows(shape, groups, times=times)
    else:
        trunk = shared_prompt(shape, groups, prompt_states=True, times=times)
    return trunk + (output_layer(shape, tokens) + value) * times


def decoding(shape: Shape, groups: Sequence[Group]) -> Operations:
    """Sampling the responses token by token from one prefill a prompt, with a cache."""
    found = Operations()
    for prompt, responses in groups:
        found += body(shape, prompt, prompt**2) + output_layer(shape, 1)
        for length in responses:
            keys = sum(prompt + place for place in range(1, length))
            found += body(shape, length - 1, keys) + output_layer(shape, length - 1)
    return found
