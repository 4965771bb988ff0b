"""What a suite's variant found, before it becomes a report."""

from collections.abc import Mapping
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
