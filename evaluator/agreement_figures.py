"""The figures of an agreement report: all, annotators side by side, and what changes when one of them is left out."""

from collections.abc import Sequence

from evaluator.figures import Cell, Figure, Reference, Table, Whisker, Whiskers
from evaluator.report_files import Metric

AGREEMENT_NAMES = (
    "pairwise_agreement",
    "strict_pair_agreement",
    "kendall_tau_b",
    "kendall_w",
    "krippendorff_alpha",
    "fleiss_kappa",
)
OF_ANNOTATORS = {
    "agreement_with_others": (
        "Agreement with others",
        "Share of response pairs of which another said the same.",
    ),
    "accuracy": (
        "Accuracy",
        "Chance of telling the better of two responses, by the reliability model; half is a coin.",
    ),
    "self_consistency": (
        "Self-consistency",
        "Share of response pairs judged the same when they were shown again.",
    ),
    "gold_agreement": (
        "Agreement with gold",
        "Share of the pairs that gold orders which the annotator orders the same.",
    ),
}
COIN = (Reference(0.5, "coin"),)


def agreement_figures(metrics: Sequence[Metric]) -> list[Figure]:
    """Agreement of all labels, each annotator's figures, and agreement and reliability without each annotator."""
    every = [one for one in metrics if one.group is None and one.name in AGREEMENT_NAMES]
    told = "How far annotators agree on the same items; 1 is always. By chance, W of m annotators is 1/m."
    found = [_figure("agreement", "Agreement", told, every, by_name=True)]
    for name, (title, what) in OF_ANNOTATORS.items():
        own = [one for one in metrics if one.name == name and (one.group or "").startswith("annotator=")]
        if own:
            marks = COIN if name == "accuracy" else ()
            found.append(_figure(name.replace("_", "-"), title, what, own, by_name=False, marks=marks))
    dropped = [one for one in metrics if one.name == "krippendorff_alpha_without"]
    if dropped:
        whole = next((one.value for one in every if one.name == "krippendorff_alpha"), None)
        line = () if whole is None else (Reference(whole, "all annotators"),)
        why = "Krippendorff's alpha of the rankings without each annotator: better right of the line."
        found.append(
            _figure(
                "without-each", "What changes without an annotator", why, dropped, by_name=False, marks=line
            )
        )
    return found


def _figure(
    name: str,
    title: str,
    told: str,
    metrics: Sequence[Metric],
    *,
    by_name: bool,
    marks: tuple[Reference, ...] = (),
) -> Figure:
    cells: tuple[tuple[Cell, ...], ...] = tuple(
        (_label(one, by_name), one.value, one.low, one.high, one.n, one.reason) for one in metrics
    )
    table = Table(("figure" if by_name else "annotator", "value", "low", "high", "n", "reason"), cells)
    rows = tuple(
        Whisker(_label(one, by_name), one.value, one.low, one.high)
        for one in metrics
        if one.value is not None
    )
    if not rows:
        reasons = sorted({one.reason for one in metrics if one.reason})
        return Figure(
            name,
            title,
            told,
            table,
            missing="; ".join(reasons) or "not enough data: nothing was labelled twice",
        )
    return Figure(name, title, told, table, Whiskers(rows, title, marks))


def _label(one: Metric, by_name: bool) -> str:
    return one.name.replace("_", " ") if by_name else (one.group or "").removeprefix("annotator=")
