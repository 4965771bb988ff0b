"""Contamination beside the score: items that stand in given training text, as a slice of every metric and a share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from evaluator.errors import BadInput
from evaluator.metrics.closed_book import question_text
from evaluator.metrics.training_overlap import shared_runs
from evaluator.report_files import Metric
from evaluator.specs import RunSpec
from evaluator.statistics.intervals import bootstrap_mean, generator
from evaluator.suites.samples import Sample


def with_contamination(
    spec: RunSpec, samples: Sequence[Sample], asked: Mapping[str, str]
) -> tuple[list[Sample], list[Metric]]:
    """The samples with the slice `contaminated` (yes or no), and the metric `contaminated`: the share of such items.

    `asked` is the text of each item by id. An item counts when one of its 13-grams of words (all words of a shorter
    one) stands in a text of `spec.training_text`. Without training text nothing is said.
    """
    if not spec.training_text:
        return list(samples), []
    found = shared_runs(asked, _texts(spec.training_text))
    dirty = {name: shared > 0 for name, (shared, _) in found.items()}
    marked = [
        replace(sample, slices={**sample.slices, "contaminated": "yes" if dirty[sample.id] else "no"})
        for sample in samples
    ]
    shares = [float(dirty[name]) for name in sorted(dirty)]
    interval = bootstrap_mean(shares, rng=generator(spec.seed, "contaminated"), resamples=spec.resamples)
    bounds = (interval.value, interval.low, interval.high, interval.n)
    files = {"training_text": [str(path) for path in spec.training_text]}
    metric = Metric("contaminated", *bounds, None, interval.reason, interval.method, "lower", extra=files)
    return marked, [metric]


def _texts(paths: Sequence[Path]) -> Iterator[str]:
    """Paragraph by paragraph, so that a training set need not fit into memory."""
    for path in paths:
        try:
            with path.open(encoding="utf-8") as file:
                part: list[str] = []
                for line in file:
                    if line.strip():
                        part.append(line)
                    elif part:
                        yield "".join(part)
                        part = []
                if part:
                    yield "".join(part)
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"--training-text {path}: {error}, wanted a text in UTF-8") from error


def asked_text(line: Mapping[str, object]) -> str:
    """What an item would look like in training text: its context, its question, and its first reference."""
    references = line.get("references")
    first = references[0] if isinstance(references, list) and references else ""
    parts = (line.get("context", ""), question_text(line), first)
    return " ".join(str(part) for part in parts if part)
