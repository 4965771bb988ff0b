"""An answer in pieces, as a researcher sees what people marked."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from labelplatform.accounts.models import Project, User
from labelplatform.labels.marked_texts import Piece, pieces
from tests.evaluator.lines import steady
from tests.labelplatform.labels.test_span_and_demonstration_files import build, give

TEXT = "👍🏽 Lima is in Chile."


def span(start: int, end: int, kind: str = "other", **more: int) -> dict[str, Any]:
    return {"start": start, "end": end, "kind": kind, **more}


def test_a_text_is_cut_where_spans_begin_and_end() -> None:
    found = pieces(TEXT, [span(3, 7), span(5, 10, "contradicts"), span(5, 7)])
    assert found == [
        Piece("👍🏽 ", "", ""),
        Piece("Li", "other", "1"),
        Piece("ma", "several", "2 3"),
        Piece(" is", "contradicts", ""),
        Piece(" in Chile.", "", ""),
    ]
    assert pieces(TEXT, []) == [Piece(TEXT, "", "")]
    assert pieces("", []) == []


@steady
@given(
    st.lists(
        st.tuples(st.integers(0, 19), st.integers(1, 20), st.sampled_from("ab")).filter(
            lambda told: told[0] < told[1]
        ),
        max_size=5,
    )
)
def test_the_pieces_are_the_text_and_each_knows_its_kinds(told: list[tuple[int, int, str]]) -> None:
    spans = [span(*one) for one in told]
    found = pieces(TEXT, spans)
    assert "".join(piece.text for piece in found) == TEXT
    at = 0
    for piece in found:
        for place in range(at, at + len(piece.text)):
            kinds = {one["kind"] for one in spans if one["start"] <= place < one["end"]}
            assert piece.kind == ("several" if len(kinds) > 1 else "".join(kinds))
        at += len(piece.text)


@pytest.mark.django_db
def test_a_researcher_sees_what_was_marked(project: Project, rosa: User, ada: User, client: Client) -> None:
    told = {**span(8, 16, "contradicts"), "source_start": 8, "source_end": 15}
    label = give(build(project, rosa, "spans"), ada, {"spans": [told]})
    client.force_login(rosa)
    page = client.get(reverse("labels:item", args=[project.slug, label.item_id])).content.decode()
    assert '<mark class="marked" data-kind="contradicts" data-number="1">in Chile</mark>.' in page
    assert "<b>1</b> in Peru</p>" in page
    client.force_login(ada)
    assert client.get(reverse("labels:item", args=[project.slug, label.item_id])).status_code == 403
