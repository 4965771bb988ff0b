"""Agreement on spans: small numbers by hand, and the definitions said character by character."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.statistics.chance_corrected import krippendorff_alpha
from evaluator.statistics.resampling import Sampling
from evaluator.statistics.span_agreement import (
    MarkedSpan,
    SpanAgreement,
    SpanLabel,
    span_agreement,
    span_annotators,
    span_items,
)
from tests.evaluator.lines import steady
from tests.evaluator.ranking_lists import POINT

Told = tuple[int, int, str]
PEOPLE = ("ada", "ben", "cyd")


def label(item: str, annotator: str, length: int, *spans: Told, prompt: str | None = None) -> SpanLabel:
    return SpanLabel(item, annotator, length, tuple(MarkedSpan(*span) for span in spans), prompt)


def values(found: SpanAgreement) -> dict[str, float | None]:
    return {
        name: getattr(found, name).value
        for name in ("presence", "f1", "f1_by_kind", "alpha", "alpha_by_kind")
    }


def test_two_people_by_hand() -> None:
    """ada marks 0-4 of ten characters, ben 2-6: two of eight are shared, F1 = 2·2 / (4 + 4) = 0.5.

    alpha: six of ten characters are told alike. o_01 = o_10 = 4, n_0 = n_1: ada 6 and 4, ben 6 and 4, so n_0 = 12,
    n_1 = 8, n = 20; 1 - 19·(4 + 4) / (2·12·8) = 1 - 152/192 = 5/24.
    """
    found = span_agreement(
        [label("i", "ada", 10, (0, 4, "other")), label("i", "ben", 10, (2, 6, "other"))], POINT
    )
    assert values(found) == pytest.approx(
        {"presence": 1.0, "f1": 0.5, "f1_by_kind": 0.5, "alpha": 5 / 24, "alpha_by_kind": 5 / 24}
    )
    assert (found.labels, found.annotators, found.items) == (2, 2, 1)


def test_kinds_by_hand() -> None:
    """The same four characters as different kinds: marked alike, F1 1, but no (character, kind) in common.

    alpha by kind: three values, {} six times for each, a and b four times each: o_ab = o_ba = 4, n = 20, n_{} = 12,
    n_a = n_b = 4; 1 - 19·8 / (2·(12·4 + 12·4 + 4·4)) = 1 - 152/224 = 9/28.
    """
    found = span_agreement(
        [label("i", "ada", 10, (0, 4, "contradicts")), label("i", "ben", 10, (0, 4, "not-in-source"))], POINT
    )
    assert values(found) == pytest.approx(
        {"presence": 1.0, "f1": 1.0, "f1_by_kind": 0.0, "alpha": 1.0, "alpha_by_kind": 9 / 28}
    )


def test_overlapping_spans_by_hand() -> None:
    """ada: 0-4 as a and 2-6 as b, so six characters and eight pairs; ben: 0-6 as a. F1 by kind 2·4 / (8 + 6) = 4/7."""
    found = span_agreement(
        [
            label("i", "ada", 6, (0, 4, "a"), (2, 6, "b")),
            label("i", "ben", 6, (0, 6, "a")),
        ],
        POINT,
    )
    assert found.f1.value == 1.0
    assert found.f1_by_kind.value == pytest.approx(4 / 7)
    # Everybody marked everything: nothing could have disagreed.
    assert (found.alpha.value, found.alpha.reason) == (None, "all values are equal: alpha is not defined")
    # {a} eight times, {a, b} and {b} two each: o_{a}{ab} = 2, o_{a}{b} = 2 each way; 1 - 11·8 / (2·(16 + 16 + 4)).
    assert found.alpha_by_kind.value == pytest.approx(1 - 88 / 72)


def test_nothing_marked_is_a_label_too() -> None:
    """Both say that nothing is invented: F1 1; one of two does: F1 0, and they differ on whether there is anything."""
    nothing = [label("i", "ada", 5), label("i", "ben", 5)]
    assert values(span_agreement(nothing, POINT)) == {
        "presence": 1.0,
        "f1": 1.0,
        "f1_by_kind": 1.0,
        "alpha": None,
        "alpha_by_kind": None,
    }
    differing = span_agreement([label("i", "ada", 5), label("i", "ben", 5, (1, 2, "other"))], POINT)
    assert (differing.presence.value, differing.f1.value) == (0.0, 0.0)


def test_pairs_count_alike_and_an_item_of_one_label_tells_nothing() -> None:
    """Three people, F1 of 1 (ada and ben), 0 and 0 with cyd who marked nothing: the mean is a third."""
    found = span_agreement(
        [
            label("i", "ada", 8, (0, 2, "other")),
            label("i", "ben", 8, (0, 2, "other")),
            label("i", "cyd", 8),
            label("alone", "ada", 8, (0, 8, "other")),
        ],
        POINT,
    )
    assert found.f1.value == pytest.approx(1 / 3)
    assert found.presence.value == pytest.approx(1 / 3)
    assert (found.f1.n, found.items, found.labels, found.annotators) == (1, 2, 4, 3)


def test_the_first_label_of_a_person_counts() -> None:
    labels = [
        label("i", "ada", 4, (0, 2, "other")),
        label("i", "ben", 4, (0, 2, "other")),
        label("i", "ada", 4, (2, 4, "other")),
    ]
    assert span_agreement(labels, POINT).f1.value == 1.0
    assert span_agreement(labels, POINT).labels == 2


def test_too_few_items_are_no_figure() -> None:
    labels = [label(f"i{n}", who, 4, (0, 2, "other")) for n in range(9) for who in ("ada", "ben")]
    found = span_agreement(labels)
    for name, figure in values(found).items():
        assert figure is None, name
    assert found.f1.reason == "not enough data: 9 items marked by two annotators, wanted 10"
    assert found.alpha.reason == found.f1.reason
    more = [*labels, *(label("i9", who, 4, (0, 2, "other")) for who in ("ada", "ben"))]
    assert span_agreement(more).f1.value == 1.0
    assert span_agreement([]).f1.value is None


def test_items_of_one_prompt_are_drawn_together() -> None:
    """Two items of one prompt show no spread between prompts; of two prompts they do."""
    together = [
        label("i", "ada", 4, (0, 2, "other"), prompt="p"),
        label("i", "ben", 4, (0, 2, "other"), prompt="p"),
        label("j", "ada", 4, (0, 2, "other"), prompt="p"),
        label("j", "ben", 4, (1, 3, "other"), prompt="p"),
    ]
    sampling = Sampling(seed=3, resamples=200, fewest=1)
    for figure in ("f1", "alpha"):
        assert getattr(span_agreement(together, sampling), figure).low is None
    apart = [SpanLabel(one.item, one.annotator, one.length, one.spans) for one in together]
    for figure in ("f1", "alpha"):
        found = getattr(span_agreement(apart, sampling), figure)
        assert found.low < found.value < found.high


def test_texts_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="item i: labels of texts of different lengths"):
        span_agreement([label("i", "ada", 4), label("i", "ben", 5)], POINT)


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (2, 2), (3, 2), (2, 5)])
def test_spans_outside_of_the_text_are_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="of 4 characters"):
        label("i", "ada", 4, (start, end, "other"))
    assert label("i", "ada", 4, (0, 4, "other"), (3, 4, "other")).spans


def test_each_person_by_hand() -> None:
    """ada with ben 1, with cyd 0: a half; cyd with each of them 0; only her own pairs are hers."""
    labels = [
        label("i", "ben", 8, (0, 2, "other")),
        label("i", "ada", 8, (0, 2, "other")),
        label("i", "cyd", 8),
        label("j", "ada", 8, (1, 2, "other")),
        label("j", "dot", 8),
    ]
    found = {one.annotator: one for one in span_annotators(labels, POINT)}
    assert list(found) == ["ada", "ben", "cyd", "dot"]
    assert {name: (one.labels, one.marking) for name, one in found.items()} == {
        "ada": (2, 2),
        "ben": (1, 1),
        "cyd": (1, 0),
        "dot": (1, 0),
    }
    assert found["ada"].f1.value == pytest.approx(1 / 3)
    assert found["ben"].f1.value == pytest.approx(1 / 2)
    assert (found["cyd"].f1.value, found["dot"].f1.value) == (0.0, 0.0)
    assert (found["ada"].f1.n, found["cyd"].f1.n) == (2, 1)
    alone = span_annotators([label("i", "ada", 3)], POINT)[0]
    assert (alone.f1.value, alone.f1.reason) == (
        None,
        "not enough data: 0 items marked by two annotators, wanted 1",
    )


@st.composite
def span_sets(draw: st.DrawFn) -> list[SpanLabel]:
    found = []
    for item in range(draw(st.integers(1, 3))):
        length = draw(st.integers(1, 9))
        for annotator in draw(st.lists(st.sampled_from(PEOPLE), unique=True, max_size=3)):
            span = st.tuples(
                st.integers(0, length - 1), st.integers(1, length), st.sampled_from(["a", "b", "c"])
            ).filter(lambda told: told[0] < told[1])
            found.append(label(f"i{item}", annotator, length, *draw(st.lists(span, max_size=3))))
    return found


def marks(one: SpanLabel) -> list[frozenset[str]]:
    """The kinds of each character, one by one."""
    return [
        frozenset(span.kind for span in one.spans if span.start <= at < span.end) for at in range(one.length)
    ]


def mean_over_pairs(
    labels: Sequence[SpanLabel], said: Callable[[list[frozenset[str]]], set[object]]
) -> float | None:
    found = []
    for one, other in combinations(labels, 2):
        if one.item == other.item:
            a, b = said(marks(one)), said(marks(other))
            found.append(2 * len(a & b) / (len(a) + len(b)) if a or b else 1.0)
    return sum(found) / len(found) if found else None


@steady
@given(span_sets())
def test_every_figure_is_what_its_definition_says(labels: list[SpanLabel]) -> None:
    found = span_agreement(labels, POINT)
    f1 = mean_over_pairs(labels, lambda told: {at for at, kinds in enumerate(told) if kinds})
    by_kind = mean_over_pairs(
        labels, lambda told: {(at, kind) for at, kinds in enumerate(told) for kind in kinds}
    )
    assert found.f1.value == (None if f1 is None else pytest.approx(f1))
    assert found.f1_by_kind.value == (None if by_kind is None else pytest.approx(by_kind))
    for figure, value in ((found.alpha, bool), (found.alpha_by_kind, sorted)):
        units: list[tuple[str, int]] = []
        codes: list[int] = []
        known: dict[str, int] = {}
        for one in labels:
            for at, kinds in enumerate(marks(one)):
                units.append((one.item, at))
                codes.append(known.setdefault(str(value(kinds)), len(known)))
        numbers = {unit: n for n, unit in enumerate(dict.fromkeys(units))}
        if f1 is not None:
            one_by_one = krippendorff_alpha(
                np.array([numbers[unit] for unit in units]),
                np.array(codes, dtype=np.float64),
                level="nominal",
                n=1,
                sampling=POINT,
            )
            wanted = one_by_one.value
            assert figure.value == (None if wanted is None else pytest.approx(wanted))


@steady
@given(span_sets(), st.randoms(use_true_random=False))
def test_neither_order_nor_names_matter(labels: list[SpanLabel], random: object) -> None:
    assert hasattr(random, "shuffle")
    turned = list(labels)
    random.shuffle(turned)
    other = {"ada": "zoe", "ben": "yan", "cyd": "xia"}
    renamed = [SpanLabel(one.item, other[one.annotator], one.length, one.spans) for one in turned]
    before, after = values(span_agreement(labels, POINT)), values(span_agreement(renamed, POINT))
    assert before == {name: None if value is None else pytest.approx(value) for name, value in after.items()}


def test_items_one_by_one_are_means_over_their_pairs() -> None:
    def marked(item: str, who: str, *spans: MarkedSpan) -> SpanLabel:
        return SpanLabel(item, who, 10, spans)

    first, half = MarkedSpan(0, 4, "other"), MarkedSpan(0, 2, "other")
    told = [marked("b", "x", first), marked("b", "y", half), marked("b", "z"), marked("a", "x")]
    told += [marked("c", who, MarkedSpan(0, 4, kind)) for who, kind in (("x", "other"), ("y", "contradicts"))]
    by_name = {one.item: one for one in span_items(told)}
    assert list(by_name) == ["b", "c"]
    # F1 of x and y is 2·2/(4+2), of the others 0; x and y alone agree that there is something.
    assert by_name["b"].labels == 3
    assert by_name["b"].presence == pytest.approx(1 / 3)
    assert by_name["b"].f1 == by_name["b"].f1_by_kind == pytest.approx((2 / 3) / 3)
    assert (by_name["c"].presence, by_name["c"].f1, by_name["c"].f1_by_kind) == (1.0, 1.0, 0.0)
