"""`evaluator agreement`: how far annotators agree on rankings, and how good each annotator's are."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluator.affected_runs import AffectedRun, affected_runs
from evaluator.agreement_figures import agreement_figures
from evaluator.errors import BadInput
from evaluator.json_lines import kind_of
from evaluator.progress import Progress
from evaluator.rankings import Ranking, read_rankings
from evaluator.report_files import Items, Metric, Report, Verdict, data_file, environment
from evaluator.specs import AgreementSpec
from evaluator.statistics import agreement as statistics
from evaluator.statistics.annotators import AnnotatorQuality, annotator_quality
from evaluator.statistics.chance_corrected import RatingLabel, rating_alpha
from evaluator.statistics.intervals import Interval
from evaluator.statistics.ranking_labels import RankingLabel, first_and_repeated
from evaluator.statistics.reliability import AnnotatorReliability, reliabilities
from evaluator.statistics.resampling import Sampling
from evaluator.statistics.speed import word_count
from evaluator.without_annotator import agreement_without, rating_metrics, ratings_without

VARIANT = "aligned-items: each annotator's first label of an item, pairs of responses that both know"
REVERSED, NOT_ABOVE_CHANCE = "upside-down", "not-above-chance"
FLAGGED = "flagged"
MOST_LEFT_OUT = 30


def agreement(spec: AgreementSpec, progress: Progress) -> Report:
    """The report of `spec.rankings`: figures of all, of each kind, each rating and each annotator (`group`).

    Samples are the items that two annotators labelled, with their own agreement. Refuses a file without a ranking,
    gold of one item twice, and one item whose lines name different prompts.
    """
    started = time.monotonic()
    rankings = read_rankings(spec.rankings)
    gold = _gold(spec.gold) if spec.gold is not None else []
    labels = [ranking_label(ranking) for ranking in rankings]
    _refuse_unlike_items(rankings, labels)
    sampling = Sampling(seed=spec.seed, resamples=spec.resamples)
    metrics = [*_of_groups(labels, sampling), *_of_ratings(rankings, labels, sampling)]
    progress.step(1, 3)
    quality = annotator_quality(labels, gold=gold, sampling=sampling)
    progress.step(2, 3)
    reliable = reliabilities(labels)
    progress.step(3, 3)
    by_name = {one.annotator: one for one in reliable.annotators}
    for one in quality:
        metrics += _of_annotator(one, by_name[one.annotator], with_gold=spec.gold is not None)
    dropped = _dropped(spec, rankings, labels, sampling)
    metrics += dropped.metrics
    verdicts = [verdict for one in quality for verdict in _verdicts(one, by_name[one.annotator])]
    samples = _samples(labels)
    items = len({label.item for label in labels})
    return Report(
        suite="agreement",
        variant=VARIANT,
        subject=str(spec.rankings),
        seed=spec.seed,
        metrics=metrics,
        items=Items(items, len(samples), 0, items - len(samples)),
        verdicts=[*verdicts, *dropped.verdicts],
        data=[data_file(path) for path in (spec.rankings, spec.gold) if path is not None],
        spec=spec.record(),
        samples=samples,
        extra={
            "annotators": len(quality),
            "labels": len(labels),
            "repeats": sum(one.repeats for one in quality),
        },
        environment=environment(started),
        figures=agreement_figures(metrics),
    )


@dataclass(frozen=True)
class _Dropped:
    metrics: list[Metric]
    verdicts: list[Verdict]


def _dropped(
    spec: AgreementSpec, rankings: Sequence[Ranking], labels: Sequence[RankingLabel], sampling: Sampling
) -> _Dropped:
    """What changes without each annotator (agreement alone, in short), and without those of `spec.drop` (all of it)."""
    names = sorted({label.annotator for label in labels})
    for name in spec.drop:
        if name not in names:
            raise BadInput(
                f"--drop {name}: found no ranking by this annotator, wanted one of {', '.join(names)}"
            )
    others = [name for name in names if name not in spec.drop] if len(names) <= MOST_LEFT_OUT else []
    metrics = agreement_without(labels, others, Sampling(resamples=0, fewest=sampling.fewest))
    metrics += agreement_without(labels, spec.drop, sampling)
    verdicts = []
    for name in spec.drop:
        metrics += rating_metrics(ratings_without(rankings, name), name)
        verdicts += [_affected(one, name) for one in affected_runs(spec.runs, name)]
    return _Dropped(metrics, verdicts)


def _affected(run: AffectedRun, annotator: str) -> Verdict:
    group = f"annotator={annotator}"
    extra = {"run": str(run.folder), "verb": run.verb, "lines": run.lines, "command": run.command}
    if run.lines is None and not run.through:
        reason = f"{run.folder}: the labels it names are not here, so nothing can be told"
        return Verdict("training", "not-known", reason, group, extra)
    by = (
        f"through {', '.join(map(str, run.through))}"
        if not run.lines
        else f"{run.lines} of its lines are theirs"
    )
    return Verdict("training", "affected", f"{run.folder}: {by}; again: {run.command}", group, extra)


def ranking_label(ranking: Ranking) -> RankingLabel:
    """The ranking as statistics see it, with the order shown, the time, and lengths in words, as far as told."""
    line = ranking.line
    texts = {str(one["id"]): str(one["text"]) for one in _objects(line["responses"])}
    shown = line.get("shown_order", [])
    seconds = line.get("seconds")
    return RankingLabel(
        item=ranking.item_key,
        annotator=ranking.annotator,
        responses=ranking.responses,
        tiers=tuple(ranking.tier_of.get(response) for response in ranking.responses),
        id=ranking.id,
        prompt=ranking.prompt_key,
        kind=str(line["kind"]),
        shown=tuple(str(one) for one in shown) if isinstance(shown, list) else (),
        words=tuple(word_count(texts[response]) for response in ranking.responses),
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
    )


def _gold(path: Path) -> list[RankingLabel]:
    found: dict[str, RankingLabel] = {}
    for ranking in read_rankings(path):
        label = ranking_label(ranking)
        if label.item in found:
            raise BadInput(
                f"{ranking.where}: item: found gold of {kind_of(label.item)} again, wanted one an item"
            )
        found[label.item] = label
    return list(found.values())


def _refuse_unlike_items(rankings: Sequence[Ranking], labels: Sequence[RankingLabel]) -> None:
    first: dict[str, tuple[Ranking, str | None]] = {}
    for ranking, label in zip(rankings, labels, strict=True):
        earlier, prompt = first.setdefault(label.item, (ranking, label.prompt))
        if prompt != label.prompt:
            found = f"found {kind_of(label.item)} with another prompt than at {earlier.where}"
            raise BadInput(f"{ranking.where}: item: {found}, wanted one prompt an item")


def _of_groups(labels: Sequence[RankingLabel], sampling: Sampling) -> list[Metric]:
    metrics = _agreement_metrics(labels, None, sampling)
    for kind in sorted({label.kind for label in labels}):
        metrics += _agreement_metrics([one for one in labels if one.kind == kind], f"kind={kind}", sampling)
    return metrics


def _agreement_metrics(labels: Sequence[RankingLabel], group: str | None, sampling: Sampling) -> list[Metric]:
    found = statistics.agreement(labels, sampling)
    figures = {
        "pairwise_agreement": found.pairwise,
        "strict_pair_agreement": found.strict,
        "kendall_tau_b": found.tau_b,
        "kendall_w": found.concordance,
        "krippendorff_alpha": found.alpha,
        "fleiss_kappa": found.kappa,
    }
    return [_metric(name, figure, group, "higher") for name, figure in figures.items()]


def _of_ratings(
    rankings: Sequence[Ranking], labels: Sequence[RankingLabel], sampling: Sampling
) -> list[Metric]:
    """Ordinal alpha of each rating name, one metric a name."""
    by_name: dict[str, list[RatingLabel]] = {}
    for ranking, label in zip(rankings, labels, strict=True):
        ratings = ranking.line.get("ratings", {})
        for response, given in ratings.items() if isinstance(ratings, dict) else ():
            for name, value in given.items():
                rating = RatingLabel(label.item, response, label.annotator, float(value), label.prompt)
                by_name.setdefault(name, []).append(rating)
    return [
        _metric(
            "krippendorff_alpha", rating_alpha(by_name[name], sampling=sampling), f"rating={name}", "higher"
        )
        for name in sorted(by_name)
    ]


def _of_annotator(one: AnnotatorQuality, reliable: AnnotatorReliability, *, with_gold: bool) -> list[Metric]:
    figures = {
        "agreement_with_others": (one.agreement, "higher"),
        "strict_agreement_with_others": (one.strict, "higher"),
        "kendall_tau_b": (one.tau_b, "higher"),
        "self_consistency": (one.consistency, "higher"),
        "reliability": (reliable.reliability, "higher"),
        "accuracy": (reliable.accuracy, "higher"),
        "position_slope": (one.position_slope, "neither"),
        "first_shown_wins": (one.first_wins, "neither"),
        "length_preference": (one.length_preference, "neither"),
        "too_fast": (one.speed.too_fast, "lower"),
        "median_seconds": (_median(one), "neither"),
    }
    if with_gold:
        figures["gold_agreement"] = (one.gold, "higher")
    group = f"annotator={one.annotator}"
    chance = {"chance": one.first_wins_by_chance}
    return [
        _metric(name, figure, group, better, extra=chance if name == "first_shown_wins" else {})
        for name, (figure, better) in figures.items()
    ]


def _median(one: AnnotatorQuality) -> Interval:
    seconds = one.speed.median_seconds
    reason = "no label has a time" if seconds is None else None
    return Interval(seconds, None, None, one.labels + one.repeats, "median", reason)


def _metric(
    name: str,
    figure: Interval,
    group: str | None,
    better: str,
    *,
    extra: dict[str, float | None] | None = None,
) -> Metric:
    method = figure.method if figure.low is not None else None
    bounds = (figure.value, figure.low, figure.high, figure.n)
    return Metric(name, *bounds, group, figure.reason, method, better, extra or {})


def _verdicts(one: AnnotatorQuality, reliable: AnnotatorReliability) -> Iterable[Verdict]:
    group = f"annotator={one.annotator}"
    position = one.position
    if position.flagged:
        more = {"items": position.looks, "hits": position.hits, "expected": position.expected}
        yield Verdict("position_bias", FLAGGED, position.reason, group, {**more, "p_value": position.p_value})
    if one.speed.flagged:
        share, low = one.speed.too_fast.value, one.speed.too_fast.low
        reason = f"{share:.0%} of the labels took less than 0.15 s per word of the shortest response"
        yield Verdict("speed", FLAGGED, f"{reason} (at least {low:.0%} with 95 % confidence)", group)
    figure = reliable.reliability
    if figure.low is None or figure.high is None or figure.low > 0:
        return
    if figure.high < 0:
        reason = f"reliability {figure.value:.2f} with all of its interval below 0: orders as if upside down"
        yield Verdict("reliability", REVERSED, reason, group)
    else:
        reason = (
            f"reliability {figure.value:.2f} with 0 in its interval: what a coin would give is not excluded"
        )
        yield Verdict("reliability", NOT_ABOVE_CHANCE, reason, group)


def _samples(labels: Sequence[RankingLabel]) -> list[dict[str, object]]:
    """One line for each item that two annotators labelled, by item."""
    first, _ = first_and_repeated(labels)
    of_item: dict[str, list[RankingLabel]] = {}
    for label in first:
        of_item.setdefault(label.item, []).append(label)
    found = {one.item: one for one in statistics.item_agreement(first) if one.labels > 1}
    return [_sample(found[item], of_item[item]) for item in sorted(found)]


def _sample(found: statistics.ItemAgreement, labels: Sequence[RankingLabel]) -> dict[str, object]:
    figures = {
        "pairwise_agreement": found.pairwise,
        "strict_pair_agreement": found.strict,
        "kendall_tau_b": found.tau_b,
        "kendall_w": found.concordance,
    }
    return {
        "id": found.item,
        "slices": {"kind": labels[0].kind},
        "scores": {name: value for name, value in figures.items() if value is not None},
        "prompt_id": labels[0].prompt,
        "labels": [{"id": one.id, "annotator": one.annotator, "tiers": _tiers(one)} for one in labels],
    }


def _tiers(label: RankingLabel) -> list[list[str]]:
    tiers: dict[int, list[str]] = {}
    for response, tier in zip(label.responses, label.tiers, strict=True):
        if tier is not None:
            tiers.setdefault(tier, []).append(response)
    return [sorted(tiers[number]) for number in sorted(tiers)]


def _objects(value: object) -> list[dict[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
