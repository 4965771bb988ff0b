"""`emergence` on the command line: its flags, and what it does with them. The flags import nothing heavy."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaluator.report_files import Report


def add_emergence(parser: argparse.ArgumentParser) -> None:
    """Flags of `emergence` that other verbs do not share."""
    add = parser.add_argument
    lines = (
        "CSV with a header: task, metric, family, model, scale, value; where known also n, chance, kind (sharp or "
        "smooth), direction (higher or lower), low, high"
    )
    add("points", type=Path, nargs="?", metavar="POINTS.csv", help=lines)
    runs = "report folders (or folders of them): their metrics are points too, at the scale of their subject"
    add("--reports", type=Path, nargs="+", default=[], metavar="FOLDER", help=runs)
    table = (
        "CSV of subject, scale and, where wanted, family, for --reports; without it the subject's run folder or "
        "weights tell"
    )
    add("--scales", type=Path, metavar="SCALES.csv", help=table)
    named = (
        "what the scale is: parameters, tokens, flops or steps, or the name of a column of POINTS.csv (default: the "
        "column scale, in parameters)"
    )
    add("--scale", metavar="NAME", help=named)
    add(
        "--level",
        type=float,
        default=0.05,
        help="chance of any false trend in the whole report (default 0.05)",
    )
    dealt = "how often scales are dealt again (default 10000)"
    add("--permutations", type=int, default=10_000, help=dealt)


def run_emergence(options: argparse.Namespace) -> "Report":
    """The report of all curves; one line on each on standard output."""
    from evaluator.emergence import emergence
    from evaluator.progress import Progress
    from evaluator.report_files import report_folder
    from evaluator.specs import EmergenceSpec

    spec = EmergenceSpec(
        points=options.points,
        out=options.out,
        reports=tuple(options.reports),
        scales=options.scales,
        scale=options.scale,
        level=options.level,
        permutations=options.permutations,
        resamples=options.resamples,
        seed=options.seed,
    )
    with report_folder(spec.out), Progress(spec.out, options.progress) as progress:
        report = emergence(spec, progress)
    for verdict in report.verdicts:
        print(f"{verdict.group}: {verdict.verdict}")
    return report
