"""Spans of an answer: the rules of the public format, by hand and by property."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.errors import BadInput
from evaluator.spans import KINDS, MOST_SPANS, Span, parse_spans, read_spans, text_digest
from tests.evaluator.lines import steady

CONTEXT, RESPONSE = "Lima is in Peru.", "👍🏽 Lima e\u0301 利马"
LENGTH = len(RESPONSE)


def parsed(*told: dict[str, object]) -> tuple[Span, ...]:
    return parse_spans(list(told), context=CONTEXT, response=RESPONSE, where="spans")


def refusal(*told: object) -> str:
    with pytest.raises(BadInput) as refused:
        parse_spans(list(told), context=CONTEXT, response=RESPONSE, where="spans")
    return str(refused.value)


def span(**more: object) -> dict[str, object]:
    return {"start": 0, "end": 2, "kind": "other", **more}


def test_offsets_count_code_points() -> None:
    """A thumb with a skin tone is two, an e with its accent two, a Chinese character one: thirteen in all."""
    assert LENGTH == 13
    assert parsed(span(end=13)) == (Span(0, 13, "other"),)
    assert refusal(span(end=14)) == "spans[0]: end: found 14, wanted at most 13, the answer's length"


def test_the_source_has_its_own_length() -> None:
    assert parsed(span(source_start=0, source_end=16)) == (Span(0, 2, "other", (0, 16)),)
    told = "spans[0]: source_end: found 17, wanted at most 16, the source's length"
    assert refusal(span(source_start=0, source_end=17)) == told


def test_both_ends_of_the_source_or_none() -> None:
    assert refusal(span(source_start=0)) == "spans[0]: found no 'source_end', wanted a number of characters"
    assert refusal(span(source_end=2)) == "spans[0]: found no 'source_start', wanted a number of characters"


def test_an_end_stands_after_its_start() -> None:
    told = "spans[0]: found start 2 and end 2, wanted the start before the end"
    assert refusal(span(start=2)) == told
    assert parsed(span(start=1)) == (Span(1, 2, "other"),)
    told = "spans[1]: found source_start 5 and source_end 4, wanted the start before the end"
    assert refusal(span(), span(source_start=5, source_end=4)) == told
    assert refusal(span(start=-1)) == "spans[0]: start: found a number -1, wanted a whole number, at least 0"


def test_spans_may_overlap_but_not_repeat() -> None:
    assert len(parsed(span(), span(end=3), span(kind="contradicts"), span(source_start=0, source_end=1))) == 4
    assert (
        refusal(span(), span(end=3), span(end=3)) == "spans[2]: found spans[1] again, wanted each span once"
    )


def test_at_most_two_hundred() -> None:
    many = [
        span(start=0, end=1, source_start=n % 15, source_end=16, kind=KINDS[n // 15 % 4]) for n in range(60)
    ]
    more = [span(start=at, end=at + 1 + n, kind="other") for at in range(1, 12) for n in range(12 - at)]
    rest = [span(start=at, end=at + 1 + n, kind="contradicts") for at in range(1, 12) for n in range(12 - at)]
    spans = [*many, *more, *rest, *({**one, "source_start": 0, "source_end": 1} for one in more)]
    assert len(parsed(*spans[:MOST_SPANS])) == MOST_SPANS == 200
    assert refusal(*spans[: MOST_SPANS + 1]) == "spans: found 201 of them, wanted at most 200"


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_known(kind: str) -> None:
    assert parsed(span(kind=kind))[0].kind == kind


def test_no_span_at_all_is_a_label_too() -> None:
    assert parsed() == ()


@st.composite
def told_spans(draw: st.DrawFn) -> list[dict[str, object]]:
    def ends(length: int) -> st.SearchStrategy[tuple[int, int]]:
        start = st.integers(0, length - 1)
        return start.flatmap(lambda at: st.tuples(st.just(at), st.integers(at + 1, length)))

    found = []
    for _ in range(draw(st.integers(0, 5))):
        start, end = draw(ends(LENGTH))
        one: dict[str, object] = {"start": start, "end": end, "kind": draw(st.sampled_from(KINDS))}
        if draw(st.booleans()):
            one["source_start"], one["source_end"] = draw(ends(len(CONTEXT)))
        if one not in found:
            found.append(one)
    return found


@steady
@given(told_spans())
def test_what_is_parsed_is_written_back(told: list[dict[str, object]]) -> None:
    assert [one.to_line() for one in parsed(*told)] == told


def test_the_digest_tells_texts_apart() -> None:
    assert text_digest("a", "b") == text_digest("a", "b")
    assert (
        len({text_digest(*pair) for pair in (("a", "b"), ("b", "a"), ("ab", ""), ("", "ab"), ("a", "b "))})
        == 5
    )


def test_a_file_is_read_whole() -> None:
    found = read_spans(Path(__file__).parents[1] / "formats/good/spans/spans.jsonl")
    assert [(one.id, one.item, one.annotator, len(one.spans)) for one in found] == [
        ("s1", "i1", "ada", 2),
        ("s2", "i1", "ben", 0),
        ("s3", "i2", "ada", 3),
    ]
    marked = [one.response[span.start : span.end] for one in found for span in one.spans]
    assert marked == ["in Chile", "It was founded in 1535.", "👍🏽", "e\u0301 שלום 利马", " 利马"]
    assert found[0].spans[0].source == (12, 27)
    assert found[0].context[12:27] == "capital of Peru"
