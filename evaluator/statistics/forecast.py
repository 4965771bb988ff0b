"""When will the work be done? From counts of the last days, without pretending that the days to come are known.

A day's labels are counted events whose spread may be larger than chance alone gives: people are ill, weekends come. So
the count of a day has mean r and variance φr, with r the mean of the days seen and φ the larger of 1 (Poisson) and
their variance by their mean. After T more days the number done, less what n days had predicted, has mean 0 and
variance φr(T + T²/n): the chance of the days to come, and of the days that r was learned from. The days at which this
difference may first and last still be chance (Fieller's way, quantiles of Student's t with n - 1 degrees of freedom)
are the bounds of when the remaining R are done:

    (rT - R)² = t² φ r (T + T²/n)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from statistics import fmean, variance
from typing import Literal

from scipy.stats import t as student

from evaluator.statistics.intervals import CONFIDENCE, too_few

FEWEST_DAYS, FEWEST_DONE = 3, 10
Verdict = Literal["meets", "misses", "open"]


@dataclass(frozen=True)
class Forecast:
    """Days from now until all is done, with their bounds; `high` None: at such a pace it may never be.

    `per_day` is the mean of the days seen, None where there was none. Without enough days `days` is None, and `reason`
    says why in words.
    """

    days: float | None
    low: float | None
    high: float | None
    per_day: float | None
    seen_days: int
    done: int
    reason: str = ""


def forecast(counts: Sequence[int], remaining: int, *, confidence: float = CONFIDENCE) -> Forecast:
    """The forecast for `remaining` pieces of work from what was done on each whole day seen, the order does not matter.

    Refuses negative numbers (ValueError). Nothing remaining is done now, whatever the days say.
    """
    if remaining < 0 or any(count < 0 for count in counts):
        raise ValueError(f"counts {list(counts)}, remaining {remaining}: wanted no negative number")
    days, done = len(counts), sum(counts)
    rate = fmean(counts) if counts else None
    if remaining == 0:
        return Forecast(0.0, 0.0, 0.0, rate, days, done)
    if days < FEWEST_DAYS:
        reason = too_few(days, "whole days", FEWEST_DAYS)
        return Forecast(None, None, None, rate, days, done, reason)
    if done < FEWEST_DONE:
        reason = f"not enough data: {done} done in {days} days, wanted {FEWEST_DONE}"
        return Forecast(None, None, None, rate, days, done, reason)
    assert rate is not None
    low, high = _bounds(rate, dispersion(counts), days, remaining, confidence)
    return Forecast(remaining / rate, low, high, rate, days, done)


def dispersion(counts: Sequence[int]) -> float:
    """How much more the counts vary than chance alone would let them: variance by mean, never below 1."""
    return max(1.0, variance(counts) / fmean(counts))


def _bounds(
    rate: float, spread: float, days: int, remaining: int, confidence: float
) -> tuple[float, float | None]:
    """The two T of the equation above; no upper one where the pace itself cannot be told from none."""
    chance = float(student.ppf((1 + confidence) / 2, days - 1)) ** 2 * spread * rate
    a, b, c = rate**2 - chance / days, -(2 * rate * remaining + chance), float(remaining) ** 2
    root = sqrt(b * b - 4 * a * c)
    # Where a is 0 or less the other form of the lower root still holds.
    low = 2 * c / (-b + root)
    return low, (-b + root) / (2 * a) if a > 0 else None


def verdict(found: Forecast, days_left: float) -> Verdict | None:
    """Whether the deadline is met, missed, or may go either way; None without a forecast."""
    if found.days is None or found.low is None:
        return None
    if found.high is not None and found.high <= days_left:
        return "meets"
    return "misses" if found.low > days_left else "open"


def people_wanted(found: Forecast, *, people: int, remaining: int, days_left: float) -> int | None:
    """How many people at the present pace of each would be done in time; None where no number is, or none is known."""
    if not found.per_day or people < 1 or days_left <= 0:
        return None
    return max(1, ceil(people * remaining / (days_left * found.per_day) - 1e-9)) if remaining else 0
