"""In which order a slot shows its answers, and places as tiers."""

import random
from collections.abc import Iterable
from typing import TypeVar

Placed = TypeVar("Placed")


def shown_order(*, count: int, seed: str, ordinal: int) -> list[int]:
    """Return positions 0…count-1 in the order that slot `ordinal` (from 1) of an item shows them.

    One seeded shuffle per item, turned by one place from slot to slot: over `count` slots each answer
    stands once in each place, so that liking the first shown favours nobody.
    """
    order = list(range(count))
    random.Random(seed).shuffle(order)
    turn = (ordinal - 1) % count if count else 0
    return order[turn:] + order[:turn]


def letters(count: int) -> list[str]:
    """Return the names of the answers as shown: A, B, C…"""
    return [chr(ord("A") + place) for place in range(count)]


def tiers(placed: Iterable[tuple[int, Placed]]) -> list[list[Placed]]:
    """Return what was put in places as tiers, best (lowest) first: one place is one tier, empty places mean nothing."""
    by_place: dict[int, list[Placed]] = {}
    for place, one in placed:
        by_place.setdefault(place, []).append(one)
    return [by_place[place] for place in sorted(by_place)]
