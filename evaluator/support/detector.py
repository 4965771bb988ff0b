"""The support detector: a JSON file of weights, and what it says of contexts and responses."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluator import json_lines
from evaluator.errors import BadInput
from evaluator.support.encoder import Encoder
from evaluator.support.features import FEATURES, Evidence, Reading, evidence_of, features_of, reading_of
from evaluator.support.fitting import Logistic
from evaluator.support.sentences import LONGEST_SENTENCE, pieces, split_sentences

Floats = NDArray[np.float64]
FORMAT = "labelplatform-detector/1"
FILE = "detector.json"
SHIPPED = Path(__file__).with_name("default_detector.json")
DECIMALS = 6  # a batch of another size moves the seventh
PAIRS_AT_ONCE = 64


@dataclass(frozen=True)
class Pair:
    """A response and the text that should support it."""

    context: str
    response: str


@dataclass(frozen=True)
class Support:
    """How far a response and each of its sentences are supported, 0 (invented) … 1; None with the reason."""

    value: float | None
    sentences: tuple[tuple[str, float], ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class Detector:
    """A model of support. `threshold` parts supported (at it or above) from invented; `about` says what it rests on."""

    model: Logistic
    threshold: float
    about: Mapping[str, object] = field(default_factory=dict)

    def record(self) -> dict[str, object]:
        """The detector as its file holds it."""
        rows = zip(FEATURES, self.model.mean, self.model.scale, self.model.weights, strict=True)
        return {
            "format": FORMAT,
            "features": {
                name: {"mean": float(mean), "scale": float(scale), "weight": float(weight)}
                for name, mean, scale, weight in rows
            },
            "intercept": self.model.intercept,
            "threshold": self.threshold,
            **self.about,
        }


def read_detector(folder: Path | None) -> Detector:
    """The detector of a folder that `train-detector` wrote, or the one that ships. Refuses another format."""
    path = SHIPPED if folder is None else folder / FILE
    content = json_lines.read_object(path)
    if content.get("format") != FORMAT:
        raise BadInput(f"{path}: format: found {content.get('format')!r}, wanted {FORMAT!r}")
    rows = content.get("features")
    if not isinstance(rows, dict) or list(rows) != list(FEATURES):
        raise BadInput(f"{path}: features: found other ones, wanted {', '.join(FEATURES)} in this order")
    columns = [
        np.array([_number(row, key, f"{path}: features: {name}") for name, row in rows.items()])
        for key in ("mean", "scale", "weight")
    ]
    if not (columns[1] > 0).all():
        raise BadInput(f"{path}: features: found a scale that is not above 0, wanted only such")
    known = {"format", "features", "intercept", "threshold"}
    return Detector(
        Logistic(columns[0], columns[1], columns[2], _number(content, "intercept", str(path))),
        _number(content, "threshold", str(path)),
        {key: value for key, value in content.items() if key not in known},
    )


def not_measured(pair: Pair) -> str | None:
    """Why a pair cannot be measured, or None: an empty side, or what is too long to be a sentence."""
    if not pair.context.strip():
        return "the context is empty"
    sentences = split_sentences(pair.response)
    if not sentences:
        return "the response is empty"
    longest = max(len(sentence.text) for sentence in sentences)
    if longest > LONGEST_SENTENCE:
        return f"a sentence of the response has {longest} characters, wanted at most {LONGEST_SENTENCE}"
    return None


def read_pairs(
    pairs: Sequence[Pair], encoder: Encoder, *, told: Callable[[int], None] = lambda done: None
) -> Iterator[tuple[int, Evidence, list[Reading]]]:
    """(place, context, sentences of the response) of each pair, those of one context together.

    Each distinct sentence of all pairs is encoded once, and kept until its last pair is done. `told` hears how many
    pairs are done. Pairs that cannot be measured must have been left out.
    """
    first = {context: place for place, context in reversed(list(enumerate(pair.context for pair in pairs)))}
    order = sorted(range(len(pairs)), key=lambda place: (first[pairs[place].context], place))
    # A detector reads the context in pieces, the response in the sentences it is judged by.
    texts = {place: _texts(pairs[place]) for place in order}
    uses = Counter(text for place in order for part in texts[place] for text in part)
    known: dict[str, Reading] = {}
    for start in range(0, len(order), PAIRS_AT_ONCE):
        block = order[start : start + PAIRS_AT_ONCE]
        wanted = dict.fromkeys(text for place in block for part in texts[place] for text in part)
        for text, vectors in encoder.encode(text for text in wanted if text not in known).items():
            known[text] = reading_of(text, vectors)
        evidence: dict[str, Evidence] = {}
        for place in block:
            context, response = texts.pop(place)
            whole = pairs[place].context
            if whole not in evidence:
                evidence[whole] = evidence_of([known[text] for text in context])
            yield place, evidence[whole], [known[text] for text in response]
            uses.subtract([*context, *response])
        known = {text: reading for text, reading in known.items() if uses[text] > 0}
        told(start + len(block))


def detect(
    pairs: Sequence[Pair],
    detector: Detector,
    encoder: Encoder,
    *,
    told: Callable[[int], None] = lambda done: None,
) -> list[Support]:
    """The support of each pair, in order: of the whole response, and of each of its sentences by itself."""
    reasons = [not_measured(pair) for pair in pairs]
    measured = [place for place, reason in enumerate(reasons) if reason is None]
    found = [Support(None, reason=reason) for reason in reasons]
    for place, evidence, response in read_pairs([pairs[place] for place in measured], encoder, told=told):
        pair = pairs[measured[place]]
        rows = [features_of(response, evidence), *(features_of([one], evidence) for one in response)]
        whole, *each = [round(float(p), DECIMALS) for p in detector.model.probabilities(np.stack(rows))]
        told_sentences = [sentence.text for sentence in split_sentences(pair.response)]
        found[measured[place]] = Support(whole, tuple(zip(told_sentences, each, strict=True)))
    return found


def _texts(pair: Pair) -> tuple[list[str], list[str]]:
    context = [piece.text for piece in pieces(pair.context)]
    return context, [sentence.text for sentence in split_sentences(pair.response)]


def _number(row: object, key: str, where: str) -> float:
    value = row.get(key) if isinstance(row, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadInput(f"{where}: {key}: found {json_lines.kind_of(value)}, wanted a number")
    return float(value)
