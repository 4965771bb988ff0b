"""`evaluator train-judge`: a judge from labels, with the table of what was tried on questions it has not seen."""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evaluator.judges.approaches import JUDGE, LENGTH, OVERLAP, blind, probabilities
from evaluator.judges.embeddings import Embedder
from evaluator.judges.features import Embeds, Form, features_of
from evaluator.judges.fitting import Examples, fit_parts, split_questions
from evaluator.judges.judge import Judge, save_judge
from evaluator.judges.labels import Labels, known_references, read_labels
from evaluator.progress import Progress
from evaluator.report_files import Items, Metric, Report, data_file, environment
from evaluator.specs import TrainJudgeSpec
from evaluator.statistics.calibration import (
    auroc,
    brier_score,
    expected_calibration_error,
    resampled_interval,
    resampled_rows,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Said = Mapping[tuple[Form, str], Floats]
TEST_PARTS = 3  # one third of the questions is the test
STEPS = 4
FIGURES: Mapping[str, Callable[[Floats, Floats], float]] = {
    "accuracy": lambda sure, true: float(((sure >= 0.5) == (true > 0.5)).mean()),
    "ece": expected_calibration_error,
    "brier": brier_score,
}
BASELINES: tuple[tuple[Form, str], ...] = (("blind", LENGTH), ("with-references", OVERLAP))


def train_judge(spec: TrainJudgeSpec, progress: Progress, embedder: Embeds | None = None) -> Report:
    """Writes a judge of `spec.about` in `spec.form` into `spec.out`, and gives the report of what was tried.

    Every figure is of rows whose questions were in no training (one third, by the seed), less rows that are reference
    answers themselves; intervals resample questions. The judge that is kept is then fitted on all questions.
    """
    started = time.monotonic()
    labels = read_labels(spec.labels, known_references(spec.references))
    embedder = embedder or Embedder(spec.embedder)
    progress.step(0, STEPS)
    examples = _examples(labels, embedder)
    progress.step(1, STEPS)
    tested = split_questions(labels.questions, TEST_PARTS, seed=spec.seed, name="test questions") == 0
    train, judged = ~tested, tested & ~labels.is_reference
    fresh = ~labels.is_reference
    said = probabilities(examples.part(train), fresh[train], examples.part(judged), seed=spec.seed)
    progress.step(2, STEPS)
    rows = labels.part(judged)
    metrics = _table(said, rows, spec)
    progress.step(3, STEPS)
    chosen = blind(examples) if spec.form == "blind" else examples
    parts = fit_parts(chosen, seed=spec.seed, calibrate_on=fresh)
    about = _what_was_used(spec, labels, tested, judged)
    own = [metric.record() for metric in metrics if metric.group == f"{spec.form}/{JUDGE}"]
    told = {"trained_on": about, "figures_on_unseen_questions": own, "seed": spec.seed}
    save_judge(spec.out, Judge(spec.about, spec.form, parts, embedder, told))
    progress.step(STEPS, STEPS)
    return Report(
        suite="train-judge",
        variant=f"{spec.about}/{spec.form}",
        subject=str(spec.labels),
        seed=spec.seed,
        metrics=metrics,
        items=Items(len(labels.rows), len(rows.rows), 0, len(labels.rows) - len(rows.rows)),
        data=[data_file(spec.labels)],
        spec=spec.record(),
        samples=_samples(rows, said),
        extra={"rows": about},
        environment=environment(started),
    )


def _examples(labels: Labels, embedder: Embeds) -> Examples:
    features = features_of(labels.rows, "with-references", embedder)
    texts = tuple(row.answer for row in labels.rows)
    return Examples(features, texts, labels.labels, np.sqrt(labels.counts), tuple(labels.questions))


def _what_was_used(spec: TrainJudgeSpec, labels: Labels, tested: Bools, judged: Bools) -> dict[str, object]:
    asked = np.array(labels.questions)
    return {
        "labels": str(spec.labels),
        "lines": labels.lines,
        "rows_after_merging_repeats": len(labels.rows) + labels.undecided,
        "rows_left_out_as_undecided": labels.undecided,
        "share_labelled_true": float(labels.labels.mean()),
        "questions": len(set(labels.questions)),
        "split": f"by question, seed {spec.seed}: one third is the test",
        "test_questions": len(set(asked[tested])),
        "test_rows": int(judged.sum()),
        "test_rows_left_out_as_reference_answers": int((tested & labels.is_reference).sum()),
        "test_rows_that_are_the_stock_refusal": int((judged & labels.is_stock).sum()),
        "training_rows_of_the_figures": int((~tested).sum()),
        "training_rows_of_the_judge": len(labels.rows),
    }


def _table(said: Said, rows: Labels, spec: TrainJudgeSpec) -> list[Metric]:
    """auroc, accuracy, ece, brier of each approach, and its AUROC less each baseline's on the same resamples."""
    drawn = resampled_rows(rows.questions, seed=spec.seed, name="questions", resamples=spec.resamples)
    own_words = ~rows.is_stock
    areas = {key: [auroc(one[own], rows.labels[own]) for own in drawn] for key, one in said.items()}
    points = {key: auroc(one, rows.labels) for key, one in said.items()}
    metrics = []
    for key, one in said.items():
        metrics.append(_metric("auroc", points[key], areas[key], key, len(one)))
        strict = _without_stock(one, rows, drawn, own_words)
        metrics.append(_metric("auroc_without_stock_refusals", *strict, key, int(own_words.sum())))
        for name, figure in FIGURES.items():
            resampled = [figure(one[own], rows.labels[own]) for own in drawn]
            metrics.append(_metric(name, figure(one, rows.labels), resampled, key, len(one)))
        for baseline in BASELINES:
            if key == baseline:
                continue
            name = f"auroc_over_{baseline[1].replace(' ', '_')}"
            apart = [_less(ours, base) for ours, base in zip(areas[key], areas[baseline], strict=True)]
            metrics.append(_metric(name, _less(points[key], points[baseline]), apart, key, len(one)))
    return metrics


def _without_stock(
    one: Floats, rows: Labels, drawn: list[NDArray[np.int64]], own_words: Bools
) -> tuple[float | None, list[float | None]]:
    point = auroc(one[own_words], rows.labels[own_words])
    kept = [own[own_words[own]] for own in drawn]
    return point, [auroc(one[own], rows.labels[own]) for own in kept]


def _less(ours: float | None, base: float | None) -> float | None:
    return None if ours is None or base is None else ours - base


def _metric(
    name: str,
    value: float | None,
    resampled: Sequence[float | None],
    key: tuple[Form, str],
    n: int,
) -> Metric:
    better = "lower" if name in {"ece", "brier"} else "higher"
    found = resampled_interval(value, resampled, n, undefined="the test rows have one label only")
    bounds = (found.value, found.low, found.high, found.n)
    return Metric(name, *bounds, "/".join(key), found.reason, f"{found.method}: questions", better)


def _samples(rows: Labels, said: Said) -> list[dict[str, object]]:
    """The test rows, each with what every approach said of it."""
    return [
        {
            "id": f"{number:05d}",
            "slices": {},
            "scores": {"/".join(key): float(one[number]) for key, one in said.items()},
            "question": row.question,
            "answer": row.answer,
            "label": bool(rows.labels[number]),
        }
        for number, row in enumerate(rows.rows)
    ]
