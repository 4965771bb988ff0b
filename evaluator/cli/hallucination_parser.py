"""Flags of the verbs about support by a text and about metrics against people. Imports nothing heavy."""

import argparse
from pathlib import Path

DETECTOR = "folder that `train-detector` wrote (default: the detector that ships)"
PROGRESS = "on standard error: a bar on a terminal, JSON lines, or nothing"


def add_detect(parser: argparse.ArgumentParser) -> None:
    """Flags of `detect`."""
    add = parser.add_argument
    lines = '{"id","context","response"} a line'
    add("pairs", type=Path, metavar="CONTEXT_RESPONSE.jsonl", help=lines)
    out = 'file of {"id","support","sentences":[{"text","support"}…]} lines; support runs from 0 (invented) to 1'
    add("--out", type=Path, required=True, help=out)
    add("--detector", type=Path, help=DETECTOR)
    add("--seed", type=int, default=0, help="taken as by every verb; nothing here is random")
    add("--progress", choices=("auto", "json", "none"), default="auto", help=PROGRESS)


def add_train_detector(parser: argparse.ArgumentParser) -> None:
    """Flags of `train-detector` that other verbs do not share."""
    lines = (
        'span lines of people, or label lines {"id","context","response","support"} with a support of 0 (invented) … 1 '
        'and an optional "set" that names the source'
    )
    parser.add_argument("labels", type=Path, metavar="SPANS.jsonl|LABELS.jsonl", help=lines)
    encoder = "folder of the sentence encoder (default: the MiniLM that is installed)"
    parser.add_argument("--encoder", type=Path, help=encoder)


def add_score_support(parser: argparse.ArgumentParser) -> None:
    """Flags of `score-support`."""
    parser.add_argument("--detector", type=Path, help=DETECTOR)
    empty = "score of a response that cannot be measured: no context, nothing said (default 0)"
    parser.add_argument("--not-measured", type=float, default=0.0, help=empty)


def add_correlate(parser: argparse.ArgumentParser) -> None:
    """Flags of `correlate` that other verbs do not share."""
    lines = '{"item","system","human":x,"metrics":{name: x}} a line; a metric may be absent or null'
    parser.add_argument("scores", type=Path, metavar="SCORES.jsonl", help=lines)


def add_run(parser: argparse.ArgumentParser) -> None:
    """Flags of `run` that the hallucination suites read."""
    add = parser.add_argument
    scorer = "what scores support: a detector's folder (default: the one that ships) or an NLI model's"
    add("--scorer", type=Path, help=scorer)
    add(
        "--labels",
        type=Path,
        help="span lines of people about the same responses: adds how well support tells them",
    )
    corpus = 'text to look facts up in: {"id","text"} a line, "title" where there is one'
    add("--corpus", type=Path, help=corpus)
    sampled = "further responses of a model folder to each question, for self-consistency (default 5)"
    add("--samples", type=int, default=5, help=sampled)
