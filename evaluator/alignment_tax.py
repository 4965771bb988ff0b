"""What alignment cost elsewhere: the effects on standard suites, apart from those that the training aimed at.

InstructGPT (Ouyang et al. 2022, section 4.2) calls the loss on public benchmarks of ability the alignment tax.
"""

from collections.abc import Sequence

from evaluator.comparison_verdicts import overall_verdict
from evaluator.report_files import Metric, Verdict

# Suites of ability, by the names under which they are known; preferences are not about them.
STANDARD_SUITES = (
    "arc code-generation drop gsm8k hellaswag humaneval in-context-learning mbpp mmlu quac race rte squad squadv2 sst "
    "sst2 wikitext winogrande wmt15-fr-en"
).split()


def standard(metrics: Sequence[Metric], named: Sequence[str]) -> list[Metric]:
    """The judged effects over all items of the standard suites: those `named`, or the known ones."""
    wanted = {name.lower() for name in named or STANDARD_SUITES}
    return [
        one
        for one in metrics
        if one.group is None and one.better != "neither" and str(one.extra.get("suite")).lower() in wanted
    ]


def alignment_tax(
    metrics: Sequence[Metric], verdicts: Sequence[Verdict], named: Sequence[str]
) -> dict[str, object]:
    """The tax on each standard suite, positive where the candidate is worse, with its interval, and one verdict.

    Without a standard suite on both sides: no effects, and the reason.
    """
    found = standard(metrics, named)
    if not found:
        return {"effects": [], "reason": missing(named)}
    places = [_place(one) for one in found]
    judged = [one for one in verdicts if one.group is None and _place(one) in places]
    return {"verdict": overall_verdict(judged), "effects": [_tax(one) for one in found]}


def missing(named: Sequence[str]) -> str:
    """Why nothing is known of the tax."""
    wanted = (
        ", ".join(named) if named else "code-generation, in-context-learning or another benchmark of ability"
    )
    return f"not enough data: no standard suite was measured on both sides, wanted {wanted}"


def _place(one: Metric | Verdict) -> tuple[object, ...]:
    return (one.extra.get("report"), one.extra.get("suite"), one.extra.get("suite_variant"), one.name)


def _tax(one: Metric) -> dict[str, object]:
    sign = 1.0 if one.better == "lower" else -1.0
    bounds = [None if bound is None else sign * bound for bound in (one.value, one.low, one.high)]
    low, high = (bounds[1], bounds[2]) if sign > 0 else (bounds[2], bounds[1])
    kept = ("suite", "suite_variant", "baseline", "candidate", "p_holm", "verdict", "no_worse")
    told = {key: one.extra.get(key) for key in kept}
    return {"name": one.name, **told, "tax": bounds[0], "low": low, "high": high, "n": one.n}
