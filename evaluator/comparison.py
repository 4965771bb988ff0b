"""`evaluator compare`: a candidate against a baseline on the same items, one family of paired tests, plain verdicts.

For each metric, over all items and over each slice: the mean difference candidate - baseline with its paired
bootstrap interval over prompts, and a two-sided paired test (exact McNemar for 0/1 scores, a permutation test else, and
wherever a prompt has several items). Holm's correction runs over the whole family (suites × metrics × groups), so that
the chance of any false alarm in a report stays at the level. Beside the difference stands what it rules out: a change,
or a loss, of more than the margin. A metric for which neither direction is better is shown and not tested.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from evaluator.alignment_tax import alignment_tax
from evaluator.comparison_figures import comparison_figures
from evaluator.comparison_verdicts import (
    IMPROVEMENT,
    NO_CHANGE,
    NOT_ENOUGH,
    REGRESSION,
    gate,
    overall_verdict,
)
from evaluator.matching import Matched, Pairing, match_reports
from evaluator.report_files import Items, Metric, Report, Verdict, environment
from evaluator.specs import CompareSpec
from evaluator.statistics.correction import benjamini_hochberg, holm
from evaluator.statistics.equivalence import Better, equivalent, no_worse
from evaluator.statistics.intervals import Interval, bootstrap_mean, generator, wilson
from evaluator.statistics.paired import mcnemar_exact, permutation_test, sums_within
from evaluator.statistics.power import smallest_difference

WORST_ITEMS = 20
NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Effect:
    """One metric in one group: both means, their difference with interval, and the test of no difference at all.

    `lost` counts items on which the candidate did worse, `gained` those on which it did better; `smallest` is the
    smallest true difference that this many items show, of one test, and of the family at its strictest.
    """

    pairing: Pairing
    baseline: float
    candidate: float
    difference: Interval
    lost: int
    gained: int
    p_value: float | None
    test: str | None
    smallest: tuple[float | None, float | None]


@dataclass(frozen=True)
class Judged:
    """An effect with its p-values after Holm and after Benjamini and Hochberg, and what is to be said of it."""

    effect: Effect
    by_holm: float
    by_benjamini_hochberg: float
    verdict: Verdict


def compare(spec: CompareSpec) -> Report:
    """The regression report; its `gate` says whether the command exits with 0 or 3.

    Refuses reports that share no suite, variant and data, and metrics that no pair of reports has.
    """
    started = time.monotonic()
    matched = match_reports(spec.baseline, spec.candidate, spec.metrics)
    family = sum(pairing.better != "neither" for pairing in matched.pairings)
    effects = [_effect(pairing, spec, family) for pairing in matched.pairings]
    several = len(matched.places) > 1
    judged = {id(one.effect): one for one in _judged(effects, spec, several=several)}
    metrics = [_metric(effect, judged.get(id(effect)), spec, several=several) for effect in effects]
    verdicts = [one.verdict for one in judged.values()]
    worst = matched.worst(WORST_ITEMS)
    return Report(
        suite="comparison",
        variant="paired difference, candidate minus baseline; McNemar or permutation tests; Holm over the family",
        subject=str(spec.candidate),
        seed=spec.seed,
        metrics=metrics,
        items=Items(matched.asked, len(matched.items), 0, matched.asked - len(matched.items)),
        verdicts=verdicts,
        data=matched.data,
        spec=spec.record(),
        samples=_samples(matched),
        extra=_extra(metrics, verdicts, matched, spec) | {"tests_in_family": family, "worst_items": worst},
        environment=environment(started),
        figures=comparison_figures(metrics, worst, spec),
    )


def _effect(pairing: Pairing, spec: CompareSpec, family: int) -> Effect:
    differences = [c - b for b, c in zip(pairing.baseline, pairing.candidate, strict=True)]
    weights = pairing.weights
    mass = sum(weights)
    names = (pairing.place, pairing.metric, pairing.group or "")
    rng = generator(spec.seed, "difference", *names)
    interval = bootstrap_mean(
        differences, rng=rng, weights=weights, clusters=pairing.prompts, resamples=spec.resamples
    )
    sign = -1 if pairing.better == "lower" else 1
    p_value, test = (None, None) if pairing.better == "neither" else _test(pairing, differences, spec, names)
    smallest = [
        smallest_difference(differences, weights, level=level, clusters=pairing.prompts)
        for level in (spec.level, spec.level / max(1, family))
    ]
    return Effect(
        pairing,
        baseline=sum(w * b for w, b in zip(weights, pairing.baseline, strict=True)) / mass,
        candidate=sum(w * c for w, c in zip(weights, pairing.candidate, strict=True)) / mass,
        difference=_widened_when_nothing_changed(interval, pairing),
        lost=sum(sign * difference < 0 for difference in differences),
        gained=sum(sign * difference > 0 for difference in differences),
        p_value=p_value,
        test=test,
        smallest=(smallest[0], smallest[1]),
    )


def _test(
    pairing: Pairing, differences: Sequence[float], spec: CompareSpec, names: tuple[str, ...]
) -> tuple[float, str]:
    if pairing.is_binary and pairing.is_one_item_a_prompt:
        fell, rose = (sum(difference == sign for difference in differences) for sign in (-1, 1))
        return mcnemar_exact(fell, rose), "mcnemar-exact"
    weighted = [w * d for w, d in zip(pairing.weights, differences, strict=True)]
    rng = generator(spec.seed, "permutation", *names)
    by_prompt = sums_within(weighted, pairing.prompts)
    result = permutation_test(by_prompt, rng=rng, permutations=spec.permutations)
    return result.p_value, result.test


def _widened_when_nothing_changed(interval: Interval, pairing: Pairing) -> Interval:
    """Where all differences are equal a bootstrap sees no spread: bound the share of prompts that might still differ.

    Wilson's upper bound of 0 changed prompts out of all, times the range of the scores, both ways.
    """
    differences = {c - b for b, c in zip(pairing.baseline, pairing.candidate, strict=True)}
    if len(differences) > 1 or interval.value is None:
        return interval
    scores = [*pairing.baseline, *pairing.candidate]
    prompts = len(set(pairing.prompts))
    bound = wilson(0, prompts)[1] * max(1.0, max(scores) - min(scores))
    value = interval.value
    return Interval(value, value - bound, value + bound, interval.n, "wilson bound on unseen changes")


def _judged(effects: Sequence[Effect], spec: CompareSpec, *, several: bool) -> list[Judged]:
    """The tested effects in their order, corrected as one family."""
    tested = [effect for effect in effects if effect.p_value is not None]
    p_values = [effect.p_value for effect in tested if effect.p_value is not None]
    corrected = zip(tested, holm(p_values), benjamini_hochberg(p_values), strict=True)
    return [
        Judged(effect, by_holm, by_bh, _verdict(effect, by_holm, spec, several=several))
        for effect, by_holm, by_bh in corrected
    ]


def _verdict(effect: Effect, adjusted: float, spec: CompareSpec, *, several: bool) -> Verdict:
    gap = effect.difference
    value = gap.value or 0.0
    better = value < 0 if effect.pairing.better == "lower" else value > 0
    change = f"{effect.baseline:.4g} → {effect.candidate:.4g} on {gap.n} items, {effect.test}"
    tested = f"{change}, p = {adjusted:.3g} after Holm"
    rules_out = _rules_out(effect, spec)
    if adjusted <= spec.level and value != 0:
        word = IMPROVEMENT if better else REGRESSION
        reason = tested
    elif rules_out["equivalent"]:
        word = NO_CHANGE
        reason = f"{change}: the 95 % interval [{gap.low:.4g}, {gap.high:.4g}] lies within ±{spec.margin:g}"
    else:
        word = NOT_ENOUGH
        reason = f"not confirmed: {tested}; {_could_have_found(effect)}"
    if word in (REGRESSION, NOT_ENOUGH) and rules_out["no_worse"]:
        reason += f"; a loss of more than {spec.margin:g} is ruled out"
    figures = {"difference": gap.value, "low": gap.low, "high": gap.high, "n": gap.n, "p_adjusted": adjusted}
    smallest = {"smallest_difference": effect.smallest[0]}
    extra = {**_identity(effect.pairing, several=several), **figures, **smallest, **rules_out}
    return Verdict(effect.pairing.metric, word, reason, effect.pairing.group, extra)


def _could_have_found(effect: Effect) -> str:
    one, among_all = effect.smallest
    n = effect.difference.n
    if one is None or among_all is None:
        return f"smallest change {n} items could show: unknown, they differ in nothing"
    beside = "" if one == among_all else f" ({among_all:.3g} at the family's strictest)"
    return f"smallest change {n} items could show: {one:.3g}{beside}"


def _rules_out(effect: Effect, spec: CompareSpec) -> dict[str, object]:
    """What the interval says beside the test: no change that matters, and no loss that matters."""
    gap = effect.difference
    better = cast("Better", effect.pairing.better)
    found = {"no_worse": no_worse(gap, spec.margin, better), "equivalent": equivalent(gap, spec.margin)}
    return {"margin": spec.margin, **found}


def _identity(pairing: Pairing, *, several: bool) -> dict[str, object]:
    place = {"report": pairing.place} if several else {}
    return {**place, "suite": pairing.suite, "suite_variant": pairing.variant}


def _metric(effect: Effect, judged: Judged | None, spec: CompareSpec, *, several: bool) -> Metric:
    gap, pairing = effect.difference, effect.pairing
    scores = (*pairing.baseline, *pairing.candidate)
    figures: dict[str, object] = {
        "baseline": effect.baseline,
        "candidate": effect.candidate,
        "lost": effect.lost,
        "gained": effect.gained,
        "prompts": len(set(pairing.prompts)),
        "unit": "share" if 0 <= min(scores) <= max(scores) <= 1 else "score",
        "test": effect.test,
        "p_value": effect.p_value,
    }
    if judged is not None:
        figures |= {"p_holm": judged.by_holm, "p_benjamini_hochberg": judged.by_benjamini_hochberg}
        figures |= {"verdict": judged.verdict.verdict, **_rules_out(effect, spec)}
    figures["smallest_difference"], figures["smallest_difference_in_family"] = effect.smallest
    bounds = (gap.value, gap.low, gap.high, gap.n, pairing.group)
    extra = {**_identity(pairing, several=several), **figures}
    return Metric(pairing.metric, *bounds, gap.reason, gap.method, pairing.better, extra)


def _samples(matched: Matched) -> list[dict[str, object]]:
    """One line an item: its scores are differences candidate - baseline, both sides are shown beside."""
    return [
        {
            "id": item.id if len(matched.places) == 1 else f"{item.place}/{item.id}",
            "slices": item.slices,
            "scores": item.differences,
            "suite": item.suite,
            "baseline": item.baseline,
            "candidate": item.candidate,
        }
        for item in matched.items
    ]


def _extra(
    metrics: Sequence[Metric], verdicts: Sequence[Verdict], matched: Matched, spec: CompareSpec
) -> dict[str, object]:
    return {
        "verdict": overall_verdict(verdicts),
        "gate": gate(verdicts, spec.gate),
        "alignment_tax": alignment_tax(metrics, verdicts, spec.standard),
        "baseline": str(spec.baseline),
        "level": spec.level,
        "margin": spec.margin,
        "warnings": list(_warnings(matched)),
        "unmatched_reports": matched.unmatched_reports,
        "unmatched_items": matched.unmatched_items,
        "unmatched_metrics": matched.unmatched_metrics,
    }


def _warnings(matched: Matched) -> list[str]:
    """What could not be compared, in words: each kind with its number and the first names."""
    kinds = {"reports": matched.unmatched_reports, "metrics": matched.unmatched_metrics}
    kinds["items"] = matched.unmatched_items
    said = {
        "baseline": "only in the baseline",
        "candidate": "only in the candidate",
        "baseline_only": "only in the baseline",
        "candidate_only": "only in the candidate",
        "not_measured": "not measured on both sides",
    }
    return [
        f"Not compared, {said[where]}: {len(names)} of the {kind} ({_first(names)})."
        for kind, sides in kinds.items()
        for where, names in sides.items()
        if names
    ]


def _first(names: Sequence[str]) -> str:
    more = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
