"""The verbs that run programs: their flags, each with its sentence."""

import argparse
from collections.abc import Callable
from pathlib import Path

from evaluator.errors import BadInput

CODE_VERBS = ("pass-at-k", "judge-one", "score-code", "sandbox-check")
AddVerb = Callable[[str, str], argparse.ArgumentParser]
SECONDS_HELP = "seconds one sample may compute or sleep (default 3); waiting for a busy machine is free"


def numbers(text: str) -> tuple[int, ...]:
    """The whole numbers of a list with commas. Refuses (BadInput) anything else."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise BadInput(f"--k: found {text!r}, wanted numbers with commas, as 1,10,100") from None


def shares(text: str) -> tuple[float, ...]:
    """The numbers of a list with commas. Refuses (BadInput) anything else."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise BadInput(f"--temperatures: found {text!r}, wanted numbers with commas, as 0.2,0.8") from None


def add_run_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of `run` that the samples of code-generation read."""
    add = parser.add_argument
    k = "code-generation samples: numbers of samples, as 1,10,100 (default 1); --samples says how many are drawn"
    add("--k", type=numbers, default=(1,), help=k)
    warm = "code-generation samples: temperatures to draw at, as 0.2,0.8 (default 0.8, or --temperature)"
    add("--temperatures", type=shares, default=(), help=warm)
    add(
        "--stop",
        action="append",
        default=[],
        help="code-generation samples: text that ends a sample (may be given again; \\n is a new line)",
    )


def sampling_fields(options: argparse.Namespace) -> dict[str, object]:
    """Fields of RunSpec from those flags."""
    return {"k": options.k, "temperatures": options.temperatures, "stops": stops_of(options)}


def stops_of(options: argparse.Namespace) -> tuple[str, ...]:
    """The stops as they are looked for."""
    return tuple(stop.replace("\\n", "\n") for stop in options.stop)


def add_code_verbs(verb: AddVerb, shared: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add pass-at-k, judge-one, score-code and sandbox-check."""
    parser = verb("pass-at-k", "run samples of problems in the sandbox and estimate pass@k")
    add = parser.add_argument
    formats = "problems (.jsonl or .jsonl.gz): HumanEval's, MBPP's, EvalPlus's, or whole programs with cases"
    add("--problems", type=Path, required=True, help=formats)
    lines = (
        "samples: task_id and completion (goes after the prompt), solution (whole) or response (free text)"
    )
    add("--samples", type=Path, required=True, help=lines)
    add("--k", type=numbers, default=(1,), help="numbers of samples, as 1,10,100 (default 1)")
    add("--seconds", type=float, default=3.0, help=SECONDS_HELP)
    add(
        "--workers",
        type=int,
        default=None,
        help="samples run at one time (default: one a processor); changes no figure",
    )
    add(
        "--stop",
        action="append",
        default=[],
        help="text that ends a completion (may be given again; \\n is a new line)",
    )
    add("--resume", action="store_true", help="go on in --out from the samples that a killed run has judged")
    shared(parser)
    parser = verb(
        "judge-one", "run one submission in the sandbox; the last line of standard output is the verdict"
    )
    parser.add_argument("--problem", type=Path, required=True, help="one problem, .json")
    parser.add_argument("--submission", type=Path, required=True, help="the whole program, .py")
    parser.add_argument("--seconds", type=float, default=3.0, help=SECONDS_HELP)
    parser = verb(
        "score-code",
        "score responses that are programs: response lines in, {id, score} lines out, kept warm (for `trainer ppo`)",
    )
    what = "problems by task_id; a response line names its problem under task_id, prompt_id, item or id"
    parser.add_argument("--problems", type=Path, required=True, help=what)
    parser.add_argument("--seconds", type=float, default=3.0, help=SECONDS_HELP)
    verb("sandbox-check", "say which isolation this host can have; exit code 2 when it has none")
