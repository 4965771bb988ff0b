"""Labelled lines: what people said of the support of responses, as passages a detector learns from.

Two files are read. Span lines (`evaluator.spans`): a sentence that a span touches is invented, the others are
supported; what several people said of one item is averaged. Label lines: `{"id","context","response","support"}`
with a support of 0 (invented) … 1 for the whole response, and `"set"` where the lines come from several sources.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluator.errors import BadInput
from evaluator.json_lines import kind_of
from evaluator.prompts import Line, placed_lines, text
from evaluator.spans import SpanLine, parse_span_line
from evaluator.support.detector import Pair, not_measured, read_pairs
from evaluator.support.encoder import Encoder
from evaluator.support.features import features_of
from evaluator.support.sentences import split_sentences

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Labelled:
    """One response with its support, 0 … 1, and that of each of its sentences where people marked spans."""

    id: str
    pair: Pair
    support: float
    sentences: tuple[float, ...] = ()
    set: str = "labels"


@dataclass(frozen=True)
class Passages:
    """What a detector learns from: features [N, F], labels [N], and the context and the set of each row."""

    features: Floats
    labels: Floats
    texts: Sequence[str]
    sets: Sequence[str]
    whole: NDArray[np.bool_]
    ids: Sequence[str]


def read_labelled(path: Path) -> list[Labelled]:
    """The responses of a file of span lines or of label lines. Refuses an empty file, mixed lines and an id twice."""
    lines = list(placed_lines(path))
    if not lines:
        raise BadInput(f"{path}: found no line, wanted at least one span line or label line")
    seen: dict[str, str] = {}
    for where, line in lines:
        name = text(line, "id", where)
        if name in seen:
            raise BadInput(f"{where}: id: found {name!r} again (first at {seen[name]}), wanted unique ids")
        seen[name] = where
    if "spans" in lines[0][1]:
        return _from_spans([parse_span_line(line, where) for where, line in lines])
    return [_from_label(line, where) for where, line in lines]


def passages_of(labelled: Sequence[Labelled], encoder: Encoder) -> Passages:
    """The passages of the responses that can be measured: each whole response, and its sentences where several are
    labelled one by one. Refuses none (BadInput)."""
    kept = [one for one in labelled if not_measured(one.pair) is None]
    if not kept:
        raise BadInput("found no response with a context that can be measured, wanted at least one")
    rows: dict[int, list[tuple[Floats, float, bool]]] = {}
    for place, evidence, response in read_pairs([one.pair for one in kept], encoder):
        one = kept[place]
        rows[place] = [(features_of(response, evidence), one.support, True)]
        if len(one.sentences) > 1:
            each = zip(response, one.sentences, strict=True)
            rows[place] += [(features_of([reading], evidence), label, False) for reading, label in each]
    told = [(kept[place], *row) for place in range(len(kept)) for row in rows[place]]
    return Passages(
        features=np.stack([features for _, features, _, _ in told]),
        labels=np.array([label for _, _, label, _ in told]),
        texts=[one.pair.context for one, _, _, _ in told],
        sets=[one.set for one, _, _, _ in told],
        whole=np.array([whole for _, _, _, whole in told]),
        ids=[one.id for one, _, _, _ in told],
    )


def sentence_labels(line: SpanLine) -> list[float]:
    """1 for each sentence of the response that no span touches, 0 for the others."""
    return [
        float(not any(span.start < sentence.end and sentence.start < span.end for span in line.spans))
        for sentence in split_sentences(line.response)
    ]


def _from_spans(lines: Sequence[SpanLine]) -> list[Labelled]:
    by_item: dict[str, list[SpanLine]] = {}
    for line in lines:
        by_item.setdefault(line.item, []).append(line)
    found = []
    for item, told in by_item.items():
        first = told[0]
        for line in told[1:]:
            if (line.context, line.response) != (first.context, first.response):
                raise BadInput(
                    f"{line.where}: item: found other texts than at {first.where}, wanted the same"
                )
        each = [sentence_labels(line) for line in told]
        means = tuple(sum(column) / len(told) for column in zip(*each, strict=True))
        # A response is supported for those who marked nothing in it.
        support = sum(not line.spans for line in told) / len(told)
        found.append(Labelled(item, Pair(first.context, first.response), support, means, _set_of(first.line)))
    return found


def _from_label(line: Line, where: str) -> Labelled:
    context = text(line, "context", where, allow_empty=True)
    response = text(line, "response", where, allow_empty=True)
    support = line.get("support")
    if isinstance(support, bool) or not isinstance(support, int | float) or not 0 <= support <= 1:
        found = kind_of(support) if "support" in line else "none"
        raise BadInput(f"{where}: support: found {found}, wanted a number from 0 (invented) to 1")
    return Labelled(str(line["id"]), Pair(context, response), float(support), (), _set_of(line))


def _set_of(line: Mapping[str, object]) -> str:
    value = line.get("set", "labels")
    return value if isinstance(value, str) and value else "labels"
