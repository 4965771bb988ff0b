"""Report folders: `report.json` (format labelplatform-report/1) and `samples.jsonl`, one line per item.

`samples.jsonl` is written first and `report.json` last, each atomically: a folder with a `report.json` is whole.
What is not defined is null with a reason, never NaN.
"""

import math
import platform
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from evaluator import json_lines
from evaluator.errors import BadInput
from evaluator.figures import Figure, write_figures

FORMAT = "labelplatform-report/1"
# What a run writes before its report.
BEGUN = ("progress.jsonl", "spec.json", "responses.cache.jsonl", "judgements.jsonl")
MEASURED_WITH = ("numpy", "scipy", "torch", "transformers", "tokenizers")
Values = Mapping[str, object]


@dataclass(frozen=True)
class Metric:
    """One figure with its interval: `low` and `high` bound 95 %, `n` counts what it averages.

    `group` is `slice=value`, a policy, or None for all items; `interval` names the method; `better` is `higher`,
    `lower` or `neither`. A value of None needs a reason. Refuses NaN and infinities (ValueError).
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    group: str | None = None
    reason: str | None = None
    interval: str | None = None
    better: str | None = None
    extra: Values = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number in (self.value, self.low, self.high):
            if number is not None and not math.isfinite(number):
                raise ValueError(
                    f"metric {self.name!r} holds {number}; wanted a finite number, or None and a reason"
                )
        if self.value is None and not self.reason:
            raise ValueError(f"metric {self.name!r} is undefined without a reason")

    def record(self) -> dict[str, object]:
        """The metric as it stands in report.json: optional keys only where they say something."""
        named = {"group": self.group, "reason": self.reason, "interval": self.interval, "better": self.better}
        numbers = {"value": self.value, "low": self.low, "high": self.high, "n": self.n}
        return {"name": self.name, **numbers, **_without_none(named), **self.extra}


@dataclass(frozen=True)
class Verdict:
    """A plain answer about one metric (of one group), with its reason; `extra` holds the figures it rests on."""

    name: str
    verdict: str
    reason: str
    group: str | None = None
    extra: Values = field(default_factory=dict)

    def record(self) -> dict[str, object]:
        """The verdict as it stands in report.json."""
        group = _without_none({"group": self.group})
        return {"name": self.name, **group, "verdict": self.verdict, "reason": self.reason, **self.extra}


@dataclass(frozen=True)
class Items:
    """How many items were asked, measured, abstained from (a part of measured) and not measured."""

    asked: int
    measured: int
    abstained: int
    not_measured: int

    def record(self) -> dict[str, object]:
        """The counts as they stand in report.json."""
        counts = {"asked": self.asked, "measured": self.measured}
        return {**counts, "abstained": self.abstained, "not_measured": self.not_measured}


@dataclass(frozen=True)
class Report:
    """One report folder. `samples` are the lines of samples.jsonl; `extra` holds further keys of report.json.

    `figures` are what it draws (figures.json); without any, `plots` shows its metrics. `words` are metrics whose value
    is a word, as a verdict's: they stand among the metrics of report.json and are kept apart here from the numbers.
    """

    suite: str
    variant: str
    subject: str
    seed: int
    metrics: Sequence[Metric]
    items: Items
    verdicts: Sequence[Verdict] = ()
    data: Sequence[Values] = ()
    spec: Values = field(default_factory=dict)
    samples: Sequence[Values] = ()
    extra: Values = field(default_factory=dict)
    environment: Values = field(default_factory=dict)
    figures: Sequence[Figure] = ()
    words: Sequence[Values] = ()

    def record(self) -> dict[str, object]:
        """The content of report.json."""
        return {
            "format": FORMAT,
            "suite": self.suite,
            "variant": self.variant,
            "subject": self.subject,
            "seed": self.seed,
            "metrics": [*(metric.record() for metric in self.metrics), *map(dict, self.words)],
            "items": self.items.record(),
            "verdicts": [verdict.record() for verdict in self.verdicts],
            **self.extra,
            "data": [dict(file) for file in self.data],
            "spec": dict(self.spec),
            "environment": dict(self.environment),
        }


@contextmanager
def report_folder(out: Path, *, resume: bool = False) -> Iterator[Path]:
    """A folder a report will lie in. Refuses one that holds anything, so that no two runs share a folder.

    Where the input turns out to be bad, what was begun is taken away: the same command may be given again. To `resume`
    a run, its folder may hold what it had measured.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not resume)):
        found = "a folder that is not empty" if out.is_dir() else "a file"
        raise BadInput(f"--out {out}: found {found}, wanted a folder that is new or empty")
    was_there = out.is_dir()
    out.mkdir(parents=True, exist_ok=True)
    try:
        yield out
    except BadInput:
        if not resume:
            for name in BEGUN:
                (out / name).unlink(missing_ok=True)
        if not was_there and not any(out.iterdir()):
            out.rmdir()
        raise


