"""The command lines of a ladder's later steps, from a job's frozen spec and its input artifacts."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from evaluator.report_files import read_report
from labelplatform.evaluations.command_lines import evaluate_command, evaluator_argv, validate_evaluation
from labelplatform.jobs.models import Artifact, Job
from labelplatform.ladders.points import Point, as_csv, points_of, points_of_curves
from trainer.json_lines import write_text_atomically
from trainer.progress import read_progress

POINTS, CURVES = "points.csv", "progress.jsonl"


def evaluation_command(job: Job, run_folder: Path) -> list[str]:
    """`evaluator run string-tasks` of one rung, beside all text that it was trained on: what is asked may not stand
    in it, and the report says whether it does.
    """
    by_digest = {artifact.digest: artifact for artifact in job.inputs.all()}
    texts = [str(path) for digest in job.spec["training_text"] for path in _files(by_digest[digest])]
    named = [word for text in texts for word in ("--training-text", text)]
    return [*evaluate_command(job, run_folder), *named]


def _files(artifact: Artifact) -> list[Path]:
    return [artifact.path / name for name in artifact.detail.get("files", ())]


def emergence_command(job: Job, run_folder: Path) -> list[str]:
    """`evaluator emergence` of the points that the inputs hold; writes them beside its output."""
    by_digest = {artifact.digest: artifact for artifact in job.inputs.all()}
    spec, place = job.spec, run_folder / POINTS
    more: list[str] = []
    if spec.get("points"):
        shutil.copyfile(by_digest[spec["points"]].path / POINTS, place)
    elif spec.get("curves"):
        lines, _end = read_progress(by_digest[spec["curves"]].path / CURVES)
        write_text_atomically(place, [as_csv(points_of_curves(lines, spec["family"]))])
        more = ["--scale", "steps"]
    else:
        write_text_atomically(place, [as_csv(_points_of_sizes(spec, by_digest))])
    told = ["--seed", str(spec["seed"]), "--out", str(run_folder / "out")]
    return evaluator_argv("emergence", str(place), *more, *told)


def _points_of_sizes(spec: Mapping[str, Any], by_digest: Mapping[str, Artifact]) -> Iterator[Point]:
    for size in spec["sizes"]:
        reports = [read_report(by_digest[digest].path, samples=False) for digest in size["reports"]]
        told = {"model": size["model"], "scale": size["parameters"]}
        yield from points_of(reports, family=spec["family"], **told)


def validate_ladder_evaluation(spec: Mapping[str, Any]) -> None:
    """Refuse what the evaluator itself would refuse, and an evaluation that does not say what was read before."""
    validate_evaluation(spec)
    if not spec.get("training_text"):
        raise ValidationError(_("An evaluation of a ladder must name the text its model has read."))


def validate_emergence(spec: Mapping[str, Any]) -> None:
    """Refuse a report without a name, and one of no points or of points from two places."""
    missing = [name for name in ("name", "family") if not spec.get(name)]
    if missing:
        raise ValidationError(_("The spec needs %(names)s.") % {"names": ", ".join(missing)})
    if sum(bool(spec.get(name)) for name in ("sizes", "points", "curves")) != 1:
        raise ValidationError(
            _("An emergence report is drawn of sizes, of points or of curves: of one of them.")
        )
