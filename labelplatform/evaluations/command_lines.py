"""The evaluator's command lines, from a job's frozen spec and its input artifacts. Reads, never writes."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from evaluator.errors import BadInput
from evaluator.specs import CompareSpec, LeaderboardSpec, Precision, Prompting, RunSpec
from evaluator.truthfulqa.prompts import PROMPTS
from evaluator.truthfulqa.questions import Edition
from labelplatform.evaluations.suites import SUITES
from labelplatform.jobs.models import Artifact, Job, Schedule

HELDOUT_SCORES = "heldout_scores.jsonl"
# What else a suite reads, by its flag.
FILES = ("corpus", "knowledge", "labels", "scorer", "training_text")
SPANS = "spans.jsonl"
CHOICES: Mapping[str, tuple[str, ...]] = {
    "prompt": PROMPTS,
    "edition": get_args(Edition),
    "prompting": get_args(Prompting),
    "precision": get_args(Precision),
}


def subject_path(artifact: Artifact) -> Path:
    """What the evaluator is told as its subject: a model folder, or the file of lines that is measured."""
    if artifact.kind == Artifact.Kind.REWARD_MODEL:
        return artifact.path / HELDOUT_SCORES
    return data_path(artifact) if artifact.detail.get("files") else artifact.path


def data_path(artifact: Artifact) -> Path:
    """The one file of a stored artifact."""
    files = artifact.detail.get("files") or []
    if len(files) != 1:
        raise ValidationError(
            _("%(name)s holds %(found)s, wanted one file.") % {"name": artifact.name, "found": files}
        )
    return artifact.path / files[0]


def file_path(name: str, artifact: Artifact) -> Path:
    """Where what a flag names lies: people's spans in a snapshot, a scorer's whole folder, else the one file."""
    if name == "labels":
        return artifact.path / SPANS
    return artifact.path if name == "scorer" else data_path(artifact)


def evaluate_command(job: Job, run_folder: Path) -> list[str]:
    """`evaluator run SUITE` of one subject."""
    spec = job.spec
    by_digest = given_artifacts(job)
    words = ["run", spec["suite"], "--subject", str(subject_path(by_digest[spec["subject"]]))]
    if spec.get("data"):
        words += ["--data", str(data_path(by_digest[spec["data"]]))]
    if spec.get("variant"):
        words += ["--variant", spec["variant"]]
    for name, digest in sorted(spec.get("files", {}).items()):
        words += ["--" + name.replace("_", "-"), str(file_path(name, by_digest[digest]))]
    for name, value in sorted(spec["decoding"].items()):
        told = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        words += ["--" + name.replace("_", "-"), told]
    # Said of a new run too, which then begins.
    return evaluator_argv(*words, "--seed", str(spec["seed"]), "--out", str(run_folder / "out"), "--resume")


def evaluate_when_it_appears(schedule: Schedule, artifact: Artifact | None) -> dict[str, Any]:
    """What a schedule adds to its spec (suite, variant, data, seed) for each new model: who is asked."""
    if artifact is None:
        raise ValidationError(
            _("An evaluation is scheduled by the kind of artifact it measures, not by the clock.")
        )
    name = f"{schedule.spec.get('suite', '')}: {artifact.name}"
    told = {"variant": "", "data": "", "seed": 0, "decoding": {}, **schedule.spec}
    return {**told, "name": name, "subject": artifact.digest}


def rate_when_it_appears(schedule: Schedule, artifact: Artifact | None) -> dict[str, Any]:
    """What a schedule adds to its spec for each new snapshot: which one is rated."""
    if artifact is None:
        raise ValidationError(_("A leaderboard is scheduled by the snapshots it rates, not by the clock."))
    return {"seed": 0, "resamples": 200, **schedule.spec, "snapshot": artifact.digest}


def given_artifacts(job: Job) -> dict[str, Artifact]:
    """The artifacts a spec names, by digest: the job's inputs, and questions that a schedule only names."""
    told = [job.spec.get("data", ""), *job.spec.get("files", {}).values()]
    named = Artifact.objects.filter(project=job.project_id, digest__in=told)
    return {each.digest: each for each in (*named.order_by("-pk"), *job.inputs.all())}


