"""Labels made faster than their shortest response can be read."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from evaluator.statistics.intervals import Interval, exact_share
from evaluator.statistics.ranking_labels import RankingLabel

SECONDS_PER_WORD = 0.15
CHARACTERS_PER_WORD = 1.5  # of Chinese, Japanese and Korean, which put no blanks between words
FEWEST_TIMED = 10
TOLERATED_SHARE = 0.05
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af]")


@dataclass(frozen=True)
class Speed:
    """Median active seconds a label, the share of labels that were too fast, and whether that is a flag.

    One hasty label is no habit: flagged where the exact 95 % interval of the share lies above 5 %, from ten labels on.
    """

    median_seconds: float | None
    too_fast: Interval
    flagged: bool


def word_count(text: str) -> int:
    """Words of a text: runs without blanks, and one for each 1.5 characters of scripts that use none."""
    unspaced = len(_UNSPACED.findall(text))
    return len(_UNSPACED.sub(" ", text).split()) + math.ceil(unspaced / CHARACTERS_PER_WORD)


def too_fast(label: RankingLabel) -> bool | None:
    """Whether the active time is below 0.15 s per word of the shortest response; None where either is not known."""
    if label.seconds is None or not label.words:
        return None
    return label.seconds < SECONDS_PER_WORD * min(label.words)


def speed(labels: Sequence[RankingLabel]) -> Speed:
    """The speed of one annotator's labels."""
    seconds = [label.seconds for label in labels if label.seconds is not None]
    judged = [fast for fast in map(too_fast, labels) if fast is not None]
    share = exact_share(sum(judged), len(judged), "labels with a time and lengths", fewest=FEWEST_TIMED)
    flagged = share.low is not None and share.low > TOLERATED_SHARE
    return Speed(median(seconds) if seconds else None, share, flagged)
