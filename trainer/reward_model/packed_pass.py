"""One pass of a Llama trunk over prompts with several responses each: no token twice, no pad, no wasted layer.

All T tokens of G groups (a prompt, then its responses) lie end to end in one row, so that every linear layer
runs once over real tokens only. Attention alone is taken apart (`packed_attention`). The last layer computes
keys and values of all tokens, the rest only where a state is read. Equal to a plain pass over each sequence
(tested).
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from transformers import LlamaModel

from trainer.reward_model.packed_attention import Block, attend, blocks_of
from trainer.reward_model.prompt_groups import PromptGroup

Read = Literal["ends", "responses"]


def packs(trunk: Any) -> bool:
    """True for a trunk that is walked here: a plain Llama whose weights lie whole on one device.

    What only stands in a trunk's place (adapters turned off for a call, shards gathered for one) must be called
    whole, and goes the stock way.
    """
    plain = type(trunk) is LlamaModel and trunk.config.model_type == "llama"
    return plain and not any(hasattr(one, "placements") for one in trunk.parameters())


class PackedPass:
    """The layout of a pass over `groups`, made once; `run` gives the states that `read` asks for.

    "ends": the last token of each response. "responses": for each group the last token of its prompt, then
    every token of every response. `places` [S] tells where they stand among the T tokens.
    """

    def __init__(self, trunk: Any, groups: Sequence[PromptGroup], read: Read) -> None:
        self.trunk, device = trunk, str(trunk.device)
        parts = [part for group in groups for part in (group.prompt, *group.responses)]
        self.ids = torch.tensor(list(chain.from_iterable(parts)), device=device)
        # Every response stands right behind the prompt, wherever its tokens lie in the row.
        self.positions = torch.tensor(list(chain.from_iterable(map(_positions, groups))), device=device)
        self.places = torch.tensor(_places(groups, read), device=device)
        self._blocks = [
            Block.of(chosen, ends_only=read == "ends", device=device) for chosen in blocks_of(groups)
        ]

    def run(self) -> Tensor:
        """The states that are read, [S, d], after the final norm."""
        return self.finish(self.layers(self.embed(), 0, len(self.trunk.layers) - 1))

    def embed(self) -> Tensor:
        """The states before the first layer, [T, d]."""
        states: Tensor = self.trunk.embed_tokens(self.ids)
        return states

    def layers(self, states: Tensor, start: int, stop: int) -> Tensor:
        """The states [T, d] after the layers start … stop - 1."""
        turns = self._turns(states)
        for layer in self.trunk.layers[start:stop]:
            states = self._recomputed(layer, states, turns)
        return states

    def finish(self, states: Tensor) -> Tensor:
        """The last layer and the final norm where states are read, [S, d], from the last layer's input [T, d]."""
        last = self._recomputed(self.trunk.layers[-1], states, self._turns(states), self.places)
        return _norm(self.trunk.norm, last)

    def _turns(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Cosine and sine of each token's rotary position, [T, 1, head width] each."""
        cos, sin = self.trunk.rotary_emb(states, self.positions.unsqueeze(0))
        return cos[0].unsqueeze(1), sin[0].unsqueeze(1)

    def _recomputed(
        self, layer: Any, states: Tensor, turns: tuple[Tensor, Tensor], places: Tensor | None = None
    ) -> Tensor:
        """The states after one layer, whose inner states are computed again for the gradient where the layer
        says so (gradient checkpointing, as transformers' own layers do)."""
        if getattr(layer, "gradient_checkpointing", False) and layer.training and torch.is_grad_enabled():
            again: Tensor = checkpoint(self._layer, layer, states, turns, places, use_reentrant=False)
            return again
        return self._layer(layer, states, turns, places)

    def _layer(
        self, layer: Any, states: Tensor, turns: tuple[Tensor, Tensor], places: Tensor | None = None
    ) -> Tensor:
        """The states after one layer: of all tokens, or of those at `places` (which must be this pass's)."""
        attention, normed = layer.self_attn, _norm(layer.input_layernorm, states)
        heads = (-1, attention.head_dim)
        keys = _turned(attention.k_proj(normed).unflatten(-1, heads), turns)
        values = attention.v_proj(normed).unflatten(-1, heads)
        if places is not None:
            states, normed = states.index_select(0, places), normed.index_select(0, places)
            turns = turns[0].index_select(0, places), turns[1].index_select(0, places)
        queries = _turned(attention.q_proj(normed).unflatten(-1, heads), turns)
        found = attend(self._blocks, queries, keys, values, attention.scaling, read=places is not None)
        states = states + attention.o_proj(found)
        after: Tensor = states + layer.mlp(_norm(layer.post_attention_layernorm, states))
        return after


def _positions(group: PromptGroup) -> list[int]:
    start = len(group.prompt)
    behind = chain.from_iterable(range(start, start + len(response)) for response in group.responses)
    return [*range(start), *behind]


def _places(groups: Sequence[PromptGroup], read: Read) -> list[int]:
    places, start = [], 0
    for group in groups:
        start += len(group.prompt)
        if read == "responses":
            places.append(start - 1)
        for response in group.responses:
            places += [start + len(response) - 1] if read == "ends" else range(start, start + len(response))
            start += len(response)
    return places


def _norm(norm: Any, states: Tensor) -> Tensor:
    """Root mean square norm as Llama has it, in one call instead of six."""
    return functional.rms_norm(states, (states.shape[-1],), norm.weight, norm.variance_epsilon)


def _turned(heads: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary embedding (Su et al. 2021) of [tokens, heads, width], halves swapped as Llama has it."""
    cos, sin = turns
    half = heads.shape[-1] // 2
    swapped = torch.cat((-heads[..., half:], heads[..., :half]), dim=-1)
    return heads * cos + swapped * sin