def compare_command(job: Job, run_folder: Path) -> list[str]:
    """`evaluator compare BASELINE CANDIDATE` of two report folders."""
    wanted = [job.spec["baseline"], job.spec["candidate"]]
    # Of a schedule's job only the candidate is an input: the baseline is named.
    named = Artifact.objects.filter(project=job.project_id, kind=Artifact.Kind.REPORT, digest__in=wanted)
    by_digest = {artifact.digest: artifact for artifact in (*named, *job.inputs.all())}
    sides = [str(by_digest[job.spec[side]].path) for side in ("baseline", "candidate")]
    return evaluator_argv(
        "compare", *sides, "--seed", str(job.spec["seed"]), "--out", str(run_folder / "out")
    )


def leaderboard_command(job: Job, run_folder: Path) -> list[str]:
    """`evaluator leaderboard` of a snapshot's rankings."""
    snapshot = job.inputs.get(digest=job.spec["snapshot"])
    rankings = str(snapshot.path / "rankings.jsonl")
    told = ["--seed", str(job.spec["seed"]), "--resamples", str(job.spec["resamples"])]
    return evaluator_argv("leaderboard", rankings, *told, "--out", str(run_folder / "out"))


def evaluator_argv(*words: str) -> list[str]:
    return [sys.executable, "-m", "evaluator", *words, "--progress", "json"]


def validate_evaluation(spec: Mapping[str, Any]) -> None:
    """Refuse what the evaluator itself would refuse, before a job is promised."""
    _needs(spec, "name", "suite", "subject")
    _known_suite(spec)
    decoding = spec.get("decoding", {})
    try:
        variant = spec.get("variant") or None
        RunSpec(
            suite=spec["suite"],
            subject="subject",
            out=Path("out"),
            variant=variant,
            seed=spec["seed"],
            **decoding,
        )
    except (BadInput, TypeError) as error:
        raise ValidationError(str(error)) from error


def validate_comparison(spec: Mapping[str, Any]) -> None:
    _needs(spec, "baseline", "candidate")
    if spec["baseline"] == spec["candidate"]:
        raise ValidationError(_("Baseline and candidate are the same report: there is nothing to compare."))
    try:
        CompareSpec(Path("baseline"), Path("candidate"), Path("out"), seed=spec["seed"])
    except (BadInput, TypeError) as error:
        raise ValidationError(str(error)) from error


def validate_leaderboard(spec: Mapping[str, Any]) -> None:
    _needs(spec, "snapshot")
    try:
        LeaderboardSpec(Path("rankings"), Path("out"), resamples=spec["resamples"], seed=spec["seed"])
    except (BadInput, TypeError) as error:
        raise ValidationError(str(error)) from error


def _known_suite(spec: Mapping[str, Any]) -> None:
    """Refuse a suite, variant or choice that there is not, a variant without what it reads, a file of no suite."""
    offer = SUITES.get(spec["suite"])
    if offer is None:
        wanted = {"found": spec["suite"], "wanted": ", ".join(SUITES)}
        raise ValidationError(_("There is no suite %(found)s: wanted one of %(wanted)s.") % wanted)
    variant = offer.variant(spec.get("variant", ""))
    if variant is None:
        wanted = {"found": spec["variant"], "wanted": ", ".join(one.name for one in offer.variants)}
        raise ValidationError(_("There is no variant %(found)s: wanted one of %(wanted)s.") % wanted)
    files = spec.get("files", {})
    missing = [name for name in variant.needs if name not in files]
    if missing:
        told = {"variant": variant.name, "names": ", ".join(missing)}
        raise ValidationError(_("The variant %(variant)s needs %(names)s.") % told)
    for name, choices in CHOICES.items():
        if spec.get("decoding", {}).get(name, choices[0]) not in choices:
            told = {"name": name, "found": spec["decoding"][name], "wanted": ", ".join(choices)}
            raise ValidationError(_("%(name)s: found %(found)s, wanted one of %(wanted)s.") % told)
    if unknown := sorted(set(files) - set(FILES)):
        raise ValidationError(
            _("The spec names a file that no suite reads: %(name)s.") % {"name": unknown[0]}
        )


def _needs(spec: Mapping[str, Any], *names: str) -> None:
    missing = [name for name in names if not spec.get(name)]
    if missing:
        raise ValidationError(_("The spec needs %(names)s.") % {"names": ", ".join(missing)})
