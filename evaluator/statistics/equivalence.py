"""Whether an interval of a difference rules out what would matter: a change of more than a margin, or a loss of it.

An interval that holds 0 says nothing of either; that nothing changed is shown by the interval, never by a large p.
"""

from typing import Literal

from evaluator.statistics.intervals import Interval

Better = Literal["higher", "lower"]


def equivalent(gap: Interval, margin: float) -> bool | None:
    """Whether all of the interval lies within ± margin (ends included): no change that matters either way.

    By the 95 % interval both one-sided tests of Schuirmann (1987) stand at 2.5 %, half of what is usual for
    equivalence. None where there is no interval.
    """
    if gap.low is None or gap.high is None:
        return None
    return -margin <= gap.low and gap.high <= margin


def no_worse(gap: Interval, margin: float, better: Better) -> bool | None:
    """Whether the interval rules out a loss of more than the margin, whatever was gained; one-sided level 2.5 %.

    The loss is towards lower values where higher is better, towards higher ones where lower is better. Claims of
    several metrics together need no correction: that all hold is wrong only where one of them is (Berger 1982). None
    where there is no interval.
    """
    if gap.low is None or gap.high is None:
        return None
    return gap.low >= -margin if better == "higher" else gap.high <= margin
