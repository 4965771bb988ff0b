"""Is the support detector better than length, ROUGE, n-grams and embeddings, on sets it did not learn from?

    python benchmarks/detector.py [--data DIR] [--write]

Every set is scored by a model that learnt from the other sets (rows whose context or response also stands in the set
held out are left out of its training); HaluEval-QA is scored by the model of all four and never learnt from. The
baselines are features learnt the same way. Intervals draw texts again within each set; the comparisons are paired.
Prints which rows were used for what and one JSON object; `--write` keeps the model of all four sets as the detector
that ships. Exit 1 when a bar is missed: over the pooled sets better than each baseline, on no set worse than length or
word overlap, at least 20 pairs of BEGIN a CPU second with each distinct sentence encoded once.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 (the root is not on a script's path)
from numpy.typing import NDArray  # noqa: E402

from benchmarks.detection.baselines import Approach, approaches  # noqa: E402
from benchmarks.detection.sets import LICENCES, REPORTED, TRAINED, Row, read_sets  # noqa: E402
from evaluator.json_lines import write_json_atomically  # noqa: E402
from evaluator.statistics.detection import (  # noqa: E402
    Figure,
    Labelled,
    auprc,
    auroc,
    balanced_accuracy,
    best_threshold,
    interval_of,
)
from evaluator.statistics.intervals import Interval, generator  # noqa: E402
from evaluator.support.detector import SHIPPED, Detector, Pair, detect, read_detector  # noqa: E402
from evaluator.support.encoder import Encoder, shipped_encoder_folder  # noqa: E402
from evaluator.support.fitting import Logistic, balanced_weights, fit_logistic  # noqa: E402
from evaluator.support.sentences import pieces, split_sentences  # noqa: E402
from evaluator.support.training import FOLDS, fold_of  # noqa: E402

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
PAIRS_A_SECOND = 20.0
SEED = 0
BASELINES = ("length", "word-overlap", "n-gram", "rouge", "embedding")


class Bench:
    """All rows with their labels, and how a model of some of them scores others."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.sets = np.array([row.set for row in rows])
        self.supported = np.array([float(row.supported) for row in rows])
        self.texts = [row.context for row in rows]
        self.trained: Mask = np.isin(self.sets, TRAINED)

    def training_rows(self, held: str) -> Mask:
        """Rows that a model may learn from when `held` is measured: of other sets, and no text in common."""
        kept = self.trained & (self.sets != held)
        others = [row for row in self.rows if row.set == held]
        contexts, responses = {row.context for row in others}, {row.response for row in others}
        shared = [row.context in contexts or row.response in responses for row in self.rows]
        return np.asarray(kept & ~np.array(shared))

    def fit(self, approach: Approach, kept: Mask) -> Logistic:
        """The model of the rows kept; each set counts the same, and in it both classes do."""
        weights = balanced_weights(self.supported[kept], list(self.sets[kept]))
        return fit_logistic(approach.features[kept], self.supported[kept], weights, approach.signs)

    def threshold(self, approach: Approach, kept: Mask) -> float:
        """The best threshold on the rows kept, each scored by a model of other texts among them."""
        places = np.flatnonzero(kept)
        fold = fold_of([self.texts[place] for place in places], seed=SEED)
        scores = np.zeros(len(places))
        for number in range(FOLDS):
            learnt = kept.copy()
            learnt[places[fold == number]] = False
            model = self.fit(approach, learnt)
            scores[fold == number] = model.probabilities(approach.features[places[fold == number]])
        return best_threshold(scores, self.supported[places])

    def held_out(self, approach: Approach) -> tuple[Floats, Floats]:
        """P(supported) of each row by a model that did not see its set, and the call at a threshold fixed elsewhere."""
        scores, called = np.zeros(len(self.rows)), np.zeros(len(self.rows))
        for name in (*TRAINED, REPORTED):
            kept, of_set = self.training_rows(name), self.sets == name
            scores[of_set] = self.fit(approach, kept).probabilities(approach.features[of_set])
            called[of_set] = scores[of_set] >= self.threshold(approach, kept)
        return scores, called

    def labelled(self, rows: Mask) -> Labelled:
        """The labels of some rows, with their texts and sets."""
        places = np.flatnonzero(rows)
        return Labelled(self.supported[rows], [self.texts[place] for place in places], list(self.sets[rows]))


