"""What each verb does: spec from flags, folder, report, one line of summary on standard output."""

import argparse
from collections.abc import Callable
from pathlib import Path

from evaluator.agreement import agreement
from evaluator.choosing import choose_next
from evaluator.cli.asking import asking_fields
from evaluator.cli.emergence_verb import run_emergence
from evaluator.cli.hallucination_verbs import FILE_VERBS, REPORT_VERBS
from evaluator.cli.judge_verbs import run_judge, run_train_judge
from evaluator.comparison import REGRESSION, compare
from evaluator.errors import BadInput
from evaluator.leaderboard import leaderboard
from evaluator.progress import Progress
from evaluator.report_files import Metric, Report, report_folder, write_report
from evaluator.resuming import keep_spec
from evaluator.specs import AgreementSpec, ChooseNextSpec, CompareSpec, LeaderboardSpec, RunSpec
from evaluator.suites.catalogue import HERE, Suite

REGRESSION_EXIT_CODE = 3


def perform(options: argparse.Namespace) -> int:
    """Run the chosen verb and return its exit code: 0, or 3 when a regression is confirmed."""
    if options.verb == "judge":
        run_judge(options)
        return 0
    if options.verb in FILE_VERBS:
        return FILE_VERBS[options.verb](options)
    verbs: dict[str, Callable[[argparse.Namespace], Report]] = {
        "run": _run,
        "compare": _compare,
        "leaderboard": _leaderboard,
        "agreement": _agreement,
        "choose-next": _choose_next,
        "emergence": run_emergence,
        "train-judge": run_train_judge,
        **REPORT_VERBS,
    }
    report = verbs[options.verb](options)
    write_report(options.out, report)
    _draw(options.out)
    for metric in report.metrics:
        if metric.group is None or metric.name == "rating" or options.verb == "train-judge":
            print(
                _summary(_named(metric, options.verb), metric.value, metric.low, metric.high, metric.reason)
            )
    verdict = report.extra.get("verdict")
    if verdict is not None:
        print(f"verdict: {verdict}")
    return REGRESSION_EXIT_CODE if verdict == REGRESSION else 0


def _draw(folder: Path) -> None:
    # Here, not above: matplotlib takes a second to load, and bad input is answered without it.
    from evaluator.plots.folder import draw_report

    draw_report(folder)


def print_suites() -> None:
    """Print every suite: its variants and what it measures, or what brings it."""
    for name, suite in HERE.items():
        print(f"{name}  ({', '.join(suite.variants)})  {suite.measures}")


def _named(metric: Metric, verb: str) -> str:
    if metric.group is None or verb == "leaderboard":
        return metric.group or metric.name
    return f"{metric.group} {metric.name}"


def _summary(
    name: str, value: float | None, low: float | None, high: float | None, reason: str | None
) -> str:
    if value is None:
        return f"{name}: not defined: {reason}"
    bounds = f" [{low:.4g}, {high:.4g}]" if low is not None and high is not None else ""
    return f"{name}: {value:.4g}{bounds}"


def _run(options: argparse.Namespace) -> Report:
    suite = _suite(options.suite, options.variant)
    spec = RunSpec(
        suite=options.suite,
        subject=options.subject,
        out=options.out,
        variant=options.variant or suite.variants[0],
        data=options.data,
        limit=options.limit,
        batch_size=options.batch_size,
        precision=options.precision,
        device=options.device,
        max_new_tokens=options.max_new_tokens,
        temperature=options.temperature,
        scorer=options.scorer,
        labels=options.labels,
        corpus=options.corpus,
        samples=options.samples,
        seed=options.seed,
        resamples=options.resamples,
        **asking_fields(options),  # type: ignore[arg-type]
    )
    with report_folder(spec.out, resume=spec.resume), Progress(spec.out, options.progress) as progress:
        keep_spec(spec)
        return suite.run(spec, progress)


def _suite(name: str, variant: str | None) -> Suite:
    if name not in HERE:
        raise BadInput(f"suite {name!r}: found no such suite, wanted one of {', '.join(HERE)}")
    suite = HERE[name]
    if variant is not None and variant not in suite.variants:
        raise BadInput(
            f"--variant {variant}: found no such variant of {name}, wanted one of {', '.join(suite.variants)}"
        )
    return suite


def _compare(options: argparse.Namespace) -> Report:
    spec = CompareSpec(
        baseline=options.baseline,
        candidate=options.candidate,
        out=options.out,
        metrics=tuple(options.metric),
        level=options.level,
        margin=options.margin,
        seed=options.seed,
        resamples=options.resamples,
        permutations=options.permutations,
    )
    with report_folder(spec.out), Progress(spec.out, options.progress) as progress:
        report = compare(spec)
        progress.step(1, 1)
    return report


def _leaderboard(options: argparse.Namespace) -> Report:
    spec = LeaderboardSpec(
        rankings=options.rankings,
        out=options.out,
        ties=options.ties,
        unit=options.resample,
        by=tuple(options.by),
        since=options.since,
        until=options.until,
        history=options.history,
        reliability_weights=options.reliability_weights,
        style_control=options.style_control,
        reports=tuple(options.reports),
        provisional_below=options.provisional_below,
        workers=options.workers,
        resamples=options.resamples,
        seed=options.seed,
    )
    with report_folder(spec.out), Progress(spec.out, options.progress) as progress:
        return leaderboard(spec, progress)


def _agreement(options: argparse.Namespace) -> Report:
    spec = AgreementSpec(
        rankings=options.rankings,
        out=options.out,
        gold=options.gold,
        drop=tuple(options.drop),
        runs=tuple(options.runs),
        resamples=options.resamples,
        seed=options.seed,
    )
    with report_folder(spec.out), Progress(spec.out, options.progress) as progress:
        return agreement(spec, progress)


def _choose_next(options: argparse.Namespace) -> Report:
    spec = ChooseNextSpec(
        scores=tuple(options.scores),
        out=options.out,
        by=options.by,
        control_share=options.control_share,
        resamples=options.resamples,
        seed=options.seed,
    )
    with report_folder(spec.out), Progress(spec.out, options.progress) as progress:
        return choose_next(spec, progress)
