"""The figures of a regression report: effects with intervals, the alignment tax, each metric by slice, items lost."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evaluator import alignment_tax
from evaluator.comparison_verdicts import IMPROVEMENT, NO_CHANGE, REGRESSION
from evaluator.figures import Cell, Figure, Reference, Table, Whisker, Whiskers, file_name
from evaluator.report_files import Metric
from evaluator.specs import CompareSpec

MOST_ROWS, LONGEST_TEXT = 60, 600
AXIS = "Candidate less baseline"
COLOURS = {NO_CHANGE: 0, REGRESSION: 1, IMPROVEMENT: 2}
FIRST = ("report", "metric", "group")
FIGURES = "baseline candidate lost gained prompts test p_value p_holm p_benjamini_hochberg".split()
SHOWN = "smallest_difference smallest_difference_in_family no_worse equivalent verdict".split()
HOW = (
    "Filled points are confirmed after Holm's correction over all tests (orange worse, green better) or shown to be no "
    "change (blue); hollow ones are neither. 95 % intervals."
)


def comparison_figures(
    metrics: Sequence[Metric], worst: Sequence[Mapping[str, Any]], spec: CompareSpec
) -> list[Figure]:
    """Effects over all items, those on standard suites apart, each metric by slice, and the items lost most."""
    whole = [one for one in metrics if one.group is None]
    shares = [one for one in whole if one.extra["unit"] == "share"]
    told = (
        f"Candidate less baseline over all items, for every share. Lines: no change, ±{spec.margin:g}. {HOW}"
    )
    found = [_effects("effects", "Effects", told, shares, spec), _tax(metrics, spec)]
    for at, (place, inside) in enumerate(_by_metric(metrics).items(), 1):
        if len(inside) > 1 or inside[0].extra["unit"] != "share":
            name = file_name(f"slices-{at}-{'-'.join(place)}")
            title = f"{place[-1]} by slice" if len(inside) > 1 else place[-1]
            where = f" of {place[0]}" if place[0] else ""
            about = f"The change of {place[-1]}{where} over all items and in each slice. {HOW}"
            found.append(_effects(name, title, about, inside, spec, by_group=True))
    return [*found, _worst(worst)]


def _by_metric(metrics: Iterable[Metric]) -> dict[tuple[str, str], list[Metric]]:
    """Effects by report (empty where there is one) and metric, in their order."""
    found: dict[tuple[str, str], list[Metric]] = {}
    for one in metrics:
        found.setdefault((str(one.extra.get("report", "")), one.name), []).append(one)
    return found


def _effects(
    name: str, title: str, told: str, metrics: Sequence[Metric], spec: CompareSpec, *, by_group: bool = False
) -> Figure:
    rows = tuple(_whisker(one, by_group=by_group) for one in metrics if one.value is not None)[:MOST_ROWS]
    table = _table(metrics)
    if not rows:
        return Figure(
            name, title, told, table, missing="not enough data: no share was measured on both sides"
        )
    axis = (
        AXIS
        if len(metrics) <= MOST_ROWS
        else f"{AXIS} (first {MOST_ROWS} of {len(metrics)}; all are in the table)"
    )
    return Figure(name, title, told, table, Whiskers(rows, axis, _lines(metrics, spec)))


def _lines(metrics: Sequence[Metric], spec: CompareSpec) -> tuple[Reference, ...]:
    """No change; where all are shares also the margin, which is in their unit."""
    zero = Reference(0.0, "no change")
    if spec.margin == 0 or any(one.extra["unit"] != "share" for one in metrics):
        return (zero,)
    return (Reference(-spec.margin), zero, Reference(spec.margin))


def _whisker(one: Metric, *, by_group: bool) -> Whisker:
    assert one.value is not None
    report = one.extra.get("report")
    named = f"{report}: {one.name}" if report else one.name
    label = (one.group or "all items") if by_group else named
    word = str(one.extra.get("verdict", ""))
    return Whisker(label, one.value, one.low, one.high, COLOURS.get(word, 0), hollow=word not in COLOURS)


def _table(metrics: Sequence[Metric]) -> Table:
    columns = (*FIRST, "difference", "low", "high", "n", *FIGURES, *SHOWN)
    return Table(columns, tuple(_row(one) for one in metrics))


def _row(one: Metric) -> tuple[Cell, ...]:
    place = (str(one.extra.get("report", one.extra["suite"])), one.name, one.group or "all items")
    more = tuple(_cell(one.extra.get(name)) for name in (*FIGURES, *SHOWN))
    return (*place, one.value, one.low, one.high, one.n, *more)


def _cell(value: object) -> Cell:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str | int | float) else None


def _tax(metrics: Sequence[Metric], spec: CompareSpec) -> Figure:
    """The effects on standard suites alone, as they stand: left is worse where higher is better."""
    found = alignment_tax.standard(metrics, spec.standard)
    shares = [one for one in found if one.extra["unit"] == "share"]
    told = f"What the candidate lost or gained on standard suites, which its training did not aim at. {HOW}"
    if not shares:
        none = alignment_tax.missing(spec.standard)
        reason = "no metric of a standard suite is a share: each has a figure of its own" if found else none
        return Figure("alignment-tax", "Alignment tax", told, _table(found), missing=reason)
    return _effects("alignment-tax", "Alignment tax", told, shares, spec)


def _worst(worst: Sequence[Mapping[str, Any]]) -> Figure:
    title = "Items lost most"
    told = "The items on which the candidate lost most, summed over metrics; the table shows both sides."
    cells = tuple(
        (
            item["id"],
            item["suite"],
            item["loss"],
            _asked(item["baseline"]),
            _said(item["baseline"]),
            _said(item["candidate"]),
        )
        for item in worst
    )
    table = Table(("item", "suite", "loss", "asked", "baseline", "candidate"), cells)
    if not worst:
        return Figure("worst-items", title, told, table, missing="nothing was lost: no item scores worse")
    rows = tuple(Whisker(str(item["id"]), float(item["loss"]), colour=1) for item in worst)
    return Figure(
        "worst-items", title, told, table, Whiskers(rows, "Loss, summed over metrics", (Reference(0.0),))
    )


def _asked(side: Mapping[str, Any]) -> str:
    asked = side.get("question", side.get("prompt", ""))
    if isinstance(asked, list):
        asked = "\n".join(str(one.get("content", "")) for one in asked if isinstance(one, dict))
    return _short(str(asked))


def _said(side: Mapping[str, Any]) -> str:
    """What was answered, else the scores alone."""
    if "response" in side:
        return _short(str(side["response"]))
    return ", ".join(f"{name} {value:g}" for name, value in side["scores"].items())


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
