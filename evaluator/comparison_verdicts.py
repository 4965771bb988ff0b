"""From the verdicts of single effects to one word for a report, and to the gate that a pipeline stands before."""

from collections.abc import Sequence

from evaluator.report_files import Verdict
from evaluator.specs import GateRule

REGRESSION, IMPROVEMENT = "regression", "improvement"
NO_CHANGE, NOT_ENOUGH = "no-change-confirmed", "not-enough-data"
REGRESSION_EXIT_CODE = 3


def overall_verdict(verdicts: Sequence[Verdict]) -> str:
    """One word for the whole report: a confirmed regression outweighs all, then improvement, then certainty of none."""
    found = {verdict.verdict for verdict in verdicts}
    if REGRESSION in found:
        return REGRESSION
    if IMPROVEMENT in found:
        return IMPROVEMENT
    return NO_CHANGE if found == {NO_CHANGE} else NOT_ENOUGH


def gate(verdicts: Sequence[Verdict], rule: GateRule) -> dict[str, object]:
    """Whether the candidate may pass, the exit code that says so, and which effects stand in its way.

    `regression`: stopped by a confirmed regression of anything that was tested. `no-worse`: also by each metric over
    all items that is not shown to be no worse by more than the margin; nothing judged is nothing shown.
    """
    stopped = [one for one in verdicts if one.verdict == REGRESSION]
    if rule == "no-worse":
        unshown = [one for one in verdicts if one.group is None and one.extra.get("no_worse") is not True]
        stopped += [one for one in unshown if one not in stopped]
    passed = not stopped and (rule == "regression" or bool(verdicts))
    by = [
        {
            "suite": one.extra.get("suite"),
            "suite_variant": one.extra.get("suite_variant"),
            "name": one.name,
            **({} if one.group is None else {"group": one.group}),
            "verdict": one.verdict,
            "reason": one.reason,
        }
        for one in stopped
    ]
    return {
        "rule": rule,
        "passed": passed,
        "exit_code": 0 if passed else REGRESSION_EXIT_CODE,
        "stopped_by": by,
    }