def interval(bench: Bench, rows: Mask, figure: Figure, *names: str) -> dict[str, Any]:
    """A figure as the JSON shows it."""
    return shown(interval_of(figure, bench.labelled(rows), rng=generator(SEED, *names)))


def shown(found: Interval) -> dict[str, Any]:
    numbers = {"value": found.value, "low": found.low, "high": found.high}
    return {**{key: None if n is None else round(n, 4) for key, n in numbers.items()}, "n": found.n}


def mean_auroc(bench: Bench, scores: Floats, rows: Mask) -> Figure:
    """The mean over sets of the AUROC within each: no set's level counts."""
    sets, positive = bench.sets[rows], bench.supported[rows]
    inside = [(sets == name, scores[rows]) for name in TRAINED]
    return lambda weights: np.mean(
        [auroc(own[of], positive[of], weights[..., of]) for of, own in inside], axis=0
    )


def pooled_auroc(bench: Bench, scores: Floats, rows: Mask) -> Figure:
    """The AUROC of all rows as one set."""
    return lambda weights: auroc(scores[rows], bench.supported[rows], weights)


def figures(bench: Bench, name: str, scores: Floats, called: Floats) -> dict[str, Any]:
    """AUROC, AUPRC and balanced accuracy of one approach on each set, and over the pooled sets."""
    found: dict[str, Any] = {}
    generic = np.array([row.generic for row in bench.rows])
    parts = {one: bench.sets == one for one in (*TRAINED, REPORTED)}
    parts["begin-cmu without Generic"] = parts["begin-cmu"] & ~generic
    for part, rows in parts.items():
        own, positive, calls = scores[rows], bench.supported[rows], called[rows]
        kinds: dict[str, Figure] = {
            "auroc": lambda w, own=own, positive=positive: auroc(own, positive, w),  # type: ignore[misc]
            "auprc_supported": lambda w, own=own, positive=positive: auprc(own, positive, w),  # type: ignore[misc]
            "auprc_invented": lambda w, own=own, positive=positive: auprc(-own, 1 - positive, w),  # type: ignore[misc]
            "balanced_accuracy": lambda w, calls=calls, positive=positive: balanced_accuracy(  # type: ignore[misc]
                calls, positive, w
            ),
        }
        found[part] = {kind: interval(bench, rows, one, kind, part) for kind, one in kinds.items()}
    both = {"pooled": pooled_auroc, "mean over sets": mean_auroc}
    found["all"] = {
        kind: interval(bench, bench.trained, make(bench, scores, bench.trained), kind)
        for kind, make in both.items()
    }
    return found


def comparisons(bench: Bench, scores: dict[str, Floats]) -> tuple[dict[str, Any], list[str]]:
    """Detector minus baseline on the same resamples, and what misses its bar."""
    found: dict[str, Any] = {}
    missed = []
    for name in BASELINES:
        parts = {"pooled": pooled_auroc, "mean over sets": mean_auroc}
        found[name] = {
            part: interval(
                bench, bench.trained, less(make, bench, scores, name, bench.trained), "paired", part
            )
            for part, make in parts.items()
        }
        missed += [
            f"{part}: not better than {name}" for part in parts if not (found[name][part]["low"] or 0) > 0
        ]
        for one in (*TRAINED, REPORTED):
            rows = bench.sets == one
            difference = interval(bench, rows, less(pooled_auroc, bench, scores, name, rows), "paired", one)
            found[name][one] = difference
            if one != REPORTED and name in ("length", "word-overlap") and (difference["high"] or 0) < 0:
                missed.append(f"{one}: worse than {name}")
    return found, missed


def less(make: Any, bench: Bench, scores: dict[str, Floats], name: str, rows: Mask) -> Figure:
    """The detector's figure less the baseline's, of the same row weights."""
    own, other = make(bench, scores["detector"], rows), make(bench, scores[name], rows)
    return lambda weights: np.asarray(own(weights) - other(weights))


