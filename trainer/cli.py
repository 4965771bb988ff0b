"""The command line: one table of verbs, flags made from the specs, errors of one line.

A verb's module is imported when the verb runs, so that `--help` and refusals do not wait for torch.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import NoReturn, cast

from safetensors import SafetensorError

from trainer import json_lines, specs
from trainer.disk_space import is_disk_full
from trainer.ending import heeding_sigterm
from trainer.errors import ENDED, FAILED, FINISHED, REFUSED, AskedToEnd, BadInput, TrainingStopped
from trainer.estimate.specs import EstimateSpec
from trainer.progress import ProgressMode
from trainer.self_improvement.specs import SelfImproveSpec
from trainer.spec_fields import REQUIRED, FieldOfSpec, Spec

PROGRESS_MODES = ("auto", "bar", "json", "none")
EXIT_CODES = (
    "Exit codes: 0 done; 1 failed (what was found is told in one line); 2 refused: the input must be mended, and "
    "nothing was written."
)
OF_TRAINING = (
    " A loss that is not finite is refused (2) before the first step, when it is the input's fault; later the run "
    "stops (1) and leaves its batch in --out. SIGTERM lets the step in hand finish and writes a checkpoint, whatever "
    "--checkpoint-every says: exit code 143; the same command with --resume goes on, bit for bit. A second SIGTERM "
    "ends at once."
)


@dataclass(frozen=True)
class Verb:
    """What a verb is told, and the module whose `run(spec, mode)` does it."""

    spec: type[Spec]
    module: str


VERBS = {
    verb.spec.verb: verb
    for verb in (
        Verb(specs.PretrainSpec, "trainer.pretraining.train"),
        Verb(specs.SftSpec, "trainer.sft"),
        Verb(specs.RewardModelSpec, "trainer.reward_model.train"),
        Verb(specs.PpoSpec, "trainer.ppo.train"),
        Verb(specs.SampleSpec, "trainer.sampling"),
        Verb(specs.BestOfNSpec, "trainer.best_of_n"),
        Verb(specs.ScoreSpec, "trainer.scoring"),
        Verb(specs.ImportGgufSpec, "trainer.gguf_import"),
        Verb(EstimateSpec, "trainer.estimate.verb"),
        Verb(SelfImproveSpec, "trainer.self_improvement.verb"),
    )
}


class _Parser(argparse.ArgumentParser):
    """argparse prints usage and error on several lines; a refusal of ours is one."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{self.prog}: {message} (--help tells all flags)")


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command `words` (default: the process's own) and returns its exit code.

    0 done, 1 failed, 2 refused: the input must be mended, 143 asked to end by SIGTERM and ready to go on. What is
    not done is told in one line on stderr.
    """
    # Nothing is ever fetched: a model that is not on this disk is an error at once, not a wait for a network.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        told = parser().parse_args(words)
        verb = VERBS[told.verb]
        spec = spec_of(verb, vars(told))
        run_verb(verb, spec, cast(ProgressMode, told.progress))
    except BadInput as error:
        print(error, file=sys.stderr)
        return REFUSED
    except TrainingStopped as error:
        print(error, file=sys.stderr)
        return FAILED
    except AskedToEnd as error:
        print(error, file=sys.stderr)
        return ENDED
    except (OSError, SafetensorError) as error:
        if not is_disk_full(error):
            raise
        print("found the disk full: free some space, then go on with --resume", file=sys.stderr)
        return FAILED
    return FINISHED


def run_verb(verb: Verb, spec: Spec, mode: ProgressMode) -> None:
    """Imports the verb's module and runs it. A model folder that does not load is bad input."""
    module = import_module(verb.module)
    if verb.spec is EstimateSpec:
        # Its answer must not wait for torch, which the module of model folders imports.
        module.run(spec, mode)
        return
    folders = import_module("trainer.language_models.folders")
    try:
        with heeding_sigterm() if issubclass(verb.spec, specs.TrainingSpec) else nullcontext():
            module.run(spec, mode)
    except folders.ModelFolderError as error:
        raise BadInput(str(error)) from error


def parser() -> argparse.ArgumentParser:
    """The parser of all verbs; flags that were not given are not in its namespace."""
    top = _Parser(
        prog="python -m trainer",
        description="Train language models with human feedback.",
        epilog=EXIT_CODES + OF_TRAINING,
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)
    for name, verb in VERBS.items():
        about = " ".join((verb.spec.__doc__ or "").split())
        codes = EXIT_CODES + (OF_TRAINING if issubclass(verb.spec, specs.TrainingSpec) else "")
        one = verbs.add_parser(
            name, help=about, description=about, epilog=codes, argument_default=argparse.SUPPRESS
        )
        one.add_argument(
            "--spec", metavar="FILE.json", help="read the spec from this file; flags given beside it win"
        )
        one.add_argument(
            "--progress", choices=PROGRESS_MODES, default="auto", help="how progress is shown (auto)"
        )
        for entry in verb.spec.fields():
            _add(one, entry)
    return top


def spec_of(verb: Verb, told: dict[str, object]) -> Spec:
    """The checked spec of parsed flags, over those of --spec FILE.json where given.
    Refuses what the spec refuses.
    """
    flags = {
        entry.name: told[entry.name] for entry in verb.spec.fields() if told.get(entry.name) not in (None, [])
    }
    path = told.get("spec")
    if path is None:
        return verb.spec.from_json(flags, f"python -m trainer {verb.spec.verb}")
    return verb.spec.from_json({**json_lines.read_json(str(path)), **flags}, str(path))


def _add(one: argparse.ArgumentParser, entry: FieldOfSpec) -> None:
    known = entry.flag
    about = known.help.replace("%", "%%")
    metavar = known.metavar or (None if known.choices else {int: "N", float: "X"}.get(entry.type, "NAME"))
    if known.positional:
        # Absent is allowed here, since --spec may name it; the spec itself refuses a missing one.
        one.add_argument(
            entry.name, nargs="*" if entry.many else "?", metavar=metavar, help=about, default=None
        )
        return
    name = f"--{entry.name.replace('_', '-')}"
    if entry.default is not REQUIRED and entry.default not in (None, (), False):
        about += f" (default {entry.default})"
    if entry.type is bool:
        one.add_argument(name, action=argparse.BooleanOptionalAction, help=about, default=argparse.SUPPRESS)
    elif entry.many:
        one.add_argument(name, nargs="+", type=entry.type, metavar=metavar, help=about)
    else:
        one.add_argument(name, type=entry.type, metavar=metavar, choices=known.choices, help=about)
