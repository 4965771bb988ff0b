"""What each training verb may be told, and the one command line that tells it. Reads, never writes.

The trainer's own specs say which settings there are and which fit together; here stands only which of
their fields are inputs (artifacts, by digest) and which file of an artifact's folder is meant.
"""

import importlib.util
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from labelplatform.jobs.models import Artifact, Job
from trainer import specs
from trainer.errors import BadInput
from trainer.spec_fields import FieldOfSpec, Spec

# Fields that belong to the attempt or to the machine, not to what was asked.
NOT_A_SETTING = frozenset({"out", "resume", "checkpoint_every", "keep_checkpoints", "parallel", "model"})
# A run of a length that is told is checkpointed so many times, others every so many steps: what a kill can cost.
CHECKPOINTS_OF_A_RUN, STEPS_TO_A_CHECKPOINT = 20, 50
LENGTHS = ("steps", "updates")


@dataclass(frozen=True)
class Role:
    """One input of a verb: the field of the spec it fills, and which file of the artifact is meant."""

    name: str
    file: str = ""
    commas: bool = False


@dataclass(frozen=True)
class Verb:
    """One verb of `python -m trainer`: its spec, its inputs, and what it makes."""

    spec: type[Spec]
    roles: tuple[Role, ...]
    makes: str
    out_file: str = ""

    @property
    def name(self) -> str:
        return self.spec.verb

    @property
    def resumes(self) -> bool:
        """Whether its runs leave checkpoints and go on from them."""
        return any(field.name == "resume" for field in self.spec.fields())

    def settings(self) -> dict[str, FieldOfSpec]:
        """The fields that a person may set."""
        taken = NOT_A_SETTING | {role.name for role in self.roles}
        return {field.name: field for field in self.spec.fields() if field.name not in taken}


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb(specs.PretrainSpec, (Role("texts"), Role("model")), makes="base_model"),
        Verb(specs.SftSpec, (Role("demonstrations", "demonstrations.jsonl"), Role("model")), makes="policy"),
        Verb(
            specs.RewardModelSpec,
            (Role("rankings"), Role("model"), Role("demonstrations", "demonstrations.jsonl")),
            makes="reward_model",
        ),
        Verb(
            specs.PpoSpec,
            (
                Role("prompts"),
                Role("policy"),
                Role("reward_model", commas=True),
                Role("heldout_reward_model"),
                Role("pretraining_text"),
                Role("validation"),
            ),
            makes="policy",
        ),
        Verb(
            specs.ScoreSpec,
            (Role("responses", "responses.jsonl"), Role("reward_model")),
            makes="scores",
            out_file="scores.jsonl",
        ),
        Verb(
            specs.BestOfNSpec,
            (Role("prompts"), Role("policy"), Role("reward_model")),
            makes="responses",
            out_file="responses.jsonl",
        ),
    )
}


def validate(verb_name: str, spec: Mapping[str, Any]) -> None:
    """Refuse what the trainer itself would refuse, before a job is promised."""
    verb = VERBS[verb_name]
    inputs, told = spec.get("inputs"), spec.get("settings")
    if not isinstance(inputs, dict) or not isinstance(told, dict) or not spec.get("name"):
        raise ValidationError(
            _("The spec of %(verb)s needs a name, inputs and settings.") % {"verb": verb_name}
        )
    unknown = sorted(set(told) - set(verb.settings())) + sorted(
        set(inputs) - {role.name for role in verb.roles}
    )
    if unknown:
        raise ValidationError(
            _("%(verb)s knows nothing of %(names)s.") % {"verb": verb_name, "names": ", ".join(unknown)}
        )
    fields = {field.name: field for field in verb.spec.fields()}
    given = {
        name: list(digests) if fields[name].many else ",".join(digests) for name, digests in inputs.items()
    }
    try:
        verb.spec.from_json({**told, **given, "out": "out"}, verb_name)
    except BadInput as error:
        raise ValidationError(str(error)) from error