def speed(rows: list[Row], detector: Detector) -> dict[str, Any]:
    """CPU seconds of the pairs of BEGIN through the detector, loading apart, and how often a sentence was encoded."""
    pairs = [Pair(row.context, row.response) for row in rows if row.set.startswith("begin")]
    started = time.process_time()
    encoder = Encoder(shipped_encoder_folder())
    loaded = time.process_time()
    detect(pairs, detector, encoder)
    seconds = time.process_time() - loaded
    distinct = {one.text for pair in pairs for one in pieces(pair.context)}
    distinct |= {one.text for pair in pairs for one in split_sentences(pair.response)}
    return {
        "pairs": len(pairs),
        "cpu_seconds": round(seconds, 2),
        "pairs_a_cpu_second": round(len(pairs) / seconds, 1),
        "load_cpu_seconds": round(loaded - started, 2),
        "distinct_sentences": len(distinct),
        "encoded_sentences": encoder.encoded,
    }


def about(bench: Bench, found: dict[str, Any]) -> dict[str, object]:
    """What the shipped detector says of itself: data, licences, figures."""
    used = Counter(row.set for row in bench.rows if row.set in TRAINED)
    return {
        "trained_on": [{"set": name, "rows": used[name], "licence": LICENCES[name]} for name in TRAINED],
        "encoder": "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)",
        "made_by": "benchmarks/detector.py --write",
        "figures": {
            "note": "AUROC on each set by a model of the other sets; halueval-qa was never learnt from",
            **{name: found[name]["auroc"] for name in (*TRAINED, REPORTED)},
        },
    }


def print_uses(bench: Bench) -> None:
    """Which rows are used for what, on standard error."""
    for name in (*TRAINED, REPORTED):
        learnt = Counter(str(one) for one in bench.sets[bench.training_rows(name)])
        of_set = [row for row in bench.rows if row.set == name]
        texts, supported = len({row.context for row in of_set}), sum(row.supported for row in of_set)
        told = ", ".join(f"{one} {learnt[one]}" for one in TRAINED if learnt[one])
        print(
            f"{name} ({LICENCES[name]}): measured on all {len(of_set)} rows, {texts} texts, {supported} supported; "
            f"learnt from {told} (threshold fixed on the same rows)",
            file=sys.stderr,
        )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the sets"
    )
    parser.add_argument(
        "--write", action="store_true", help="keep the model of all four sets as the one that ships"
    )
    options = parser.parse_args()
    if not (options.data / "begin").is_dir():
        print(f"--data {options.data}: found no folder begin in it, wanted the human labels", file=sys.stderr)
        return 2
    bench = Bench(read_sets(options.data))
    print_uses(bench)
    pairs = [Pair(row.context, row.response) for row in bench.rows]
    every = approaches(pairs, Encoder(shipped_encoder_folder()))
    told = {name: bench.held_out(approach) for name, approach in every.items()}
    scores = {name: one for name, (one, _called) in told.items()}
    tables = {name: figures(bench, name, *one) for name, one in told.items()}
    differences, missed = comparisons(bench, scores)
    if options.write:
        own = every["detector"]
        model, cut = bench.fit(own, bench.trained), bench.threshold(own, bench.trained)
        write_json_atomically(SHIPPED, Detector(model, cut, about(bench, tables["detector"])).record())
    pace = speed(bench.rows, read_detector(None))
    missed += [] if pace["pairs_a_cpu_second"] >= PAIRS_A_SECOND else [f"speed: {pace['pairs_a_cpu_second']}"]
    missed += (
        [] if pace["encoded_sentences"] == pace["distinct_sentences"] else ["a sentence was encoded twice"]
    )
    machine = {
        "python": platform.python_version(),
        "load": os.getloadavg(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
    }
    shape = {"figures": tables, "detector minus baseline": differences, "speed": pace, "machine": machine}
    print(json.dumps({**shape, "missed": missed}, indent=1))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
