"""What other reports say of the policies on a leaderboard: reward-model score, hallucination, honesty, pass@k, cost."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from evaluator.errors import BadInput
from evaluator.report_files import Metric, Report, read_report

NOT_BESIDE = frozenset({"leaderboard", "agreement", "comparison", "choose-next", "emergence"})


def beside(folders: Sequence[Path], policies: Iterable[str]) -> tuple[list[Metric], list[str]]:
    """The metrics over all items of each policy's reports, and warnings of reports that name no policy here.

    A metric's name is suite/metric, its group the policy; value, interval and n are the report's own. A folder of
    report folders stands for all of them. A report belongs to the policy that its `policy` or its subject names, whole
    or by the last part of its path. Refuses a folder without a report.
    """
    known = set(policies)
    metrics: list[Metric] = []
    warnings = []
    for folder in [one for given in folders for one in _report_folders(given)]:
        report = read_report(folder, samples=False)
        if report.suite in NOT_BESIDE:
            continue
        policy = policy_of(report, known)
        if policy is None:
            warnings.append(f"report {folder}: its subject {report.subject} is no policy of this leaderboard")
            continue
        metrics += [
            _beside(metric, report, policy, folder) for metric in report.metrics if metric.group is None
        ]
    return metrics, warnings


def policy_of(report: Report, known: set[str]) -> str | None:
    """The policy a report is about; None where it names none of the known ones."""
    path = PurePath(report.subject)
    candidates = (str(report.extra.get("policy", "")), report.subject, path.name, path.stem, path.parent.name)
    return next((name for name in candidates if name in known), None)


def _report_folders(folder: Path) -> list[Path]:
    if (folder / "report.json").is_file():
        return [folder]
    found = sorted(one.parent for one in folder.glob("*/report.json"))
    if not found:
        raise BadInput(
            f"--reports {folder}: found no report.json in it or in its folders, wanted report folders"
        )
    return found


def _beside(metric: Metric, report: Report, policy: str, folder: Path) -> Metric:
    told = {"suite": report.suite, "suite_variant": report.variant, "report": str(folder)}
    return replace(metric, name=f"{report.suite}/{metric.name}", group=policy, extra={**metric.extra, **told})
