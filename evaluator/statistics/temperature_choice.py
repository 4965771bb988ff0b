"""The best of several temperatures for each k, and what it is worth on problems that did not choose it.

The highest of several figures on the same problems flatters the choice. So it is told beside a cross-fitted one: the
problems are halved by seed, each half is scored at the temperature that is best on the other half.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from evaluator.statistics.intervals import generator

# A figure of each problem, by temperature.
Values = Mapping[float, Mapping[str, float]]


@dataclass(frozen=True)
class TemperatureChoice:
    """`best` is the best temperature on all problems, `flattering` its mean there.

    `chosen` are the temperatures that the first and the second half of the problems chose for the other; `held_out` is
    each problem's figure at the temperature that was chosen without it.
    """

    best: float
    flattering: float
    chosen: tuple[float, float]
    held_out: dict[str, float]


def choose_temperature(values: Values, *, seed: int) -> TemperatureChoice:
    """The choice among temperatures that all have the same problems; of equal ones the lowest.

    Refuses (ValueError) no temperature, fewer than two problems, and problems that differ between temperatures.
    """
    names = sorted(next(iter(values.values()), {}))
    if len(names) < 2 or any(sorted(figures) != names for figures in values.values()):
        raise ValueError("wanted the same two or more problems at every temperature")
    order = generator(seed, "halves of the problems").permutation(len(names))
    first = sorted(names[int(place)] for place in order[: len(names) // 2])
    second = [name for name in names if name not in set(first)]
    best = _best(values, names)
    chosen = (_best(values, first), _best(values, second))
    held_out = {name: values[chosen[0]][name] for name in second}
    held_out |= {name: values[chosen[1]][name] for name in first}
    return TemperatureChoice(best, _mean(values[best], names), chosen, dict(sorted(held_out.items())))


def _best(values: Values, names: list[str]) -> float:
    return max(sorted(values), key=lambda temperature: _mean(values[temperature], names))


def _mean(figures: Mapping[str, float], names: list[str]) -> float:
    return sum(figures[name] for name in names) / len(names)
