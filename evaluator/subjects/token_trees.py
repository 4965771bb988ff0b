"""Token sequences that begin alike, as one row: what they share is run through a model once.

All sequences of a question become a tree after the prefix that all questions share. A node attends to the prefix, to
its ancestors and to itself only, at the place it has in its own sequence, so that each path is scored as if it stood
alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class TokenSequence:
    """Token ids, and the place of the first one that is scored: log p(ids[t] | ids[:t]) for t >= start >= 1.

    A start past the end scores nothing: the sum is 0.
    """

    ids: tuple[int, ...]
    start: int


@dataclass(frozen=True)
class TokenTree:
    """One row: node n holds `ids[n]` after `parents[n]` (-1: the shared prefix), `depth[n]` tokens into the tree.

    Edge e predicts token `edge_ids[e]` from node `edge_nodes[e]`; sequence s is scored by the edges `paths[s]`. The
    last token of a sequence is predicted and never run.
    """

    ids: Ints
    parents: Ints
    depth: Ints
    edge_nodes: Ints
    edge_ids: Ints
    paths: tuple[tuple[int, ...], ...]

    def ancestors(self) -> Bools:
        """[N, N]: whether node row may look at node column (an ancestor, or itself)."""
        seen = np.eye(len(self.ids), dtype=np.bool_)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                seen[node] |= seen[parent]
        return seen


def shared_prefix(items: Sequence[Sequence[TokenSequence]]) -> int:
    """How many first tokens all sequences of all items share, less what must stay to predict the first scored token."""
    sequences = [one for item in items for one in item]
    if not sequences:
        return 0
    # Between the least and the greatest in order, every other sequence shares at least what these two share.
    least, most = min(one.ids for one in sequences), max(one.ids for one in sequences)
    common = next(
        (place for place, (a, b) in enumerate(zip(least, most, strict=False)) if a != b), len(least)
    )
    return max(0, min(common, min(one.start for one in sequences) - 1))


def token_tree(sequences: Sequence[TokenSequence], prefix: int) -> TokenTree:
    """The tree of `sequences` after their first `prefix` tokens. Refuses (ValueError) one that cannot be scored."""
    nodes: dict[tuple[int, int], int] = {}
    edges: dict[tuple[int, int], int] = {}
    ids: list[int] = []
    parents: list[int] = []
    depth: list[int] = []
    paths: list[tuple[int, ...]] = []
    for sequence in sequences:
        if not prefix < sequence.start:
            raise ValueError(
                f"start {sequence.start} of {len(sequence.ids)} tokens after a prefix of {prefix}"
            )
        if sequence.start >= len(sequence.ids):
            paths.append(())
            continue
        parent, path = -1, []
        for place in range(prefix, len(sequence.ids)):
            token = sequence.ids[place]
            if place >= sequence.start:
                path.append(edges.setdefault((parent, token), len(edges)))
            if place + 1 == len(sequence.ids):
                break
            node = nodes.setdefault((parent, token), len(nodes))
            if node == len(ids):
                ids.append(token)
                parents.append(parent)
                depth.append(place - prefix)
            parent = node
        paths.append(tuple(path))
    sources, targets = [node for node, _ in edges], [token for _, token in edges]
    return TokenTree(
        _array(ids), _array(parents), _array(depth), _array(sources), _array(targets), tuple(paths)
    )


def _array(numbers: Sequence[int]) -> Ints:
    return np.array(numbers, dtype=np.int64)
