"""Suite reward-agreement: does a reward model order responses as people did?

The subject is a file of ranking lines with `"scores": {response id: number}` (`heldout_scores.jsonl` of a reward
model's run folder). Each pair that a ranking decides counts 1 when the better response scores higher, 0.5 when
both score the same, 0 else (Ouyang et al. 2022 report this share). Tied pairs say nothing. Intervals resample rankings.
"""

import time
from pathlib import Path

from evaluator.errors import BadInput
from evaluator.json_lines import kind_of, sha256_of_lines
from evaluator.progress import Progress
from evaluator.rankings import Ranking, read_rankings
from evaluator.report_files import Metric, Report
from evaluator.specs import RunSpec
from evaluator.statistics.intervals import bootstrap_mean, generator
from evaluator.suites.samples import Sample, metrics_of, report_of, slices_of

NAME = "reward-agreement"
VARIANTS = ("pairwise",)
DIRECTIONS = {"pair_accuracy": "higher"}


def run(spec: RunSpec, progress: Progress) -> Report:
    """The report of one file of scored rankings (the first `limit` of them). Refuses a response without a score."""
    started = time.monotonic()
    path = Path(spec.subject)
    rankings = read_rankings(path)[: spec.limit]
    scored = [(ranking, scores_of(ranking)) for ranking in rankings]
    samples = sorted((_sample(ranking, scores) for ranking, scores in scored), key=lambda sample: sample.id)
    progress.step(len(samples), len(samples))
    metrics = metrics_of(samples, DIRECTIONS, seed=spec.seed, resamples=spec.resamples)
    lines = [{key: ranking.line[key] for key in ranking.line if key != "scores"} for ranking in rankings]
    return report_of(
        spec,
        NAME,
        spec.variant or VARIANTS[0],
        samples,
        metrics=[*metrics, *_score_by_flag(scored, spec)],
        # The items are the rankings: two reward models scored on the same ones have the same data.
        data={"path": spec.subject, "sha256": sha256_of_lines(lines), "of": "rankings without scores"},
        extra={"pairs": int(sum(sample.weight for sample in samples if sample.scores))},
        started=started,
    )


def scores_of(ranking: Ranking) -> dict[str, float]:
    """The score of each response. Refuses a missing one and what is not a number."""
    scores = ranking.line.get("scores")
    if not isinstance(scores, dict):
        raise BadInput(
            f"{ranking.where}: scores: found {kind_of(scores)}, wanted a number for each response id"
        )
    for response in ranking.responses:
        score = scores.get(response)
        if isinstance(score, bool) or not isinstance(score, int | float):
            raise BadInput(f"{ranking.where}: scores: {response}: found {kind_of(score)}, wanted a number")
    return {response: float(scores[response]) for response in ranking.responses}


def pair_accuracy(ranking: Ranking, scores: dict[str, float]) -> float | None:
    """Share of decided pairs that the scores order alike, equal scores 0.5; None when all responses tie."""
    pairs = ranking.pairs()
    if not pairs:
        return None
    return sum(0.5 + 0.5 * _sign(scores[better] - scores[worse]) for better, worse in pairs) / len(pairs)


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def _sample(ranking: Ranking, scores: dict[str, float]) -> Sample:
    accuracy, pairs = pair_accuracy(ranking, scores), len(ranking.pairs())
    slices = slices_of(ranking.line, ranking.where)
    # Rankings of one prompt are no independent news of a reward model: a comparison draws them together.
    shown = {"annotator": ranking.annotator, "prompt_id": ranking.prompt_key, "pairs": pairs}
    shown["response_scores"] = scores
    if accuracy is None:
        return Sample(ranking.id, slices, {}, {**shown, "not_measured": "all responses tie"})
    return Sample(ranking.id, slices, {"pair_accuracy": accuracy}, shown, weight=float(pairs))


def _score_by_flag(scored: list[tuple[Ranking, dict[str, float]]], spec: RunSpec) -> list[Metric]:
    """Mean score of the responses with each flag, clustered by ranking."""
    by_flag: dict[str, list[tuple[str, float]]] = {}
    for ranking, scores in sorted(scored, key=lambda entry: entry[0].id):
        for response in ranking.responses:
            for flag in ranking.flags.get(response, []):
                by_flag.setdefault(flag, []).append((ranking.id, scores[response]))
    metrics = []
    for flag, entries in sorted(by_flag.items()):
        rng = generator(spec.seed, "score", flag)
        interval = bootstrap_mean(
            [score for _, score in entries],
            rng=rng,
            clusters=[ranking for ranking, _ in entries],
            resamples=spec.resamples,
        )
        bounds = (interval.value, interval.low, interval.high, interval.n)
        metrics.append(Metric("score", *bounds, f"flag={flag}", interval.reason, interval.method, "neither"))
    return metrics
