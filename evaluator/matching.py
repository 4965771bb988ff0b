"""Which reports, and which items in them, can be compared: by suite, variant and data digest, then by item id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluator.errors import BadInput
from evaluator.report_files import Report, read_report

Values = Mapping[str, Any]
Key = tuple[str, str, tuple[str, ...]]
# For reports that do not state a direction: what everyone knows by name.
LOWER_IS_BETTER = frozenset(
    {"wrong", "hallucination_rate", "loss", "heldout_loss", "perplexity", "brier", "ece", "kl"}
)


@dataclass(frozen=True)
class Item:
    """One item that both sides measured; `differences` are candidate - baseline, by metric."""

    suite: str
    id: str
    slices: Mapping[str, str]
    baseline: Values
    candidate: Values
    differences: Mapping[str, float]
    weight: float


@dataclass(frozen=True)
class Pairing:
    """The scores of one metric in one group on both sides, item by item."""

    suite: str
    variant: str
    metric: str
    group: str | None
    better: str
    baseline: tuple[float, ...]
    candidate: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def is_binary(self) -> bool:
        """Whether all scores are 0 or 1 and weigh the same, so that McNemar's test applies."""
        return {*self.baseline, *self.candidate} <= {0, 1} and len(set(self.weights)) == 1


@dataclass(frozen=True)
class Matched:
    """All that can be compared, and all that cannot."""

    suites: int
    pairings: tuple[Pairing, ...]
    items: tuple[Item, ...]
    asked: int
    directions: Mapping[tuple[str, str], str]
    data: tuple[Values, ...]
    unmatched_reports: Mapping[str, list[str]]
    unmatched_items: Mapping[str, list[str]]

    def worst(self, count: int) -> list[dict[str, object]]:
        """The items on which the candidate lost most, summed over metrics with a direction; ties by suite and id."""
        losses = [(self._loss(item), item) for item in self.items]
        lost = sorted(
            ((loss, item) for loss, item in losses if loss > 0), key=lambda e: (-e[0], e[1].suite, e[1].id)
        )
        return [
            {
                "id": item.id,
                "suite": item.suite,
                "loss": loss,
                "differences": dict(item.differences),
                "baseline": dict(item.baseline),
                "candidate": dict(item.candidate),
            }
            for loss, item in lost[:count]
        ]

    def _loss(self, item: Item) -> float:
        signs = {"higher": -1.0, "lower": 1.0, "neither": 0.0}
        return sum(signs[self.directions[item.suite, name]] * gap for name, gap in item.differences.items())


def match_reports(baseline: Path, candidate: Path, metrics: Sequence[str]) -> Matched:
    """Everything comparable of two report folders, or of two folders of report folders.

    `metrics` limits the comparison. Refuses two sides without a report in common, and metrics that neither has.
    """
    ours, theirs = _reports(baseline), _reports(candidate)
    shared = sorted(ours.keys() & theirs.keys())
    if not shared:
        raise BadInput(
            f"{candidate}: found {_names(theirs)}, wanted a report of the same suite, variant and data as in "
            f"{baseline}: {_names(ours)}"
        )
    pairings: list[Pairing] = []
    items: list[Item] = []
    directions: dict[tuple[str, str], str] = {}
    for key in shared:
        names = _metric_names(ours[key], theirs[key], metrics)
        directions |= {(key[0], name): _direction(name, ours[key], theirs[key]) for name in names}
        paired = _pair_items(key[0], ours[key], theirs[key], names)
        items += paired
        pairings += [p for name in names for p in _pairings(key, name, directions[key[0], name], paired)]
    if not pairings:
        raise BadInput(
            f"{candidate}: found no item measured on both sides, wanted at least one ({list(metrics) or 'any'})"
        )
    return Matched(
        suites=len(shared),
        pairings=tuple(pairings),
        items=tuple(items),
        asked=sum(len({*_by_id(ours[key]), *_by_id(theirs[key])}) for key in shared),
        directions=directions,
        data=tuple(file for key in shared for file in ours[key].data),
        unmatched_reports={
            "baseline": [_label(key) for key in sorted(ours.keys() - theirs.keys())],
            "candidate": [_label(key) for key in sorted(theirs.keys() - ours.keys())],
        },
        unmatched_items=_unmatched_items([(ours[key], theirs[key]) for key in shared], items),
    )


