"""What a suite's variant found, before it becomes a report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evaluator.report_files import Metric, Verdict
from evaluator.suites.samples import Sample

Values = Mapping[str, object]


@dataclass(frozen=True)
class Findings:
    """A sample an item, which way each metric is better, what is said of the subject; further metrics and keys."""

    samples: list[Sample]
    directions: Mapping[str, str]
    detail: Values
    metrics: list[Metric] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    extra: Values = field(default_factory=dict)
    abstained: int = 0


def missing_items(samples: Sequence[Sample]) -> list[Verdict]:
    """One verdict that counts and names the items that were not measured, with the reasons; none where all were."""
    missing = [sample for sample in samples if not sample.scores]
    if not missing:
        return []
    reasons = sorted({str(sample.shown["not_measured"]) for sample in missing})
    return [
        Verdict(
            "not_measured",
            f"{len(missing)} of {len(samples)} items",
            "; ".join(reasons)[:500],
            extra={"ids": [sample.id for sample in missing]},
        )
    ]