def write_report(folder: Path, report: Report) -> None:
    """Write samples.jsonl, figures.json (if there are figures), then report.json. Equal reports give equal bytes."""
    json_lines.write_atomically(folder / "samples.jsonl", report.samples)
    if report.figures:
        write_figures(folder, report.figures)
    json_lines.write_json_atomically(folder / "report.json", report.record())


def read_report(folder: Path, *, samples: bool = True) -> Report:
    """The report in a folder, with its samples if wanted. Refuses another format, and samples without a unique id."""
    path = folder / "report.json"
    content = json_lines.read_object(path)
    if content.get("format") != FORMAT:
        raise BadInput(f"{path}: format is {content.get('format')!r}; wanted {FORMAT!r}")
    known = ("format", "suite", "variant", "subject", "seed", "metrics", "items")
    missing = [key for key in known if key not in content]
    if missing:
        raise BadInput(f"{path}: {missing[0]!r} is missing; wanted the keys {', '.join(known)}")
    own = {*known, "verdicts", "data", "spec", "environment"}
    try:
        metrics = _objects(content["metrics"])
        return Report(
            suite=str(content["suite"]),
            variant=str(content["variant"]),
            subject=str(content["subject"]),
            seed=_whole(content["seed"]),
            metrics=[_metric(entry) for entry in metrics if not isinstance(entry["value"], str)],
            words=tuple(entry for entry in metrics if isinstance(entry["value"], str)),
            items=_items(content["items"]),
            verdicts=[_verdict(entry) for entry in _objects(content.get("verdicts", []))],
            data=_objects(content.get("data", [])),
            spec=_mapping(content.get("spec", {})),
            samples=_read_samples(folder / "samples.jsonl") if samples else (),
            extra={key: value for key, value in content.items() if key not in own},
            environment=_mapping(content.get("environment", {})),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"{path}: {type(error).__name__} {error}; wanted a report of format {FORMAT}"
        ) from error


def environment(started: float) -> dict[str, object]:
    """Python, package versions, commit of this code, UTC time and seconds since `started` (time.monotonic)."""
    versions: dict[str, str] = {}
    for name in MEASURED_WITH:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    commit = _git("rev-parse", "HEAD")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": versions,
        "commit": commit or None,
        "dirty": bool(_git("status", "--porcelain", "--untracked-files=no")) if commit else None,
        "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(time.monotonic() - started, 3),
    }


def data_file(path: Path) -> dict[str, object]:
    """A data file as report.json names it: path and sha256 of its bytes."""
    return {"path": str(path), "sha256": json_lines.sha256_of_file(path)}


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return run.stdout.strip() if run.returncode == 0 else ""


def _without_none(values: Values) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}


def _read_samples(path: Path) -> list[Values]:
    samples: list[Values] = []
    seen: set[str] = set()
    for number, line in json_lines.read(path):
        name, scores = line.get("id"), line.get("scores")
        if not isinstance(name, str) or name in seen:
            raise BadInput(f"{path}, line {number}: id is {name!r}; wanted a string that no other line has")
        if not isinstance(scores, dict) or not all(_is_number(score) for score in scores.values()):
            raise BadInput(f"{path}, line {number}: scores is {scores!r}; wanted an object of numbers")
        seen.add(name)
        samples.append(line)
    return samples


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is not an object")
    return value


def _objects(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return [_mapping(entry) for entry in value]


def _metric(entry: dict[str, Any]) -> Metric:
    known = ("name", "value", "low", "high", "n", "group", "reason", "interval", "better")
    given = {key: entry.get(key) for key in known}
    extra = {key: value for key, value in entry.items() if key not in known}
    reason = given["reason"] or ("not stated" if entry["value"] is None else None)
    return Metric(**(given | {"n": _whole(entry.get("n", 0)), "reason": reason}), extra=extra)


def _verdict(entry: dict[str, Any]) -> Verdict:
    extra = {key: value for key, value in entry.items() if key not in ("name", "group", "verdict", "reason")}
    return Verdict(entry["name"], entry["verdict"], entry.get("reason", ""), entry.get("group"), extra)


def _items(entry: object) -> Items:
    counts = _mapping(entry)
    names = ("asked", "measured", "abstained", "not_measured")
    return Items(*(_whole(counts.get(name, 0)) for name in names))
