"""Ways to score support, one interface: the detector, or an NLI model with the aggregation of SummaC or of chunks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluator.errors import BadInput
from evaluator.support.detector import Pair, Support, detect, not_measured, read_detector
from evaluator.support.encoder import Encoder, shipped_encoder_folder
from evaluator.support.entailment import (
    MOST_PREMISES,
    chunk_max,
    chunks,
    grid,
    summac_pieces,
    summac_sentence_scores,
    summac_zs,
)
from evaluator.support.nli import NliModel
from evaluator.support.sentences import split_sentences

VARIANTS = ("detector", "summac-zs", "chunk-max")
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Scorer:
    """How support is scored: from `threshold` on a response counts as supported; `detail` is for the report."""

    score: Callable[[Sequence[Pair], Told], list[Support]]
    threshold: float
    detail: dict[str, object]


def open_scorer(variant: str, folder: Path | None) -> Scorer:
    """The scorer of a variant. `folder` holds a detector (None: the one that ships) or an NLI model (wanted)."""
    if variant == "detector":
        return _detector(folder)
    if folder is None:
        raise BadInput(f"--scorer: found nothing, wanted the folder of an NLI model for variant {variant}")
    if not (folder / "config.json").is_file():
        raise BadInput(f"--scorer {folder}: found no config.json, wanted the folder of an NLI model")
    reckon = _summac if variant == "summac-zs" else _chunk_max
    threshold = 0.0 if variant == "summac-zs" else 0.5
    return Scorer(
        lambda pairs, told: reckon(pairs, NliModel(folder), told),
        threshold,
        {"nli_model": str(folder), "aggregation": variant},
    )


def _detector(folder: Path | None) -> Scorer:
    detector = read_detector(folder)

    def score(pairs: Sequence[Pair], told: Told) -> list[Support]:
        encoder = Encoder(shipped_encoder_folder())
        return detect(pairs, detector, encoder, told=lambda done: told(done, len(pairs)))

    detail = {
        "detector": "shipped" if folder is None else str(folder),
        "trained_on": detector.about.get("trained_on"),
    }
    return Scorer(score, detector.threshold, detail)


def _summac(pairs: Sequence[Pair], model: NliModel, told: Told) -> list[Support]:
    """SummaC-ZS at sentence granularity, op1 max, op2 mean, e - c; a response of short pieces only scores 0."""
    cuts = [
        (summac_pieces(pair.context, "sentence")[:MOST_PREMISES], summac_pieces(pair.response, "sentence"))
        for pair in pairs
    ]
    found = []
    for pair, (given, said), grids in zip(pairs, cuts, _grids(cuts, model, told), strict=True):
        reason = not_measured(pair)
        if reason is not None:
            found.append(Support(None, reason=reason))
            continue
        e, c = (grid([row[column] for row in grids], len(given), len(said)) for column in (0, 1))
        each = summac_sentence_scores(e, c).tolist() if e.size else [0.0] * len(said)
        found.append(Support(summac_zs(e, c), tuple(zip(said, each, strict=True))))
    return found


def _chunk_max(pairs: Sequence[Pair], model: NliModel, told: Told) -> list[Support]:
    """Each sentence's best entailment by a chunk of the context; a response is the mean of its sentences."""
    cuts = [(chunks(pair.context), [one.text for one in split_sentences(pair.response)]) for pair in pairs]
    found = []
    for pair, (given, said), grids in zip(pairs, cuts, _grids(cuts, model, told), strict=True):
        reason = not_measured(pair)
        if reason is not None:
            found.append(Support(None, reason=reason))
            continue
        each = [float(one) for one in chunk_max(grid([row[0] for row in grids], len(given), len(said)))]
        found.append(Support(sum(each) / len(each), tuple(zip(said, each, strict=True))))
    return found


def _grids(
    cuts: Sequence[tuple[list[str], list[str]]], model: NliModel, told: Told
) -> list[list[tuple[float, float]]]:
    """(entailed, contradicted) of every premise with every hypothesis of each pair of texts, premises outermost."""
    asked = [[(premise, hypothesis) for premise in given for hypothesis in said] for given, said in cuts]
    rows = model.probabilities([one for pair in asked for one in pair], told=told)
    found, start = [], 0
    for pair in asked:
        own = rows[start : start + len(pair)]
        found.append([(float(row[0]), float(row[1])) for row in own])
        start += len(pair)
    return found
