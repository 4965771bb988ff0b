"""Bytes that a run holds: weights, gradients, Adam's moments, what a forward pass keeps, the cache of decoding."""

from dataclasses import dataclass
from typing import Literal

from trainer.estimate.shapes import Shape
from trainer.json_lines import JsonObject

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