def files_of(artifact: Artifact, role: Role) -> list[Path]:
    """What a role is given of an artifact: its folder (a model, a snapshot) or the files stored in it."""
    stored = artifact.detail.get("files")
    if role.file and (not stored or role.file in stored):
        return [artifact.path / role.file]
    return [artifact.path / name for name in stored] if stored else [artifact.path]


def command(verb_name: str, job: Job, run_folder: Path) -> list[str]:
    """The whole argument list: verb, inputs, settings, and the attempt's own `out`."""
    verb = VERBS[verb_name]
    by_digest = {artifact.digest: artifact for artifact in job.inputs.all()}
    positional: list[str] = []
    flagged: list[str] = []
    for role in verb.roles:
        given = [by_digest[digest] for digest in job.spec["inputs"].get(role.name, ())]
        paths = [str(path) for artifact in given for path in files_of(artifact, role)]
        field = next(field for field in verb.spec.fields() if field.name == role.name)
        if field.flag.positional:
            positional += paths
        elif paths:
            flagged += [flag_of(role.name), *([",".join(paths)] if role.commas else paths)]
    told = [word for name, value in job.spec["settings"].items() for word in words_of(name, value)]
    out = run_folder / "out" / verb.out_file if verb.out_file else run_folder / "out"
    # Said of a new run too, which then begins: who repeats the command after a kill goes on.
    kept = ["--checkpoint-every", str(steps_to_a_checkpoint(verb, job.spec["settings"])), "--resume"]
    told += kept if verb.resumes else []
    return trainer_argv(verb_name, *positional, *flagged, *told, "--out", str(out), "--progress", "json")


def steps_to_a_checkpoint(verb: Verb, settings: Mapping[str, Any]) -> int:
    """Steps (of PPO: updates) after which a run keeps what it has, so that a twentieth of it at most is done again."""
    known = [settings.get(field.name, field.default) for field in verb.spec.fields() if field.name in LENGTHS]
    told = [length for length in known if isinstance(length, int)]
    return max(1, math.ceil(told[0] / CHECKPOINTS_OF_A_RUN)) if told else STEPS_TO_A_CHECKPOINT


def flag_of(name: str) -> str:
    return "--" + name.replace("_", "-")


def words_of(name: str, value: object) -> list[str]:
    """One setting as words of a command line; what is None is said by saying nothing."""
    if value is None:
        return []
    if isinstance(value, bool):
        return [flag_of(name if value else f"no_{name}")]
    listed: Sequence[object] = value if isinstance(value, list | tuple) else [value]
    return [flag_of(name), *(str(each) for each in listed)]


def trainer_argv(*words: str) -> list[str]:
    return [sys.executable, "-m", "trainer", *words]


def validate_import(spec: Mapping[str, Any]) -> None:
    """Weights come from an installed package: no path of a machine stands in a spec."""
    told = spec.get("settings")
    wanted = {"package", "file", "sha256"}
    if not isinstance(told, dict) or not {"package", "file"} <= set(told) <= wanted:
        raise ValidationError(_("import-gguf needs package and file, and may be told sha256."))
    if not str(told["package"]).isidentifier() or Path(told["file"]).name != told["file"]:
        raise ValidationError(_("package and file must be plain names without folders."))


def import_command(job: Job, run_folder: Path) -> list[str]:
    """`trainer import-gguf` of the file inside the installed package, which is found but never imported."""
    told = job.spec["settings"]
    found = importlib.util.find_spec(told["package"])
    if found is None or found.origin is None:
        raise FileNotFoundError(
            _("The package %(name)s is not installed: install requirements-data.lock.")
            % {"name": told["package"]}
        )
    checked = ["--sha256", told["sha256"]] if told.get("sha256") else []
    file = Path(found.origin).parent / told["file"]
    return trainer_argv("import-gguf", str(file), *checked, "--out", str(run_folder / "out"))
