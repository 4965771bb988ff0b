"""`evaluator compare`: a candidate against a baseline on the same items, one family of paired tests, plain verdicts.

For each metric, over all items and over each slice: the mean difference candidate - baseline with its paired
bootstrap interval, and a two-sided paired test (exact McNemar for 0/1 scores, a permutation test else). Holm's
correction runs over the whole family (suites × metrics × groups), so that the chance of any false alarm in a report
stays at the level. A metric for which neither direction is better is shown and not tested.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluator.matching import Matched, Pairing, match_reports
from evaluator.report_files import Items, Metric, Report, Verdict, environment
from evaluator.specs import CompareSpec
from evaluator.statistics.correction import benjamini_hochberg, holm
from evaluator.statistics.intervals import Interval, bootstrap_mean, generator, wilson
from evaluator.statistics.paired import mcnemar_exact, permutation_test
from evaluator.statistics.power import smallest_difference

REGRESSION, IMPROVEMENT = "regression", "improvement"
NO_CHANGE, NOT_ENOUGH = "no-change-confirmed", "not-enough-data"
WORST_ITEMS = 20


@dataclass(frozen=True)
class Effect:
    """One metric in one group: both means, their difference with interval, and the test of no difference at all.

    `worse` counts items on which the candidate did worse, `gained` those on which it did better.
    """

    pairing: Pairing
    baseline: float
    candidate: float
    difference: Interval
    lost: int
    gained: int
    p_value: float | None
    test: str | None
    smallest: float | None


def compare(spec: CompareSpec) -> Report:
    """The regression report; its `verdict` is `regression` when one is confirmed (the command then exits with 3).

    Refuses reports that share no suite, variant and data, and metrics that no pair of reports has.
    """
    started = time.monotonic()
    matched = match_reports(spec.baseline, spec.candidate, spec.metrics)
    effects = [_effect(pairing, spec) for pairing in matched.pairings]
    tested = [effect for effect in effects if effect.p_value is not None]
    p_values = [effect.p_value for effect in tested if effect.p_value is not None]
    adjusted = dict(
        zip(map(id, tested), zip(holm(p_values), benjamini_hochberg(p_values), strict=True), strict=True)
    )
    judged = [(effect, *adjusted[id(effect)]) for effect in tested]
    verdicts = [_verdict(effect, by_holm, spec) for effect, by_holm, _ in judged]
    corrected = {id(effect): (by_holm, by_bh) for effect, by_holm, by_bh in judged}
    return Report(
        suite="comparison",
        variant="paired difference, candidate minus baseline; McNemar or permutation tests; Holm over the family",
        subject=str(spec.candidate),
        seed=spec.seed,
        metrics=[_metric(effect, corrected.get(id(effect))) for effect in effects],
        items=Items(matched.asked, len(matched.items), 0, matched.asked - len(matched.items)),
        verdicts=verdicts,
        data=matched.data,
        spec=spec.record(),
        samples=_samples(matched),
        extra=_extra(verdicts, matched, spec, family=len(tested)),
        environment=environment(started),
    )


def overall_verdict(verdicts: Sequence[Verdict]) -> str:
    """One word for the whole report: a confirmed regression outweighs all, then improvement, then certainty of none."""
    found = {verdict.verdict for verdict in verdicts}
    if REGRESSION in found:
        return REGRESSION
    if IMPROVEMENT in found:
        return IMPROVEMENT
    return NO_CHANGE if found == {NO_CHANGE} else NOT_ENOUGH


def _effect(pairing: Pairing, spec: CompareSpec) -> Effect:
    differences = [c - b for b, c in zip(pairing.baseline, pairing.candidate, strict=True)]
    weights = pairing.weights
    mass = sum(weights)
    names = (pairing.suite, pairing.metric, pairing.group or "")
    interval = bootstrap_mean(
        differences, rng=generator(spec.seed, "difference", *names), weights=weights, resamples=spec.resamples
    )
    sign = -1 if pairing.better == "lower" else 1
    p_value, test = (None, None) if pairing.better == "neither" else _test(pairing, differences, spec, names)
    return Effect(
        pairing,
        baseline=sum(w * b for w, b in zip(weights, pairing.baseline, strict=True)) / mass,
        candidate=sum(w * c for w, c in zip(weights, pairing.candidate, strict=True)) / mass,
        difference=_widened_when_nothing_changed(interval, pairing),
        lost=sum(sign * difference < 0 for difference in differences),
        gained=sum(sign * difference > 0 for difference in differences),
        p_value=p_value,
        test=test,
        smallest=smallest_difference(differences, weights, level=spec.level),
    )


def _test(
    pairing: Pairing, differences: Sequence[float], spec: CompareSpec, names: tuple[str, ...]
) -> tuple[float, str]:
    if pairing.is_binary:
        fell, rose = (sum(difference == sign for difference in differences) for sign in (-1, 1))
        return mcnemar_exact(fell, rose), "mcnemar-exact"
    weighted = [w * d for w, d in zip(pairing.weights, differences, strict=True)]
    rng = generator(spec.seed, "permutation", *names)
    result = permutation_test(weighted, rng=rng, permutations=spec.permutations)
    return result.p_value, result.test


def _widened_when_nothing_changed(interval: Interval, pairing: Pairing) -> Interval:
    """Where all differences are equal a bootstrap sees no spread: bound the share of items that might still differ.

    Wilson's upper bound of 0 changed items out of n, times the range of the scores, both ways.
    """
    differences = {c - b for b, c in zip(pairing.baseline, pairing.candidate, strict=True)}
    if len(differences) > 1 or interval.value is None:
        return interval
    scores = [*pairing.baseline, *pairing.candidate]
    bound = wilson(0, interval.n)[1] * max(1.0, max(scores) - min(scores))
    value = interval.value
    return Interval(value, value - bound, value + bound, interval.n, "wilson bound on unseen changes")


def _verdict(effect: Effect, adjusted: float, spec: CompareSpec) -> Verdict:
    gap = effect.difference
    value = gap.value or 0.0
    better = value < 0 if effect.pairing.better == "lower" else value > 0
    change = f"{effect.baseline:.4g} → {effect.candidate:.4g}"
    if adjusted <= spec.level and value != 0:
        word = IMPROVEMENT if better else REGRESSION
        reason = f"{change} on {gap.n} items, {effect.test}, p = {adjusted:.3g} after Holm"
    elif gap.low is not None and gap.high is not None and -spec.margin <= gap.low <= gap.high <= spec.margin:
        word = NO_CHANGE
        reason = f"{change}: the 95 % interval [{gap.low:.4g}, {gap.high:.4g}] lies within ±{spec.margin:g}"
    else:
        word = NOT_ENOUGH
        found = "unknown" if effect.smallest is None else f"{effect.smallest:.3g}"
        reason = f"{change}, p = {adjusted:.3g} after Holm; smallest change {gap.n} items could show: {found}"
    figures = {**_identity(effect.pairing), "p_adjusted": adjusted}
    return Verdict(effect.pairing.metric, word, reason, effect.pairing.group, figures)


def _identity(pairing: Pairing) -> dict[str, object]:
    return {"suite": pairing.suite, "suite_variant": pairing.variant}


def _metric(effect: Effect, corrected: tuple[float, float] | None) -> Metric:
    gap, pairing = effect.difference, effect.pairing
    tested = {} if corrected is None else {"p_holm": corrected[0], "p_benjamini_hochberg": corrected[1]}
    figures = {
        "baseline": effect.baseline,
        "candidate": effect.candidate,
        "lost": effect.lost,
        "gained": effect.gained,
        "test": effect.test,
        "p_value": effect.p_value,
        **tested,
        "smallest_difference": effect.smallest,
    }
    bounds = (gap.value, gap.low, gap.high, gap.n, pairing.group)
    extra = {**_identity(pairing), **figures}
    return Metric(pairing.metric, *bounds, gap.reason, gap.method, pairing.better, extra)


def _samples(matched: Matched) -> list[dict[str, object]]:
    """One line an item: its scores are differences candidate - baseline, both sides are shown beside."""
    return [
        {
            "id": item.id if matched.suites == 1 else f"{item.suite}/{item.id}",
            "slices": item.slices,
            "scores": item.differences,
            "suite": item.suite,
            "baseline": item.baseline,
            "candidate": item.candidate,
        }
        for item in matched.items
    ]


def _extra(
    verdicts: Sequence[Verdict], matched: Matched, spec: CompareSpec, *, family: int
) -> Mapping[str, object]:
    return {
        "verdict": overall_verdict(verdicts),
        "baseline": str(spec.baseline),
        "level": spec.level,
        "margin": spec.margin,
        "tests_in_family": family,
        "worst_items": matched.worst(WORST_ITEMS),
        "unmatched_reports": matched.unmatched_reports,
        "unmatched_items": matched.unmatched_items,
    }
