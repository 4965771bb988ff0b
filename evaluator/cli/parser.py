"""All verbs and flags, each with its sentence. Imports nothing heavy: `--help` is answered at once."""

import argparse
from functools import partial
from pathlib import Path
from typing import NoReturn

from evaluator.cli import hallucination_parser as hallucination
from evaluator.cli.asking import add_asking_flags
from evaluator.cli.code_parser import add_code_verbs
from evaluator.cli.emergence_verb import add_emergence
from evaluator.cli.judge_verbs import add_judge_flags, add_train_judge_flags
from evaluator.errors import BadInput


class OneLineParser(argparse.ArgumentParser):
    """A parser whose complaints are one line, as all bad input is answered."""

    def error(self, message: str) -> NoReturn:
        """Raise BadInput instead of printing the whole usage."""
        raise BadInput(f"{self.prog}: {message}; see {self.prog} --help")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs that are here."""
    parser = OneLineParser(
        prog="python -m evaluator", description="Measure language models.", allow_abbrev=False
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=OneLineParser)
    _add_run(verbs)
    _add_compare(verbs)
    _add_leaderboard(verbs)
    _add_agreement(verbs)
    _add_choose_next(verbs)
    over_scale = _verb(verbs, "emergence", "tell whether metrics break or grow gradually with model scale")
    add_emergence(over_scale)
    _add_shared(over_scale, resamples=2000)
    add_code_verbs(partial(_verb, verbs), partial(_add_shared, resamples=2000))
    what = "train a judge of truth or informativeness from labels, with a table of what was tried"
    train_judge = _verb(verbs, "train-judge", what)
    add_train_judge_flags(train_judge)
    _add_shared(train_judge, resamples=1000)
    add_judge_flags(_verb(verbs, "judge", "give each answer of a file a judge's probability"))
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
        help="recorded response lines (.jsonl), a model folder that answers here, or the URL of an OpenAI-compatible "
        "endpoint as far as /v1 (its key in OPENAI_API_KEY)",
    )
    data = "questions: prompt lines with references, slices and candidates; truthfulness: TruthfulQA's files"
    add("--data", type=Path, help=data)
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
    longest = "longest response of a model, in tokens (default: the suite's own; mostly 32, with reasons 256)"
    add("--max-new-tokens", type=int, help=longest)
    add(
        "--temperature",
        type=float,
        default=0.0,
        help="of a model folder's sampling; 0 takes the likeliest (default)",
    )
    add_asking_flags(parser)
    hallucination.add_run(parser)
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
    ties = (
        "tie model: davidson (Davidson of comparisons, Davidson-Luce of rankings: exact, default), efron "
        "(Plackett-Luce, ties by Efron's approximation: fast), half (pairs, a tie is half a win each way)"
    )
    add("--ties", choices=("davidson", "efron", "half"), default="davidson", help=ties)
    drawn = "what is drawn again for intervals (default auto: annotators where there are 20 or more, else rankings)"
    add("--resample", choices=("auto", "rankings", "annotators"), default="auto", help=drawn)
    sliced = "also rate within each value of this key of the lines (may be given again)"
    add("--by", action="append", choices=("domain", "language", "mode"), default=[], help=sliced)
    add("--since", help="only rankings from this time on (ISO 8601; the key `at` of the lines)")
    add("--until", help="only rankings before this time")
    grown = "also rate what was known at the end of each period, from the key `at` of the lines"
    add("--history", choices=("day", "week", "month"), help=grown)
    weighed = "weigh annotators by how reliable their rankings of shared items are (default: all the same)"
    add("--reliability-weights", action="store_true", help=weighed)
    held = "also rate with length, headers, lists and bold of the responses held equal, and show their coefficients"
    add("--style-control", action="store_true", help=held)
    beside = "report folders (or folders of them) whose metrics stand beside the ratings, matched by subject"
    add("--reports", type=Path, nargs="+", default=[], metavar="FOLDER", help=beside)
    few = "policies in fewer rankings are marked provisional (default 30)"
    add("--provisional-below", type=int, default=30, metavar="N", help=few)
    add("--workers", type=int, default=1, help="threads for resamples (default 1); changes no figure")
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
    without = "also tell what changes without this annotator: agreement, ratings, training runs (may be given again)"
    add("--drop", action="append", default=[], metavar="ANNOTATOR", help=without)
    runs = "run folders of the trainer; those trained on labels of a dropped annotator are named, with their command"
    add("--runs", type=Path, nargs="+", default=[], metavar="FOLDER", help=runs)
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


class _ListSuites(argparse.Action):
    """`run --list` works without a suite or a subject, as --help does."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> NoReturn:
        from evaluator.cli.verbs import print_suites

        print_suites()
        parser.exit(0)
