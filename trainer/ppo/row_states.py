"""Hidden states of prompts with one response each, without what no loss reads. N rows of at most T tokens.

A prompt and its response stand in one row, padded at its end: a plain causal pass needs no mask, since no token
sees what comes after it. In the last layer only the positions from which response tokens are predicted are computed;
the others give their keys and values and no more. The response's last token is never read at all.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers.models.llama.modeling_llama import LlamaModel, apply_rotary_pos_emb

from trainer.language_models import right_pad
from trainer.reward_model.shared_prompt import PromptGroup, run_groups

# Trunks whose layers are taken apart here (tested against their own pass). What stands in a trunk's place and does
# more when it is called (adapters off, weights gathered from other processes) is of another class and runs whole.
ROW_TRUNKS = frozenset({LlamaModel})


class Predicting(NamedTuple):
    """States [N, R, d] from which the response tokens [N, R] (int64) are predicted; `mask` is 1 on real tokens."""

    states: Tensor
    tokens: Tensor
    mask: Tensor


def predicting_states(trunk: Any, groups: Sequence[PromptGroup], *, pad_id: int) -> Predicting:
    """What predicts each response token, with gradients. Rows where every prompt has one response and the trunk
    can be taken apart, else the shared pass of `run_groups`."""
    single = all(len(group.responses) == 1 for group in groups)
    if single and type(trunk) in ROW_TRUNKS:
        return _by_rows(trunk, groups, pad_id)
    found = run_groups(trunk, groups, pad_id=pad_id)
    return Predicting(found.before(), found.tokens, found.mask)


def _by_rows(trunk: Any, groups: Sequence[PromptGroup], pad_id: int) -> Predicting:
    device = str(trunk.device)
    responses = [group.responses[0] for group in groups]
    tokens, real = right_pad(responses, pad_id, device)
    rows, _ = right_pad(
        [[*group.prompt, *response[:-1]] for group, response in zip(groups, responses, strict=True)],
        0,
        device,
    )
    starts = torch.tensor([len(group.prompt) - 1 for group in groups], device=device).unsqueeze(1)
    # On pads the row's first wanted position is read again; nothing there counts.
    wanted = starts + torch.arange(tokens.shape[1], device=device) * real.long()
    layers = list(trunk.layers)
    hidden: Tensor = trunk.embed_tokens(rows)
    places = torch.arange(rows.shape[1], device=device).unsqueeze(0)
    turns = trunk.rotary_emb(hidden, position_ids=places)
    for layer in layers[:-1]:
        hidden = layer(hidden, attention_mask=None, position_ids=places, position_embeddings=turns)
    states = trunk.norm(_last_layer(layers[-1], hidden, wanted, turns))
    return Predicting(states, tokens, real.to(torch.float32))


def _last_layer(layer: Any, hidden: Tensor, wanted: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    """The layer's output [N, R, d] at the positions `wanted` [N, R] of hidden [N, T, d]."""
    rows, length, width = hidden.shape
    attention, normed = layer.self_attn, layer.input_layernorm(hidden)
    picked = wanted.unsqueeze(-1).expand(-1, -1, width)
    keys = _heads(attention.k_proj(normed), attention.head_dim)
    values = _heads(attention.v_proj(normed), attention.head_dim)
    queries = _heads(attention.q_proj(normed.gather(1, picked)), attention.head_dim)
    cos, sin = turns
    keys, _ = apply_rotary_pos_emb(keys, keys, cos, sin)
    queries, _ = apply_rotary_pos_emb(queries, queries, cos[0][wanted], sin[0][wanted])
    seen = torch.arange(length, device=hidden.device) <= wanted.unsqueeze(-1)
    mixed = scaled_dot_product_attention(
        queries,
        keys,
        values,
        attn_mask=seen.unsqueeze(1),
        scale=attention.scaling,
        enable_gqa=keys.shape[1] != queries.shape[1],
    )
    found: Tensor = hidden.gather(1, picked) + attention.o_proj(
        mixed.transpose(1, 2).reshape(rows, -1, width)
    )
    after: Tensor = found + layer.mlp(layer.post_attention_layernorm(found))
    return after


def _heads(states: Tensor, size: int) -> Tensor:
    """[N, T, heads·size] → [N, heads, T, size]."""
    return states.view(*states.shape[:2], -1, size).transpose(1, 2)
