"""Corrections of p-values for having asked many questions."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p-values in the order given: max over j <= i of min(1, (m - j + 1)·p_(j)).

    Rejecting where adjusted <= level keeps the chance of any false alarm at the level, whatever the dependence.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's (1995) adjusted p-values: min over j >= i of min(1, m·p_(j) / j).

    Rejecting where adjusted <= level keeps the expected share of false alarms among the alarms at the level.
    """
    count = len(p_values)
    order = sorted(range(count), key=lambda index: p_values[index], reverse=True)
    adjusted = [0.0] * count
    running = 1.0
    for position, index in enumerate(order):
        running = min(running, count * p_values[index] / (count - position))
        adjusted[index] = running
    return adjusted
