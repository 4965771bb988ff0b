"""Which reports, and which items in them, can be compared: by suite, variant and data digest, then by item id."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluator.errors import BadInput
from evaluator.json_lines import dump, kind_of
from evaluator.report_files import Report, data_file, read_report

Values = Mapping[str, Any]
Key = tuple[str, str, tuple[str, ...]]
# For reports that do not state a direction: what everyone knows by name.
LOWER_IS_BETTER = frozenset(
    {"wrong", "hallucination_rate", "loss", "heldout_loss", "perplexity", "brier", "ece", "kl"}
)


@dataclass(frozen=True)
class Item:
    """One item that both sides measured; `differences` are candidate - baseline, by metric.

    `place` is the report's name among those compared, `prompt` what the item shares with others of one prompt.
    """

    suite: str
    place: str
    id: str
    prompt: str
    slices: Mapping[str, str]
    baseline: Values
    candidate: Values
    differences: Mapping[str, float]
    weight: float


@dataclass(frozen=True)
class Pairing:
    """The scores of one metric in one group on both sides, item by item; `prompts` are what is drawn as a whole."""

    suite: str
    variant: str
    place: str
    metric: str
    group: str | None
    better: str
    baseline: tuple[float, ...]
    candidate: tuple[float, ...]
    weights: tuple[float, ...]
    prompts: tuple[str, ...]

    @property
    def is_binary(self) -> bool:
        """Whether all scores are 0 or 1 and weigh the same, so that McNemar's test applies."""
        return {*self.baseline, *self.candidate} <= {0, 1} and len(set(self.weights)) == 1

    @property
    def is_one_item_a_prompt(self) -> bool:
        """Whether the items are independent: McNemar's test counts each of several answers to a prompt as news."""
        return len(set(self.prompts)) == len(self.prompts)


