"""Answers before and after a run: read from its samples.jsonl, searched, ordered, cut into pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from trainer.progress import read_progress

SAMPLES = "samples.jsonl"
A_PAGE = 20
ORDERS = {
    "changed": _("what changed first"),
    "gained": _("largest gain first"),
    "lost": _("largest loss first"),
    "written": _("as written"),
}


@dataclass(frozen=True)
class Sample:
    """One prompt with the policy's answer before and after, and the score of each."""

    id: str
    question: str
    before: str
    after: str
    score_before: float
    score_after: float

    @property
    def changed(self) -> bool:
        return self.before != self.after

    @property
    def gain(self) -> float:
        """By how much the answer after scores more than the one before."""
        return self.score_after - self.score_before


@dataclass(frozen=True)
class SamplePage:
    """What one page shows of the samples that were found."""

    samples: tuple[Sample, ...]
    found: int
    all: int
    number: int
    pages: int


def read_samples(out: Path) -> list[Sample]:
    """All answers before and after that the run wrote into `out`, in its order; none where it wrote none."""
    try:
        lines = read_progress(out / SAMPLES)[0]
    except (ValueError, NotADirectoryError):
        return []
    return [_sample(dict(line), number) for number, line in enumerate(lines, 1)]


def _sample(line: dict[str, Any], number: int) -> Sample:
    return Sample(
        id=str(line.get("id", number)),
        question=str(line["prompt"][-1]["content"]),
        before=str(line["before"]),
        after=str(line["after"]),
        score_before=float(line["score_before"]),
        score_after=float(line["score_after"]),
    )


def ordered(samples: Iterable[Sample], order: str) -> list[Sample]:
    """The samples in one of ORDERS; what is equal keeps the order in which it was written."""
    keys: dict[str, Any] = {
        "changed": lambda sample: not sample.changed,
        "gained": lambda sample: -sample.gain,
        "lost": lambda sample: sample.gain,
    }
    return sorted(samples, key=keys[order]) if order in keys else list(samples)


def containing(samples: Iterable[Sample], words: str) -> list[Sample]:
    """The samples that hold every word, in the question or in either answer, in any case."""
    wanted = words.casefold().split()
    return [
        sample
        for sample in samples
        if all(word in f"{sample.question}\n{sample.before}\n{sample.after}".casefold() for word in wanted)
    ]


def page_of(
    samples: Sequence[Sample], *, words: str = "", order: str = "changed", number: int = 1
) -> SamplePage:
    """A page of what holds these words, in this order; a number beyond the last page is the last page."""
    found = ordered(containing(samples, words), order)
    pages = max(1, -(-len(found) // A_PAGE))
    number = min(max(number, 1), pages)
    shown = tuple(found[(number - 1) * A_PAGE : number * A_PAGE])
    return SamplePage(shown, len(found), len(samples), number, pages)
