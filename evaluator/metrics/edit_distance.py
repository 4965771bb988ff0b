"""Edit distance of two sequences of symbols, and the share of them that it leaves alike."""

from collections.abc import Sequence


def edit_distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Fewest symbols to insert, delete or replace that turn one sequence into the other (Levenshtein 1966)."""
    above = list(range(len(other) + 1))
    for row, symbol in enumerate(one, 1):
        here = [row]
        for column, wanted in enumerate(other, 1):
            replaced = above[column - 1] + (symbol != wanted)
            here.append(min(replaced, above[column] + 1, here[-1] + 1))
        above = here
    return above[-1]


def edit_similarity(one: Sequence[str], other: Sequence[str]) -> float:
    """1 - edit distance / the longer length, 0 … 1; two empty sequences are alike."""
    longest = max(len(one), len(other))
    return 1.0 - edit_distance(one, other) / longest if longest else 1.0
