"""Points over scale from evaluation runs: report folders, and how large the model of each was.

A report names its subject. Its scale is, in this order: what a table of scales says of the subject (`--scales`, columns
subject, scale and, where wanted, family); what the subject's own run folder says (outcome.json of the trainer:
parameters, tokens, steps); for parameters, the weights of the model folder counted; for FLOPs 6·parameters·tokens of
the run (Kaplan et al. 2020). Nothing is guessed from a name.
"""

import json
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from evaluator import json_lines
from evaluator.beside_ratings import NOT_BESIDE
from evaluator.csv_tables import read_csv
from evaluator.errors import BadInput
from evaluator.json_lines import kind_of
from evaluator.report_files import Metric, Report, read_report
from evaluator.scale_points import Kind, ScalePoint, kind_by_name, positive

OUTCOME = "outcome.json"
FLOPS_A_PARAMETER_AND_TOKEN = 6
NO_FAMILY = "all"


@dataclass(frozen=True)
class Placed:
    """The scale of one subject, and its family ("all" where none is named)."""

    scale: float
    family: str = NO_FAMILY


def report_folders(folders: Sequence[Path]) -> list[Path]:
    """The folders that hold a report.json, or whose folders do, in order. Refuses one without any."""
    found: list[Path] = []
    for folder in folders:
        own = [folder] if (folder / "report.json").is_file() else []
        inside = own or sorted(one.parent for one in folder.glob("*/report.json"))
        if not inside:
            told = "found no report.json in it or in its folders, wanted report folders"
            raise BadInput(f"--reports {folder}: {told}")
        found += inside
    return list(dict.fromkeys(found))


def points_of_reports(folders: Sequence[Path], unit: str, scales: Path | None) -> list[ScalePoint]:
    """One point of each metric over all items of each report; the task is suite:variant.

    A metric is sharp where every item scores 0 or 1, else smooth. Metrics that are undefined, or for which neither
    direction is better, and reports that are no evaluations are left out. Refuses a report whose scale is not known.
    """
    known = {} if scales is None else read_scales(scales)
    found: list[ScalePoint] = []
    for folder in folders:
        report = read_report(folder)
        if report.suite in NOT_BESIDE:
            continue
        placed = _placed(report, folder, unit, known)
        for metric in report.metrics:
            if metric.group is None and metric.value is not None and metric.better != "neither":
                found.append(_point(metric, metric.value, report, placed, folder))
    if not found:
        raise BadInput(f"--reports {folders[0]}: found no metric of an evaluation, wanted at least one")
    return found


def read_scales(path: Path) -> dict[str, Placed]:
    """Subject → scale and family. Refuses a subject twice and a scale that is not above 0."""
    found: dict[str, Placed] = {}
    for row in read_csv(path, ("subject", "scale")).rows:
        subject = row.text("subject")
        if subject in found:
            raise BadInput(f"{row.where}: subject: found {kind_of(subject)} again, wanted each once")
        found[subject] = Placed(positive(row, "scale"), row.optional("family") or NO_FAMILY)
    return found


def _placed(report: Report, folder: Path, unit: str, known: Mapping[str, Placed]) -> Placed:
    path = PurePath(report.subject)
    for name in (report.subject, path.name, path.stem, path.parent.name):
        if name in known:
            return known[name]
    scale = _scale_of_folder(Path(report.subject), unit)
    if scale is None:
        found = f"found nothing that tells the {unit} of its subject {report.subject}"
        raise BadInput(f"--reports {folder}: {found}; wanted a line of it in --scales SCALES.csv")
    return Placed(scale)


def _scale_of_folder(folder: Path, unit: str) -> float | None:
    """What the run that made the model says, or its weights; None where neither tells."""
    told = _outcome(folder)
    parameters = told.get("parameters") or _parameters(folder)
    if unit == "parameters":
        return parameters
    if unit == "flops":
        tokens = told.get("tokens")
        return None if not parameters or not tokens else FLOPS_A_PARAMETER_AND_TOKEN * parameters * tokens
    return told.get(unit)


def _outcome(folder: Path) -> dict[str, float]:
    path = folder / OUTCOME
    metrics = json_lines.read_object(path).get("metrics") if path.is_file() else None
    pairs = metrics.items() if isinstance(metrics, dict) else ()
    return {
        name: float(value)
        for name, value in pairs
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    }


def _parameters(folder: Path) -> float | None:
    """Numbers in all safetensors files of a folder, read from their headers: tied weights are stored once."""
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    return float(sum(map(_numbers_in, files))) or None


def _numbers_in(path: Path) -> int:
    """Its first 8 bytes tell how long the JSON header is (little-endian); that tells each tensor's shape."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
        return sum(math.prod(one["shape"]) for name, one in header.items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise BadInput(f"{path}: {type(error).__name__} {error}; wanted safetensors weights") from error


def _point(metric: Metric, value: float, report: Report, placed: Placed, folder: Path) -> ScalePoint:
    chance = metric.extra.get("chance")
    number = isinstance(chance, int | float) and not isinstance(chance, bool)
    bounded = metric.low is not None and metric.high is not None
    return ScalePoint(
        family=placed.family,
        task=f"{report.suite}:{report.variant}",
        metric=metric.name,
        kind=_kind(metric.name, report.samples),
        scale=placed.scale,
        value=value,
        low=metric.low if bounded else None,
        high=metric.high if bounded else None,
        n=metric.n or None,
        chance=float(str(chance)) if number else None,
        model=report.subject,
        direction="lower" if metric.better == "lower" else "higher",
        where=f"{folder / 'report.json'}",
    )


def _kind(metric: str, samples: Iterable[Mapping[str, object]]) -> Kind:
    scores = [one["scores"] for one in samples]
    found = {score[metric] for score in scores if isinstance(score, dict) and metric in score}
    if not found:
        return kind_by_name(metric)
    return "sharp" if found <= {0, 1} else "smooth"
