"""Verbs about judges: their flags, and what they do."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from evaluator.errors import BadInput

if TYPE_CHECKING:
    from evaluator.report_files import Report

ABOUTS = ("truth", "informativeness")


def add_train_judge_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of `train-judge`, without those that all verbs share."""
    add = parser.add_argument
    lines = 'lines {"question", "answer", "label": true or false}, perhaps with correct and incorrect answers'
    add("labels", type=Path, metavar="LABELS.jsonl", help=lines)
    about = "what the labels say of an answer (default: informativeness where the file's name holds info, else truth)"
    add("--about", choices=ABOUTS, help=about)
    add(
        "--form",
        choices=("with-references", "blind"),
        default="with-references",
        help="what the kept judge reads: also the question's true and false answers (default), or the answer alone",
    )
    _add_references(parser)
    add(
        "--embedder",
        type=Path,
        metavar="DIR",
        help="sentence model (default: the one that `make setup` installs)",
    )


def add_judge_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of `judge`."""
    add = parser.add_argument
    add("lines", type=Path, metavar="ANSWERS.jsonl", help='lines {"question", "answer"}')
    add("--judge", type=Path, required=True, metavar="DIR", help="a judge that `train-judge` made")
    add("--out", type=Path, required=True, help="file for the lines with probability and verdict; new")
    _add_references(parser)
    add(
        "--progress",
        choices=("auto", "json", "none"),
        default="auto",
        help="on standard error: a bar on a terminal, JSON lines, or nothing",
    )


def _add_references(parser: argparse.ArgumentParser) -> None:
    what = "TruthfulQA file with true and false answers (default: both editions that ship here)"
    parser.add_argument("--references", type=Path, metavar="FILE", help=what)


def run_train_judge(options: argparse.Namespace) -> "Report":
    """The report of `train-judge`."""
    from evaluator.judges.training import train_judge
    from evaluator.progress import Progress
    from evaluator.report_files import report_folder
    from evaluator.specs import TrainJudgeSpec

    named: Literal["truth", "informativeness"] = (
        "informativeness" if "info" in options.labels.name else "truth"
    )
    spec = TrainJudgeSpec(
        labels=options.labels,
        out=options.out,
        about=options.about or named,
        form=options.form,
        references=options.references,
        embedder=options.embedder,
        resamples=options.resamples,
        seed=options.seed,
    )
    with report_folder(spec.out) as folder, Progress(folder, options.progress) as progress:
        return train_judge(spec, progress)


def run_judge(options: argparse.Namespace) -> None:
    """Writes the file of `judge`."""
    import tempfile

    from evaluator.judges.judging import judge_lines
    from evaluator.progress import Progress

    if not options.judge.is_dir():
        raise BadInput(f"--judge {options.judge}: found no such folder, wanted one that `train-judge` wrote")
    # Its progress goes to the screen alone: beside one file of lines no folder is made.
    with tempfile.TemporaryDirectory() as scratch, Progress(Path(scratch), options.progress) as progress:
        judge_lines(options.lines, options.judge, options.out, progress, references=options.references)
