"""Who does something far more often than the others: an exact test for each, corrected for having asked about all."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from scipy.stats import hypergeom

from evaluator.statistics.correction import holm
from evaluator.statistics.intervals import wilson

Name = TypeVar("Name", bound=Hashable)
FALSE_ALARMS = 0.01
FAR_MORE = 2.0


@dataclass(frozen=True)
class Share:
    """How often one did it, of how many chances, with Wilson's interval; how often all others together did."""

    times: int
    chances: int
    value: float | None
    low: float | None
    high: float | None
    others: float | None
    p_adjusted: float
    flagged: bool


def outstanding(
    done: Mapping[Name, tuple[int, int]], *, level: float = FALSE_ALARMS, far_more: float = FAR_MORE
) -> dict[Name, Share]:
    """For each name its (times, chances) as a `Share`; refuses more times than chances (ValueError).

    Flagged: at least `far_more` times as often as all others together, where the exact chance of as many (one-sided
    hypergeometric test, Holm's correction over all names) is at most `level`. Whoever is alone stands out from nobody.
    """
    if any(not 0 <= times <= chances for times, chances in done.values()):
        raise ValueError("wanted between no time and every time of the chances for each")
    all_times = sum(times for times, _chances in done.values())
    all_chances = sum(chances for _times, chances in done.values())
    p_values = [_tail(times, chances, all_times, all_chances) for times, chances in done.values()]
    found = {}
    for (name, (times, chances)), adjusted in zip(done.items(), holm(p_values), strict=True):
        value = times / chances if chances else None
        low, high = wilson(times, chances) if chances else (None, None)
        rest = all_chances - chances
        others = (all_times - times) / rest if rest else None
        flagged = (
            value is not None and others is not None and adjusted <= level and value >= far_more * others
        )
        found[name] = Share(times, chances, value, low, high, others, adjusted, flagged)
    return found


def _tail(times: int, chances: int, all_times: int, all_chances: int) -> float:
    """P(at least `times` of this name's chances), had all times fallen on all chances blindly."""
    return float(hypergeom.sf(times - 1, all_chances, all_times, chances)) if chances else 1.0
