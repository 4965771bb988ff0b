"""All verbs and flags, each with its sentence. Imports nothing heavy: `--help` is answered at once."""

import argparse
from pathlib import Path
from typing import NoReturn

from evaluator.cli import hallucination_parser as hallucination
from evaluator.errors import BadInput

LATER = {
    "train-judge": "trains truth and informativeness judges from labels: issue 5 (evaluator: hallucination, honesty)",
    "score-code": "judges code responses as a reward program: issue 6 (evaluator: pass@k)",
    "pass-at-k": "estimates pass@k from samples: issue 6 (evaluator: pass@k)",
    "judge-one": "judges one submission in the sandbox: issue 6 (evaluator: pass@k)",
    "sandbox-check": "says whether this machine can isolate code: issue 6 (evaluator: pass@k)",
    "emergence": "draws metrics against model scale: issue 7 (evaluator: leaderboards, regressions, emergence)",
}


LATER_FLAGS = {
    "--prompting": "plain, few-shot, chain-of-thought, step-by-step or self-consistency",
    "--shots": "examples put before each question",
    "--paths": "samples that self-consistency votes over",
    "--resume": "go on from the items a killed run has measured",
}


class OneLineParser(argparse.ArgumentParser):
    """A parser whose complaints are one line, as all bad input is answered."""

    def error(self, message: str) -> NoReturn:
        """Raise BadInput instead of printing the whole usage."""
        raise BadInput(f"{self.prog}: {message}; see {self.prog} --help")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs that are here."""
    later = "later verbs: " + "; ".join(f"{name} {what}" for name, what in LATER.items())
    parser = OneLineParser(
        prog="python -m evaluator", description="Measure language models.", epilog=later, allow_abbrev=False
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=OneLineParser)
    _add_run(verbs)
    _add_compare(verbs)
    _add_leaderboard(verbs)
    _add_agreement(verbs)
    _add_choose_next(verbs)
    _add_hallucination(verbs)
    return parser


def _verb(verbs: "argparse._SubParsersAction[OneLineParser]", name: str, what: str) -> OneLineParser:
    return verbs.add_parser(name, help=what, description=what, allow_abbrev=False)


def _add_shared(parser: argparse.ArgumentParser, *, resamples: int) -> None:
    add = parser.add_argument
    add("--out", type=Path, required=True, help="folder for report.json and samples.jsonl; new or empty")
    add("--seed", type=int, default=0, help="seed of every random choice (default 0)")
    add("--resamples", type=int, default=resamples, help=f"bootstrap resamples (default {resamples})")
    add(
        "--progress",
        choices=("auto", "json", "none"),
        default="auto",
        help="on standard error: a bar on a terminal, JSON lines, or nothing; OUT/progress.jsonl is always written",
    )


def _add_run(verbs: "argparse._SubParsersAction[OneLineParser]") -> None:
    parser = _verb(verbs, "run", "run one suite on one subject and write its report")
    add = parser.add_argument
    add("suite", metavar="SUITE", help="name of the suite; `run --list` names them all")
    add("--list", action=_ListSuites, nargs=0, help="name all suites and their variants, and stop")
    add(
        "--subject",
        required=True,
        help="recorded response lines (.jsonl), or a model folder that answers here",
    )
    add("--data", type=Path, help="questions: prompt lines with references, optional slices and candidates")
    add("--variant", help="which form of the suite (default: its first)")
    add("--limit", type=int, help="only the first N items of the data")
    add(
        "--batch-size",
        type=int,
        default=16,
        help="responses decoded at one time (default 16); changes no figure",
    )
    add("--precision", choices=("float32", "float64", "bfloat16"), default="float32", help="of its weights")
    add("--device", default="cpu", help="where a model folder runs: cpu, cuda, cuda:1 … (default cpu)")
    add(
        "--max-new-tokens",
        type=int,
        default=32,
        help="longest response of a model folder, in tokens (default 32)",
    )
    add(
        "--temperature",
        type=float,
        default=0.0,
        help="of a model folder's sampling; 0 takes the likeliest (default)",
    )
    hallucination.add_run(parser)
    for flag, what in LATER_FLAGS.items():
        add(flag, action=_NotHereYet, nargs="?", help=f"{what}; comes with issue 5")
    _add_shared(parser, resamples=2000)


def _add_compare(verbs: "argparse._SubParsersAction[OneLineParser]") -> None:
    parser = _verb(
        verbs, "compare", "compare two reports item by item; exit code 3 when a regression is confirmed"
    )
    add = parser.add_argument
    add("baseline", type=Path, metavar="BASELINE", help="report folder, or folder of report folders")
    add("candidate", type=Path, metavar="CANDIDATE", help="the same for the candidate")
    add(
        "--metric",
        action="append",
        default=[],
        help="compare only this metric (may be given again; default: all)",
    )
    add(
        "--level",
        type=float,
        default=0.05,
        help="chance of any false alarm in the whole report (default 0.05)",
    )
    add(
        "--margin",
        type=float,
        default=0.01,
        help="largest difference that counts as no change (default 0.01)",
    )
    add(
        "--permutations",
        type=int,
        default=20_000,
        help="sampled sign flips of the permutation test (default 20000)",
    )
    _add_shared(parser, resamples=2000)


def _add_leaderboard(verbs: "argparse._SubParsersAction[OneLineParser]") -> None:
    parser = _verb(verbs, "leaderboard", "rate policies from rankings whose responses name a policy")
    add = parser.add_argument
    add("rankings", type=Path, metavar="RANKINGS.jsonl", help="ranking lines")
    ties = "tie model: davidson (ties have a parameter of their own, default), half (a tie is half a win each way)"
    add("--ties", choices=("davidson", "half"), default="davidson", help=ties)
    _add_shared(parser, resamples=200)


def _add_agreement(verbs: "argparse._SubParsersAction[OneLineParser]") -> None:
    what = "measure how far annotators agree, and how good each one's rankings are"
    parser = _verb(verbs, "agreement", what)
    add = parser.add_argument
    lines = "ranking lines, those of each annotator in order of time; lines of one item share `item`"
    add("rankings", type=Path, metavar="RANKINGS.jsonl", help=lines)
    add(
        "--gold",
        type=Path,
        help="ranking lines that are right, one an item: adds each annotator's agreement with gold",
    )
    _add_shared(parser, resamples=2000)


def _add_choose_next(verbs: "argparse._SubParsersAction[OneLineParser]") -> None:
    what = "order items by what reward models make of them, with a random control arm, for labelling next"
    parser = _verb(verbs, "choose-next", what)
    add = parser.add_argument
    lines = (
        "response lines with `score`, as `trainer score` writes them, one file for each reward model, all of the same "
        "responses; lines of one item share `item` (or the prompt's `id`)"
    )
    add("scores", type=Path, nargs="+", metavar="SCORES.jsonl", help=lines)
    add(
        "--by",
        choices=("disagreement", "margin"),
        default="disagreement",
        help="what goes first: where reward models disagree most (two or more files; default), or where the expected "
        "margin between two responses is smallest",
    )
    add(
        "--control-share",
        type=float,
        default=0.2,
        help="share of the items that is drawn at random and dealt over the whole order (default 0.2)",
    )
    _add_shared(parser, resamples=2000)


def _add_hallucination(verbs: "argparse._SubParsersAction[OneLineParser]") -> None:
    hallucination.add_detect(_verb(verbs, "detect", "score each sentence's support by a text"))
    learnt = _verb(
        verbs, "train-detector", "train a support detector from labels and measure it on other texts"
    )
    hallucination.add_train_detector(learnt)
    _add_shared(learnt, resamples=2000)
    warm = "score support as a reward program: response lines in, {id, score} lines out, until the input ends"
    hallucination.add_score_support(_verb(verbs, "score-support", warm))
    compared = _verb(verbs, "correlate", "correlate automatic metrics with human judgement")
    hallucination.add_correlate(compared)
    _add_shared(compared, resamples=2000)


class _NotHereYet(argparse.Action):
    """A flag of a later issue is refused by name, not taken for a typing error."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> NoReturn:
        raise BadInput(f"{self.option_strings[0]}: not here yet; {self.help}")


class _ListSuites(argparse.Action):
    """`run --list` works without a suite or a subject, as --help does."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> NoReturn:
        from evaluator.cli.verbs import print_suites

        print_suites()
        parser.exit(0)
