"""Flags of `run` about how a subject is asked, and their place in the spec. Imports nothing heavy."""

import argparse
from pathlib import Path

from evaluator.truthfulqa.prompts import PROMPTS

PROMPTINGS = ("plain", "few-shot", "chain-of-thought", "step-by-step", "self-consistency", "program")


def add_asking_flags(parser: argparse.ArgumentParser) -> None:
    """Adds them to the parser of `run`."""
    add = parser.add_argument
    add(
        "--prompting",
        choices=PROMPTINGS,
        default="plain",
        help="plain (default), few-shot, chain-of-thought, step-by-step (zero-shot), self-consistency (majority), or "
        "program (answers by a program that the sandbox runs)",
    )
    shots = (
        "examples put before each question, drawn from the data's other questions (default: the way's own)"
    )
    add("--shots", type=int, default=0, help=shots)
    add(
        "--paths",
        type=int,
        default=1,
        help="responses that self-consistency votes over (default: its own, 5)",
    )
    add("--resume", action="store_true", help="go on from what a killed run of the same command has measured")
    add("--model", help="name of the model at an endpoint")
    knowledge = "passages (.jsonl lines with text, or a text's paragraphs) of which the best are put before a question"
    add("--knowledge", type=Path, metavar="FILE", help=knowledge)
    add(
        "--training-text",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="text a model was trained on: says which items stand in it, beside the score (may be given again)",
    )
    _add_truthfulness_flags(parser)


def _add_truthfulness_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--prompt",
        choices=PROMPTS,
        default="qa",
        help="truthfulness: TruthfulQA's prompt (default qa)",
    )
    add(
        "--edition",
        choices=("2021", "2025"),
        help="truthfulness without --data: 817 (2021) or 790 questions (2025); default: the variant's own",
    )
    add(
        "--judge",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="truthfulness: a judge that `train-judge` made; may be given again for the other one",
    )


def asking_fields(options: argparse.Namespace) -> dict[str, object]:
    """Fields of RunSpec from those flags."""
    names = ("prompting", "shots", "paths", "resume", "model", "prompt", "edition", "knowledge")
    fields = {name: getattr(options, name) for name in names}
    return {**fields, "judges": tuple(options.judge), "training_text": tuple(options.training_text)}
