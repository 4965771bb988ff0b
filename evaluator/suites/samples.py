"""From scored items to figures: every metric over all items and over each slice, with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evaluator.errors import BadInput
from evaluator.json_lines import kind_of
from evaluator.report_files import Items, Metric, Report, environment
from evaluator.specs import RunSpec
from evaluator.statistics.intervals import bootstrap_mean, generator

Values = Mapping[str, object]


@dataclass(frozen=True)
class Sample:
    """One item: its scores (none: not measured), slices, and what to show; `weight` counts what a score averages."""

    id: str
    slices: Mapping[str, str]
    scores: Mapping[str, float]
    shown: Values = field(default_factory=dict)
    weight: float = 1.0

    def record(self) -> dict[str, object]:
        """The sample as a line of samples.jsonl."""
        weight = {} if self.weight == 1 else {"weight": self.weight}
        return {
            "id": self.id,
            "slices": dict(self.slices),
            "scores": dict(self.scores),
            **weight,
            **self.shown,
        }


def not_measured(samples: Sequence[Sample]) -> list[str]:
    """The ids of the items that no score could be had of, in order."""
    return sorted(sample.id for sample in samples if not sample.scores)


def report_of(
    spec: RunSpec,
    suite: str,
    variant: str,
    samples: Sequence[Sample],
    *,
    metrics: Sequence[Metric],
    data: Values,
    extra: Values,
    started: float,
) -> Report:
    """The report of one subject on these items, in the order of their ids; `started` is `time.monotonic()` before.

    An item without a score is not measured; one whose score `abstained` is 1 abstained.
    """
    ordered = sorted(samples, key=lambda sample: sample.id)
    missing = not_measured(samples)
    return Report(
        suite=suite,
        variant=variant,
        subject=spec.subject,
        seed=spec.seed,
        metrics=metrics,
        items=Items(
            asked=len(samples),
            measured=len(samples) - len(missing),
            abstained=sum(sample.scores.get("abstained") == 1 for sample in samples),
            not_measured=len(missing),
        ),
        data=[data],
        spec=spec.record(),
        samples=[sample.record() for sample in ordered],
        extra=extra,
        environment=environment(started),
    )


def slices_of(line: Values, where: str) -> dict[str, str]:
    """The item's slices: those the line names, then domain, language and mode where it has them."""
    named = line.get("slices", {})
    if not isinstance(named, dict) or not all(isinstance(value, str | int) for value in named.values()):
        raise BadInput(f"{where}: slices: found {kind_of(named)}, wanted an object of names")
    found = {key: str(value) for key, value in named.items()}
    for key in ("domain", "language", "mode"):
        if isinstance(line.get(key), str):
            found.setdefault(key, str(line[key]))
    return found


def groups_of(samples: Sequence[Sample]) -> dict[str | None, list[Sample]]:
    """All samples under None, and those of each slice under `name=value`, names and values sorted."""
    slices: dict[str, list[Sample]] = {}
    for sample in samples:
        for name, value in sample.slices.items():
            slices.setdefault(f"{name}={value}", []).append(sample)
    return {None: list(samples), **{name: slices[name] for name in sorted(slices)}}


def metrics_of(
    samples: Sequence[Sample], directions: Mapping[str, str], *, seed: int, resamples: int
) -> list[Metric]:
    """Each metric named in `directions` (higher, lower or neither is better), by group, the same for any order.

    Weighted means over measured items, 95 % bootstrap over items; a group without a measured item gives null.
    """
    ordered = sorted(samples, key=lambda sample: sample.id)
    found = []
    for group, members in groups_of(ordered).items():
        for name, better in directions.items():
            scored = [sample for sample in members if name in sample.scores]
            if not scored:
                found.append(Metric(name, None, None, None, 0, group, "no item was measured", better=better))
                continue
            interval = bootstrap_mean(
                [sample.scores[name] for sample in scored],
                rng=generator(seed, name, group or ""),
                weights=[sample.weight for sample in scored],
                resamples=resamples,
            )
            found.append(
                Metric(
                    name,
                    interval.value,
                    interval.low,
                    interval.high,
                    interval.n,
                    group,
                    interval.reason,
                    interval.method,
                    better,
                )
            )
    return found
