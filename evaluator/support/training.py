"""A detector trained on labelled responses, measured on texts it did not see (`train-detector`)."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evaluator.errors import BadInput
from evaluator.json_lines import write_json_atomically
from evaluator.progress import Progress
from evaluator.report_files import Items, Metric, Report, data_file, environment
from evaluator.specs import TrainDetectorSpec
from evaluator.statistics.detection import (
    Figure,
    Labelled,
    auprc,
    auroc,
    balanced_accuracy,
    best_threshold,
    interval_of,
)
from evaluator.statistics.intervals import generator
from evaluator.support.detector import FILE, Detector
from evaluator.support.encoder import Encoder, shipped_encoder_folder
from evaluator.support.features import FEATURES
from evaluator.support.fitting import Logistic, balanced_weights, fit_logistic
from evaluator.support.passages import Passages, passages_of, read_labelled

Floats = NDArray[np.float64]
FOLDS = 5
HALF = 0.5
FEWEST_TEXTS = 10


def train_detector(spec: TrainDetectorSpec, progress: Progress) -> Report:
    """The report of a detector trained on `spec.data` and written to OUT/detector.json.

    Figures are of cross-fitting: each text's responses are scored by a model that learnt from other texts, and called
    by a threshold that was fixed on them. The detector itself learns from all. Refuses data with fewer than ten texts,
    or of one class.
    """
    started = time.monotonic()
    labelled = read_labelled(spec.data)
    passages = passages_of(labelled, Encoder(spec.encoder or shipped_encoder_folder()))
    progress.step(1, 2)
    refuse_too_little(passages, str(spec.data))
    scores = cross_fitted(passages, seed=spec.seed)
    detector = detector_of(passages, scores, {"trained_on": [data_file(spec.data)], "seed": spec.seed})
    measured = int(passages.whole.sum())
    report = Report(
        suite="train-detector",
        variant=f"logistic, cross-fitted over {FOLDS} folds of texts",
        subject=FILE,
        seed=spec.seed,
        metrics=_metrics(passages, scores, spec),
        items=Items(len(labelled), measured, 0, len(labelled) - measured),
        data=[data_file(spec.data)],
        spec=spec.record(),
        samples=_samples(passages, scores),
        extra={"threshold": detector.threshold, "texts": len(set(passages.texts))},
        environment=environment(started),
    )
    write_json_atomically(spec.out / FILE, detector.record())
    progress.step(2, 2)
    return report


def refuse_too_little(passages: Passages, where: str) -> None:
    """Refuse what no detector can be fitted on and measured with."""
    texts = len(set(passages.texts))
    if texts < FEWEST_TEXTS:
        raise BadInput(f"{where}: found responses to {texts} texts, wanted {FEWEST_TEXTS} or more")
    calls = passages.labels >= HALF
    if calls.all() or not calls.any():
        found = "only supported" if calls.all() else "no supported"
        raise BadInput(f"{where}: found {found} responses, wanted both kinds")


def fit_passages(passages: Passages, rows: NDArray[np.bool_]) -> Logistic:
    """The model of these rows; each set counts the same, and in it both classes do."""
    labels, sets = passages.labels[rows], [one for one, kept in zip(passages.sets, rows, strict=True) if kept]
    weights = balanced_weights(labels, sets)
    return fit_logistic(passages.features[rows], labels, weights, list(FEATURES.values()))


def cross_fitted(passages: Passages, *, seed: int) -> Floats:
    """P(supported) of each passage, [N], by a model that saw no passage of its text."""
    fold = fold_of(passages.texts, seed=seed)
    scores = np.zeros(len(passages.labels))
    for number in range(FOLDS):
        held = fold == number
        if held.any():
            scores[held] = fit_passages(passages, ~held).probabilities(passages.features[held])
    return scores


def fold_of(texts: Sequence[str], *, seed: int) -> NDArray[np.int64]:
    """The fold of each passage, [N]; passages of one text share it, whatever the order of lines."""
    distinct = sorted(set(texts))
    order = generator(seed, "folds").permutation(len(distinct))
    number = {text: int(place) % FOLDS for text, place in zip(distinct, order, strict=True)}
    return np.array([number[text] for text in texts], dtype=np.int64)


def detector_of(passages: Passages, scores: Floats, about: dict[str, object]) -> Detector:
    """The detector fitted on all passages; its threshold is the best one of the cross-fitted scores."""
    model = fit_passages(passages, np.ones(len(scores), dtype=bool))
    whole = passages.whole
    threshold = best_threshold(scores[whole], supported(passages.labels[whole]))
    return Detector(model, threshold, about)


def supported(labels: Floats) -> Floats:
    """1 where at least half of what people said is that it is supported, else 0."""
    return np.asarray(labels >= HALF, dtype=np.float64)


def places(rows: NDArray[np.bool_]) -> list[int]:
    """Where `rows` is true."""
    return [int(place) for place in np.flatnonzero(rows)]


def _metrics(passages: Passages, scores: Floats, spec: TrainDetectorSpec) -> list[Metric]:
    groups: dict[str | None, NDArray[np.bool_]] = {None: passages.whole}
    if not passages.whole.all():
        groups["unit=sentence"] = ~passages.whole
    sets = sorted(set(passages.sets))
    for name in sets if len(sets) > 1 else []:
        groups[f"set={name}"] = passages.whole & (np.array(passages.sets) == name)
    called = _called(passages, scores, spec.seed)
    found: list[Metric] = []
    for group, rows in groups.items():
        kept = places(rows)
        positive = supported(passages.labels[rows])
        labelled = Labelled(
            positive, [passages.texts[row] for row in kept], [passages.sets[row] for row in kept]
        )
        sides = (scores[rows], called[rows])
        found += detection_metrics(labelled, *sides, group, seed=spec.seed, resamples=spec.resamples)
    return found


def detection_metrics(
    labelled: Labelled, scores: Floats, called: Floats, group: str | None, *, seed: int, resamples: int
) -> list[Metric]:
    """AUROC, AUPRC of what is supported and of what is invented, and balanced accuracy of the calls, with intervals.

    `scores` [N] are high for what is supported, `called` [N] is 1 where a threshold calls it so.
    """
    positive = labelled.positive
    figures: dict[str, Figure] = {
        "auroc": lambda weights: auroc(scores, positive, weights),
        "auprc_supported": lambda weights: auprc(scores, positive, weights),
        "auprc_invented": lambda weights: auprc(-scores, 1 - positive, weights),
        "balanced_accuracy": lambda weights: balanced_accuracy(called, positive, weights),
    }
    found = []
    for name, figure in figures.items():
        rng = generator(seed, name, group or "")
        interval = interval_of(figure, labelled, rng=rng, resamples=resamples)
        bounds = (interval.value, interval.low, interval.high, interval.n)
        found.append(Metric(name, *bounds, group, interval.reason, interval.method, "higher"))
    return found


def _called(passages: Passages, scores: Floats, seed: int) -> Floats:
    """1 where a passage is called supported, by the threshold that is best for the whole responses of other folds."""
    fold = fold_of(passages.texts, seed=seed)
    called = np.zeros(len(scores))
    for number in range(FOLDS):
        other = (fold != number) & passages.whole
        cut = best_threshold(scores[other], supported(passages.labels[other]))
        called[fold == number] = scores[fold == number] >= cut
    return called


def _samples(passages: Passages, scores: Floats) -> list[dict[str, object]]:
    whole = places(passages.whole)
    return [
        {
            "id": passages.ids[row],
            "slices": {"set": passages.sets[row]},
            "scores": {"support": round(float(scores[row]), 6)},
            "label": float(passages.labels[row]),
        }
        for row in sorted(whole, key=lambda row: passages.ids[row])
    ]
