"""Bytes that a run holds: weights, gradients, Adam's moments, what a forward pass keeps, the cache of decoding."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trainer.estimate.shapes import Shape
from trainer.json_lines import JsonObject
from trainer.reward_model.prompt_groups import Lengths, block_sizes

Recipe = Literal["autocast", "half-copies"]
FLOAT = 4
# Bytes of a weight that learns, and of one that stays. Our trainer keeps float32 weights and lets autocast round
# what goes into a product; the usual mixed recipe keeps 16-bit copies of weights and gradients beside them.
BYTES: dict[Recipe, dict[str, int]] = {
    "autocast": {"weights": 4, "gradients": 4, "moments": 8},
    "half-copies": {"weights": 4, "half_weights": 2, "gradients": 4, "half_gradients": 2, "moments": 8},
}
FROZEN: dict[Recipe, int] = {"autocast": 4, "half-copies": 2}


@dataclass(frozen=True)
class State:
    """What does not depend on the batch: `trainable` weights with all that belongs to them, `frozen` ones."""

    trainable: int
    frozen: int
    recipe: Recipe = "autocast"

    @property
    def bytes(self) -> int:
        """All of it: 16 or 20 bytes a weight that learns, 4 or 2 a weight that stays."""
        return self.trainable * sum(BYTES[self.recipe].values()) + self.frozen * FROZEN[self.recipe]

    @property
    def gradients(self) -> int:
        """The gradients' part."""
        known = BYTES[self.recipe]
        return self.trainable * (known["gradients"] + known.get("half_gradients", 0))

    def told(self) -> JsonObject:
        """Bytes of each kind."""
        kinds: JsonObject = {kind: self.trainable * each for kind, each in BYTES[self.recipe].items()}
        return {**kinds, "frozen_weights": self.frozen * FROZEN[self.recipe], "all": self.bytes}


def kept_for_backward(shape: Shape, tokens: int, scored: int, *, recompute: bool = False) -> int:
    """Bytes that a float32 forward pass over `tokens` keeps, with logits at `scored` places.

    A block keeps, of each token: two norms' inputs, quotients and outputs (6 h, and two scales), queries,
    keys, values and attention's output with its normaliser, and of the feed-forward layer gate, its activation, the
    other half and their product. Recomputed blocks keep their input alone; the one being computed keeps the rest.
    """
    queries, keys = shape.heads * shape.head_size, shape.key_heads * shape.head_size
    block = 6 * shape.width + 2 * queries + 2 * keys + 4 * shape.feed_forward + 2 + shape.heads
    blocks = shape.layers * block if not recompute else shape.layers * shape.width + block
    return FLOAT * (tokens * (blocks + 3 * shape.width + 1) + scored * shape.vocabulary)


def kept_packed(
    shape: Shape, groups: Sequence[Lengths], *, ends_only: bool, scored: int = 0, recompute: bool = False
) -> int:
    """Bytes that a packed pass over the groups keeps (reward_model.packed_pass), with logits at `scored` places.

    All T tokens go through the inner blocks. Attention keeps copies: prompts padded to P ask and are asked (4 q),
    responses padded to R ask (2 q) and are shown keys and values of prompt and response (2 q). The last block keeps
    all tokens' keys and values, and the rest of the S places that are read.
    """
    wide, queries = shape.width, shape.heads * shape.head_size
    tokens = sum(prompt + sum(own) for prompt, own in groups)
    read = sum(len(own) if ends_only else 1 + sum(own) for _, own in groups)
    inner = tokens * (6 * wide + queries + 4 * shape.feed_forward + 2)
    last = tokens * (3 * wide + 1) + read * (
        (7 if ends_only else 6) * wide + queries + 4 * shape.feed_forward + 2
    )
    start = 0
    for size in block_sizes(groups):
        block = groups[start : start + size]
        start += size
        prompt, longest = max(one for one, _ in block), max(max(own) for _, own in block)
        count = sum(len(own) for _, own in block)
        # Keys and values that are shown, and who sees what: one mask does where all prompts are as long.
        shown = 2 * queries * count * (prompt + longest)
        alike = len({one for one, _ in block}) == 1
        mask = (1 if alike else count) * longest * (prompt + longest)
        inner += 4 * queries * size * prompt + shown + count * longest * (2 * queries + shape.heads) + mask
        asked = count if ends_only else size * (prompt + 1) + count * longest
        last += shown + 2 * queries * asked + (0 if ends_only else mask)
    blocks = (shape.layers - 1) * (tokens * wide if recompute else inner)
    # Where blocks are recomputed, one inner block is whole at a time, and the last is one of them.
    whole = max(inner, last) if recompute else last
    return FLOAT * (blocks + whole + 4 * tokens * shape.head_size + scored * (wide + shape.vocabulary))


def kept_rows(
    shape: Shape, rows: int, prompt: int, response: int, *, scored: int = 0, recompute: bool = False
) -> int:
    """Bytes that a pass over `rows` of a prompt and one response keeps (ppo.row_states), with logits at `scored`
    places. In the last block only the places that predict go beyond keys and values.
    """
    wide, queries, keys = shape.width, shape.heads * shape.head_size, shape.key_heads * shape.head_size
    tokens, read = rows * (prompt + response - 1), rows * response
    inner = tokens * (6 * wide + 2 * queries + 2 * keys + 4 * shape.feed_forward + 2 + shape.heads)
    last = tokens * (3 * wide + 2 * keys + 1) + read * (6 * wide + 2 * queries + 4 * shape.feed_forward + 2)
    last += read * (prompt + response - 1)
    blocks = (
        shape.layers * tokens * wide + max(inner, last) if recompute else (shape.layers - 1) * inner + last
    )
    return FLOAT * (blocks + read * wide + scored * (wide + shape.vocabulary))


def kept_by_tree(shape: Shape, rows: int, longest: int, *, scored: int = 0, recompute: bool = False) -> int:
    """Bytes that a pass over padded rows under a tree mask keeps (reward_model.shared_prompt), with logits at `scored`
    places.

    The mask stands once a block as numbers; keys and values are repeated for the heads that share them.
    """
    queries, tokens = shape.heads * shape.head_size, rows * longest
    block = tokens * (6 * shape.width + 4 * queries + 4 * shape.feed_forward + 2 + shape.heads + longest)
    blocks = shape.layers * tokens * shape.width + block if recompute else shape.layers * block
    return FLOAT * (blocks + 3 * tokens * shape.width + scored * (2 * shape.width + shape.vocabulary))


def cache_of_decoding(shape: Shape, rows: int, length: int) -> int:
    """Bytes of keys and values of `rows` responses with their prompts, `length` tokens each."""
    return 2 * FLOAT * shape.layers * shape.key_heads * shape.head_size * rows * length


def peak(state: State, *, kept: int, logits: int, passes: int, cache: int = 0) -> int:
    """The most bytes held at one time.

    Gradients grow as kept states are freed, so in a step of one pass only the larger of the two counts; in a
    step of several, the first pass's gradients lie beside the next one's states. The gradient of the logits, and
    that of what stands before the softmax, come on top (`logits` bytes each).
    """
    idle = state.bytes - state.gradients
    learning = kept + 2 * logits + (state.gradients if passes > 1 else 0)
    return idle + max(learning, state.gradients, cache)
