"""Majority answers of several reasoning paths, and whether their share says how right they are."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from trainer.json_lines import JsonObject

BINS = 10


@dataclass(frozen=True)
class Vote:
    """The answer most paths end in, and its share of all paths; None and 0 where no path says one."""

    answer: str | None
    confidence: float
    winners: tuple[int, ...]


def answer_of(text: str, marker: str) -> str | None:
    """What stands behind the last `marker` of a path, to the end of its line; None without one."""
    _, found, rest = text.rpartition(marker)
    if not found:
        return None
    line = rest.strip().split("\n", 1)[0].strip().strip(":").strip().rstrip(".").strip()
    return line or None


def normalised(answer: str) -> str:
    """The form in which answers are compared: case, spaces, thousands' commas and a closing .0 do not count."""
    plain = " ".join(answer.casefold().split())
    if re.fullmatch(r"-?[\d,]+(\.\d+)?", plain):
        plain = plain.replace(",", "")
        if "." in plain:
            plain = plain.rstrip("0").rstrip(".")
    return plain


def majority(answers: Sequence[str | None]) -> Vote:
    """The majority of the paths' answers (Wang et al. 2022, self-consistency).

    The share is of all paths, so that paths without an answer lower it. Of equal counts the answer that was
    said first wins.
    """
    said = [(place, normalised(answer)) for place, answer in enumerate(answers) if answer is not None]
    if not said:
        return Vote(None, 0.0, ())
    counts = Counter(form for _, form in said)
    form = max(counts, key=lambda one: counts[one])
    winners = tuple(place for place, one in said if one == form)
    return Vote(answers[winners[0]], len(winners) / len(answers), winners)


def is_right(answer: str | None, wanted: str) -> bool:
    """True when the answer is the wanted one, compared in normal form."""
    return answer is not None and normalised(answer) == normalised(wanted)


def calibration(confidences: Sequence[float], right: Sequence[bool]) -> JsonObject:
    """Accuracy and mean confidence of each of ten bins of confidence, and the expected calibration error.

    ECE = Σ_b n_b/n · |accuracy_b - confidence_b| (Guo et al. 2017). Refuses (ValueError) no questions at all.
    """
    if not confidences:
        raise ValueError("found no question with a known answer, wanted one at least")
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, is_so in zip(confidences, right, strict=True):
        bins.setdefault(min(int(confidence * BINS), BINS - 1), []).append((confidence, is_so))
    table: list[JsonObject] = []
    error = 0.0
    for place in sorted(bins):
        own = bins[place]
        mean = sum(confidence for confidence, _ in own) / len(own)
        accuracy = sum(is_so for _, is_so in own) / len(own)
        error += len(own) / len(confidences) * abs(accuracy - mean)
        table.append({"from": place / BINS, "questions": len(own), "confidence": mean, "accuracy": accuracy})
    return {"ece": error, "bins": table}