def _reports(folder: Path) -> dict[Key, Report]:
    """The reports in a folder (itself one, or one in each subfolder) by suite, variant and data. Refuses none."""
    places = (
        [folder]
        if (folder / "report.json").is_file()
        else sorted(p.parent for p in folder.glob("*/report.json"))
    )
    found: dict[Key, Report] = {}
    for place in places:
        report = read_report(place)
        key = (report.suite, report.variant, tuple(sorted(str(file.get("sha256")) for file in report.data)))
        if key in found:
            raise BadInput(f"{place}: found a second report of {_label(key)}, wanted one of each in {folder}")
        found[key] = report
    if not found:
        raise BadInput(
            f"{folder}: found no report.json, wanted a report folder or a folder of report folders"
        )
    return found


def _label(key: Key) -> str:
    digests = ", ".join(digest[:12] for digest in key[2]) or "no data file"
    return f"{key[0]} ({key[1]}; data {digests})"


def _names(reports: Mapping[Key, Report]) -> str:
    return "; ".join(_label(key) for key in sorted(reports))


def _by_id(report: Report) -> dict[str, Values]:
    return {str(sample["id"]): sample for sample in report.samples}


def _metric_names(ours: Report, theirs: Report, wanted: Sequence[str]) -> list[str]:
    sides = [
        {name for sample in _by_id(report).values() for name in sample["scores"]} for report in (ours, theirs)
    ]
    found = sides[0] & sides[1]
    unknown = sorted(set(wanted) - found)
    if unknown:
        raise BadInput(
            f"--metric {unknown[0]}: found no such score in both reports, wanted one of {sorted(found)}"
        )
    return sorted(found & set(wanted)) if wanted else sorted(found)


def _direction(name: str, *reports: Report) -> str:
    stated = {
        metric.better
        for report in reports
        for metric in report.metrics
        if metric.name == name and metric.better
    }
    if len(stated) > 1:
        raise BadInput(f"metric {name}: found the directions {sorted(stated)}, wanted both reports to agree")
    direction = stated.pop() if stated else ("lower" if name in LOWER_IS_BETTER else "higher")
    if direction not in ("higher", "lower", "neither"):
        raise BadInput(f"metric {name}: found better = {direction!r}, wanted higher, lower or neither")
    return direction


def _pair_items(suite: str, ours: Report, theirs: Report, names: Sequence[str]) -> list[Item]:
    """Items that both sides measured, in the order of their ids."""
    before, after = _by_id(ours), _by_id(theirs)
    paired = []
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        gaps = {
            m: float(new["scores"][m]) - float(old["scores"][m])
            for m in names
            if m in old["scores"] and m in new["scores"]
        }
        if gaps:
            slices = {str(key): str(value) for key, value in dict(old.get("slices", {})).items()}
            paired.append(Item(suite, name, slices, _shown(old), _shown(new), gaps, _weight(old, new, name)))
    return paired


def _weight(old: Values, new: Values, name: str) -> float:
    weights = {float(side.get("weight", 1.0)) for side in (old, new)}
    if len(weights) > 1 or min(weights) <= 0:
        raise BadInput(
            f"item {name!r}: found the weights {sorted(weights)}, wanted one positive weight on both sides"
        )
    return weights.pop()


def _shown(sample: Values) -> dict[str, object]:
    """What a reader sees of one side: its scores and what was said."""
    return {key: value for key, value in sample.items() if key not in ("id", "slices", "weight")}


def _pairings(key: Key, metric: str, better: str, items: Sequence[Item]) -> list[Pairing]:
    scored = [item for item in items if metric in item.differences]
    groups: dict[str | None, list[Item]] = {None: scored} if scored else {}
    for item in scored:
        for slice_name, value in item.slices.items():
            groups.setdefault(f"{slice_name}={value}", []).append(item)
    return [
        Pairing(
            key[0],
            key[1],
            metric,
            group,
            better,
            tuple(float(item.baseline["scores"][metric]) for item in groups[group]),
            tuple(float(item.candidate["scores"][metric]) for item in groups[group]),
            tuple(item.weight for item in groups[group]),
        )
        for group in sorted(groups, key=lambda name: name or "")
    ]


def _unmatched_items(sides: Sequence[tuple[Report, Report]], items: Sequence[Item]) -> dict[str, list[str]]:
    """Ids on one side only, and ids that both hold and one did not measure."""
    paired = {(item.suite, item.id) for item in items}
    found: dict[str, list[str]] = {"baseline_only": [], "candidate_only": [], "not_measured": []}
    for ours, theirs in sides:
        before, after = set(_by_id(ours)), set(_by_id(theirs))
        found["baseline_only"] += sorted(before - after)
        found["candidate_only"] += sorted(after - before)
        found["not_measured"] += sorted(name for name in before & after if (ours.suite, name) not in paired)
    return found
