"""Sequences that begin alike as one row: every path is what it would be alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.subjects.token_trees import TokenSequence, shared_prefix, token_tree
from tests.evaluator.lines import steady


def sequence(ids: str, start: int) -> TokenSequence:
    return TokenSequence(tuple(map(ord, ids)), start)


def test_a_tree_by_hand() -> None:
    tree = token_tree([sequence("pqab", 2), sequence("pqac", 2), sequence("pqd", 2)], 1)
    assert list(tree.ids) == [ord("q"), ord("a")]
    assert list(tree.parents) == [-1, 0]
    assert list(tree.depth) == [0, 1]
    assert tree.ancestors().tolist() == [[True, False], [True, True]]
    assert list(tree.edge_nodes) == [0, 1, 1, 0]
    assert list(map(chr, tree.edge_ids)) == ["a", "b", "c", "d"]
    assert tree.paths == ((0, 1), (0, 2), (3,))


def test_the_prefix_leaves_what_predicts_the_first_scored_token() -> None:
    items = [[sequence("pqrab", 3), sequence("pqrc", 3)], [sequence("pqrd", 3)]]
    assert shared_prefix(items) == 2
    assert shared_prefix([[sequence("ab", 1)]]) == 0
    assert shared_prefix([[sequence("xab", 2)], [sequence("yab", 2)]]) == 0
    assert shared_prefix([]) == 0


def test_what_is_past_the_end_scores_nothing() -> None:
    tree = token_tree([sequence("abc", 2), sequence("abd", 7)], 1)
    assert tree.paths == ((0,), ())
    with pytest.raises(ValueError, match="start 1 of 3 tokens after a prefix of 1"):
        token_tree([sequence("abc", 1)], 1)


texts = st.lists(st.text("ab", min_size=2, max_size=7), min_size=1, max_size=5)


@steady
@given(texts, st.integers(1, 3))
def test_every_path_is_its_sequence(words: list[str], start: int) -> None:
    sequences = [sequence("zz" + word, start + 1) for word in words]
    prefix = shared_prefix([sequences])
    tree = token_tree(sequences, prefix)
    seen = tree.ancestors()
    for one, path in zip(sequences, tree.paths, strict=True):
        told = [int(tree.edge_ids[edge]) for edge in path]
        assert told == list(one.ids[one.start :])
        for place, edge in enumerate(path, start=one.start):
            node = int(tree.edge_nodes[edge])
            behind = [int(tree.ids[n]) for n in range(len(tree.ids)) if seen[node, n]]
            assert behind == list(one.ids[prefix:place])
            assert tree.depth[node] == place - 1 - prefix
