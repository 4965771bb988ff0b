"""Comparisons of two policies with nothing else to tell, the lines most leaderboards are made of, a block at a time.

One pattern of all their shapes goes through the whole block: the loop over the lines is then the regular expression
engine's, which takes half the time of a call for each line. A block that is not made of such lines alone is left to
whoever reads line by line (`policy_rankings`); a line whose values need the full check is None among the others.
"""

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import NamedTuple

from evaluator.statistics.rating_pairs import PolicyRanking

Places = tuple[tuple[str, int | None], ...]
Row = tuple[str, ...]
# Of more shapes than this, each row would carry more empty groups than it saves.
MOST_PAIR_SHAPES = 6


class PairShape(NamedTuple):
    """A shape of line with two responses, both ranked, both by a named policy.

    `order`: the groups that catch id, annotator, the two responses' ids, the two ids in the tiers, the two policies.
    `tiers`: the tiers, from 0, of the two ids in the tiers.
    """

    pattern: re.Pattern[str]
    order: tuple[int, ...]
    tiers: tuple[int, int]


def pairs_of(shapes: Sequence[PairShape]) -> "Pairs | None":
    """One reader of all these shapes; None where there are none, or too many."""
    return Pairs(shapes) if 0 < len(shapes) <= MOST_PAIR_SHAPES else None


class Pairs:
    """Reads blocks of lines of these shapes."""

    def __init__(self, shapes: Sequence[PairShape]) -> None:
        # Possessive texts and one line each: no line can match in part, and none can reach into the next.
        choices = "|".join(f"(?:{shape.pattern.pattern})" for shape in shapes)
        self._find = re.compile(f"^(?:{choices})$", re.MULTILINE).findall
        self._shapes: list[tuple[int, Callable[[Row], Row], tuple[int, int]]] = []
        before = -1  # a row tells groups from 0, a pattern counts them from 1
        for shape in shapes:
            at = [before + number for number in shape.order]
            self._shapes.append((at[0], itemgetter(*at), shape.tiers))
            before += shape.pattern.groups

    def rankings(self, block: str, kept: dict[object, Places]) -> list[PolicyRanking | None] | None:
        """The ranking of each line; None where not all lines are of these shapes. `kept` holds equal places once."""
        rows: list[Row] = self._find(block)
        if len(rows) != block.count("\n") + 1:
            return None
        found: list[PolicyRanking | None] = []
        shapes, new = self._shapes, tuple.__new__
        own, caught, tiers = shapes[0]
        for row in rows:
            if not row[own]:  # another shape than the last: an id is never empty
                own, caught, tiers = next(one for one in shapes if row[one[0]])
            name, annotator, one, two, first, second, policy, other = caught(row)
            ahead = first == one
            if one == two or (second != two if ahead else first != two or second != one):
                found.append(None)
                continue
            key = (policy, other, ahead, tiers)
            places = kept.get(key)
            if places is None:
                low, high = tiers if ahead else tiers[::-1]
                places = ((policy, low), (other, high))
                # Whoever reads line by line keeps them by themselves: one object for both.
                places = kept[key] = kept.setdefault(places, places)
            # What PolicyRanking(...) makes, without the call of its own constructor for each of a million lines.
            found.append(new(PolicyRanking, (name, places, annotator, (), "", ())))
        return found