@dataclass(frozen=True)
class Matched:
    """All that can be compared, and all that cannot."""

    places: tuple[str, ...]
    pairings: tuple[Pairing, ...]
    items: tuple[Item, ...]
    asked: int
    directions: Mapping[tuple[str, str], str]
    data: tuple[Values, ...]
    unmatched_reports: Mapping[str, list[str]]
    unmatched_items: Mapping[str, list[str]]
    unmatched_metrics: Mapping[str, list[str]]

    def worst(self, count: int) -> list[dict[str, object]]:
        """The items on which the candidate lost most, summed over metrics with a direction; ties by report and id."""
        losses = [(self._loss(item), item) for item in self.items]
        lost = sorted(
            ((loss, item) for loss, item in losses if loss > 0), key=lambda e: (-e[0], e[1].place, e[1].id)
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
        return sum(signs[self.directions[item.place, name]] * gap for name, gap in item.differences.items())


@dataclass(frozen=True)
class _Stored:
    report: Report
    folder: Path


def match_reports(baseline: Path, candidate: Path, metrics: Sequence[str]) -> Matched:
    """Everything comparable of two report folders, or of two folders of report folders.

    `metrics` limits the comparison. Refuses two sides without a report in common, and metrics that no report has.
    """
    ours, theirs = _reports(baseline), _reports(candidate)
    shared = sorted(ours.keys() & theirs.keys())
    if not shared:
        raise BadInput(
            f"{candidate}: found {_names(theirs)}, wanted a report of the same suite, variant and data as in "
            f"{baseline}: {_names(ours)}"
        )
    sides = [(key, ours[key].report, theirs[key].report) for key in shared]
    _refuse_unknown(metrics, sides)
    places = _places(shared)
    pairings: list[Pairing] = []
    items: list[Item] = []
    directions: dict[tuple[str, str], str] = {}
    for key, old, new in sides:
        names = [name for name in _metrics_of(old, new) if not metrics or name in metrics]
        directions |= {(places[key], name): _direction(name, old, new) for name in names}
        paired = _pair_items(key, places[key], old, new, names)
        items += paired
        for name in names:
            pairings += _pairings(key, name, directions[places[key], name], paired)
    if not pairings:
        raise BadInput(
            f"{candidate}: found no item measured on both sides, wanted at least one ({list(metrics) or 'any'})"
        )
    return Matched(
        places=tuple(places[key] for key in shared),
        pairings=tuple(pairings),
        items=tuple(items),
        asked=sum(len({*_by_id(old), *_by_id(new)}) for _, old, new in sides),
        directions=directions,
        data=tuple(file for key in shared for file in _data(ours[key], theirs[key])),
        unmatched_reports={
            "baseline": [_label(key) for key in sorted(ours.keys() - theirs.keys())],
            "candidate": [_label(key) for key in sorted(theirs.keys() - ours.keys())],
        },
        unmatched_items=_unmatched_items([(places[key], old, new) for key, old, new in sides], items),
        unmatched_metrics=_unmatched_metrics([(places[key], old, new) for key, old, new in sides]),
    )


def _reports(folder: Path) -> dict[Key, _Stored]:
    """The reports in a folder (itself one, or one in each subfolder) by suite, variant and data. Refuses none."""
    places = (
        [folder]
        if (folder / "report.json").is_file()
        else sorted(p.parent for p in folder.glob("*/report.json"))
    )
    found: dict[Key, _Stored] = {}
    for place in places:
        report = read_report(place)
        key = (report.suite, report.variant, tuple(sorted(str(file.get("sha256")) for file in report.data)))
        if key in found:
            raise BadInput(f"{place}: found a second report of {_label(key)}, wanted one of each in {folder}")
        found[key] = _Stored(report, place)
    if not found:
        raise BadInput(
            f"{folder}: found no report.json, wanted a report folder or a folder of report folders"
        )
    return found


def _label(key: Key) -> str:
    digests = ", ".join(digest[:12] for digest in key[2]) or "no data file"
    return f"{key[0]} ({key[1]}; data {digests})"


def _names(reports: Mapping[Key, _Stored]) -> str:
    return "; ".join(_label(key) for key in sorted(reports))


def _places(keys: Sequence[Key]) -> dict[Key, str]:
    """A name for each report: its suite, with the variant, then the data, where others have the same."""
    suites, variants = Counter(key[0] for key in keys), Counter(key[:2] for key in keys)
    found = {}
    for key in keys:
        parts = [key[0], *([key[1]] if suites[key[0]] > 1 else [])]
        parts += ["+".join(digest[:12] for digest in key[2])] if variants[key[:2]] > 1 else []
        found[key] = "/".join(parts)
    return found


def _data(ours: _Stored, theirs: _Stored) -> list[Values]:
    """What was asked of both, then the samples of each side: all that a comparison is reckoned from."""
    samples = [
        {**data_file(side.folder / "samples.jsonl"), "of": of}
        for of, side in (("baseline", ours), ("candidate", theirs))
    ]
    return [*ours.report.data, *samples]


def _by_id(report: Report) -> dict[str, Values]:
    return {str(sample["id"]): sample for sample in report.samples}


def _scores(report: Report) -> set[str]:
    return {name for sample in _by_id(report).values() for name in sample["scores"]}


def _metrics_of(ours: Report, theirs: Report) -> list[str]:
    return sorted(_scores(ours) & _scores(theirs))


def _refuse_unknown(wanted: Sequence[str], sides: Sequence[tuple[Key, Report, Report]]) -> None:
    found = {name for _, ours, theirs in sides for name in _metrics_of(ours, theirs)}
    unknown = sorted(set(wanted) - found)
    if unknown:
        raise BadInput(
            f"--metric {unknown[0]}: found no such score in both reports, wanted one of {sorted(found)}"
        )


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


def _pair_items(key: Key, place: str, ours: Report, theirs: Report, names: Sequence[str]) -> list[Item]:
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
            paired.append(
                Item(
                    suite=key[0],
                    place=place,
                    id=name,
                    prompt=_prompt(old, name),
                    slices=_slices(old, name),
                    baseline=_shown(old),
                    candidate=_shown(new),
                    differences=gaps,
                    weight=_weight(old, new, name),
                )
            )
    return paired


def _prompt(sample: Values, name: str) -> str:
    """What items of one prompt share: `prompt_id`, else the prompt itself; an item that tells neither is alone."""
    if "prompt_id" in sample:
        return f"prompt_id {sample['prompt_id']}"
    return f"prompt {dump({'prompt': sample['prompt']})}" if "prompt" in sample else f"item {name}"


def _slices(sample: Values, name: str) -> dict[str, str]:
    slices = sample.get("slices", {})
    if not isinstance(slices, dict):
        raise BadInput(f"item {name!r}: slices: found {kind_of(slices)}, wanted an object of names")
    return {str(key): str(value) for key, value in slices.items()}


def _weight(old: Values, new: Values, name: str) -> float:
    weights = [side.get("weight", 1.0) for side in (old, new)]
    for weight in weights:
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise BadInput(f"item {name!r}: weight: found {kind_of(weight)}, wanted a positive number")
    if weights[0] != weights[1] or weights[0] <= 0:
        raise BadInput(
            f"item {name!r}: found the weights {weights[0]:g} and {weights[1]:g}, wanted one positive weight on "
            "both sides"
        )
    return float(weights[0])


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
            groups[group][0].place,
            metric,
            group,
            better,
            tuple(float(item.baseline["scores"][metric]) for item in groups[group]),
            tuple(float(item.candidate["scores"][metric]) for item in groups[group]),
            tuple(item.weight for item in groups[group]),
            tuple(item.prompt for item in groups[group]),
        )
        for group in sorted(groups, key=lambda name: name or "")
    ]


def _unmatched_items(
    sides: Sequence[tuple[str, Report, Report]], items: Sequence[Item]
) -> dict[str, list[str]]:
    """Ids on one side only, and ids that both hold and one did not measure; of several with the report's name."""
    paired = {(item.place, item.id) for item in items}
    found: dict[str, list[str]] = {"baseline_only": [], "candidate_only": [], "not_measured": []}
    for place, ours, theirs in sides:
        before, after = set(_by_id(ours)), set(_by_id(theirs))
        missing = {name for name in before & after if (place, name) not in paired}
        start = f"{place}/" if len(sides) > 1 else ""
        for kind, names in zip(found, (before - after, after - before, missing), strict=True):
            found[kind] += [start + name for name in sorted(names)]
    return found


def _unmatched_metrics(sides: Sequence[tuple[str, Report, Report]]) -> dict[str, list[str]]:
    """Scores that one side alone has, which nothing can be said about; of several reports with the report's name."""
    found: dict[str, list[str]] = {"baseline_only": [], "candidate_only": []}
    for place, ours, theirs in sides:
        before, after = _scores(ours), _scores(theirs)
        start = f"{place}/" if len(sides) > 1 else ""
        for kind, names in zip(found, (before - after, after - before), strict=True):
            found[kind] += [start + name for name in sorted(names)]
    return found
