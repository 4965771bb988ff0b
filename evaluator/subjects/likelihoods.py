"""Log-likelihoods of given continuations under a model folder: shared beginnings are run once, logits where needed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import DynamicCache

from evaluator.subjects.token_trees import TokenSequence, TokenTree, token_tree

Floats = NDArray[np.float64]
LOGITS_AT_ONCE = (
    16_000_000  # numbers of one block of logits, so that memory does not grow with the vocabulary
)
LARGEST_DIFFERENCE = {torch.float64: 1e-7, torch.float32: 1e-3, torch.bfloat16: 0.5}


class PrefixCache:
    """Keys and values of the tokens that all sequences begin with, run once. No tokens: nothing to look at."""

    def __init__(self, model: Any, ids: Sequence[int]) -> None:
        self.length = len(ids)
        self._config = model.config
        self._layers: list[tuple[Tensor, Tensor]] = []
        if ids:
            cache = DynamicCache(config=model.config)
            told = torch.tensor([list(ids)], device=model.device)
            with torch.inference_mode():
                model.get_decoder()(input_ids=told, past_key_values=cache, use_cache=True)
            self._layers = [(layer.keys, layer.values) for layer in cache.layers]

    def for_rows(self, rows: int) -> DynamicCache:
        """A cache of its own for a batch of `rows` rows."""
        cache = DynamicCache(config=self._config)
        for number, (keys, values) in enumerate(self._layers):
            cache.update(keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1), number)
        return cache


@torch.inference_mode()
def shared_log_likelihoods(
    model: Any, prefix: PrefixCache, items: Sequence[Sequence[TokenSequence]]
) -> list[list[float]]:
    """Σ_{t >= start} log p(ids[t] | ids[:t]) of each sequence of each item: one row an item, one batch.

    All sequences begin with the prefix's tokens. Logits in the model's own precision (bfloat16: float32), each log
    p = logit - logsumexp; the sum over tokens is in float64.
    """
    trees = [token_tree(item, prefix.length) for item in items]
    hidden = _hidden_states(model, prefix, trees)
    rows = torch.cat([torch.full((len(tree.edge_nodes),), row) for row, tree in enumerate(trees)])
    nodes = torch.from_numpy(np.concatenate([tree.edge_nodes for tree in trees]))
    tokens = torch.from_numpy(np.concatenate([tree.edge_ids for tree in trees]))
    edges = _edge_log_probabilities(model, hidden, rows, nodes, tokens)
    found, start = [], 0
    for tree in trees:
        own = edges[start : start + len(tree.edge_nodes)]
        found.append([float(own[list(path)].sum()) for path in tree.paths])
        start += len(tree.edge_nodes)
    return found


@torch.inference_mode()
def plain_log_likelihoods(model: Any, sequences: Sequence[TokenSequence]) -> list[float]:
    """The same sums with nothing shared: each sequence alone through the whole model."""
    found = []
    for one in sequences:
        logits = model(input_ids=torch.tensor([one.ids], device=model.device), use_cache=False).logits[0]
        sure = _wide(logits[one.start - 1 : -1]).log_softmax(dim=-1)
        told = torch.tensor(one.ids[one.start :], device=model.device).unsqueeze(-1)
        found.append(float(sure.gather(-1, told).double().sum()))
    return found


def sharing_holds(model: Any, prefix: PrefixCache, item: Sequence[TokenSequence]) -> bool:
    """Whether one item scores the same with its beginning shared and alone.

    A model that looks at places otherwise than by position ids and mask (recurrent layers, ALiBi, scaled or capped
    logits outside its output layer) does not, and is then run plainly.
    """
    shared = shared_log_likelihoods(model, prefix, [item])[0]
    apart = np.abs(np.array(shared) - np.array(plain_log_likelihoods(model, item)))
    # NaN on both sides is no sign against sharing: the item is reported as not measured either way.
    return not bool((apart > LARGEST_DIFFERENCE[model.dtype]).any())


def _hidden_states(model: Any, prefix: PrefixCache, trees: Sequence[TokenTree]) -> Tensor:
    """Last hidden states [B, W, H] of every node."""
    count, width = len(trees), max(len(tree.ids) for tree in trees)
    ids = np.zeros((count, width), dtype=np.int64)
    places = np.zeros((count, width), dtype=np.int64)
    # A pad looks at itself alone: a row of the softmax that sees nothing would be NaN.
    seen = np.tile(np.eye(width, dtype=np.bool_), (count, 1, 1))
    for row, tree in enumerate(trees):
        size = len(tree.ids)
        ids[row, :size], places[row, :size] = tree.ids, tree.depth
        seen[row, :size, :size] = tree.ancestors()
    whole = np.concatenate([np.ones((count, width, prefix.length), dtype=np.bool_), seen], axis=2)
    lowest = torch.finfo(model.dtype).min
    mask = torch.zeros(whole.shape, dtype=model.dtype).masked_fill(~torch.from_numpy(whole), lowest)
    hidden: Tensor = model.get_decoder()(
        input_ids=torch.from_numpy(ids).to(model.device),
        attention_mask=mask.unsqueeze(1).to(model.device),
        position_ids=torch.from_numpy(places + prefix.length).to(model.device),
        past_key_values=prefix.for_rows(count),
        use_cache=True,
    ).last_hidden_state
    return hidden


def _edge_log_probabilities(
    model: Any, hidden: Tensor, rows: Tensor, nodes: Tensor, tokens: Tensor
) -> Floats:
    """log p(token | node) of each edge, float64; the vocabulary's logits of a node are made once."""
    places, which = torch.unique(rows * hidden.shape[1] + nodes, return_inverse=True)
    states = hidden.reshape(-1, hidden.shape[-1])[places.to(hidden.device)]
    head = model.get_output_embeddings()
    order = which.argsort(stable=True)
    found = np.empty(len(tokens))
    block = max(1, LOGITS_AT_ONCE // model.config.vocab_size)
    ends = torch.searchsorted(which[order], torch.arange(0, len(places) + block, block))
    for number, start in enumerate(range(0, len(places), block)):
        logits = _wide(head(states[start : start + block]))
        edges = order[ends[number] : ends[number + 1]]
        own = (which[edges] - start).to(logits.device)
        chosen = logits[own, tokens[edges].to(logits.device)] - logits.logsumexp(dim=-1)[own]
        found[edges.numpy()] = chosen.double().cpu().numpy()
    return found


def _wide(logits: Tensor) -> Tensor:
    return logits if logits.dtype == torch.float64 else logits.float()
