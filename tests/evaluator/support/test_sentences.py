"""Where sentences begin and end, and that no character is lost or told twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.support.sentences import pieces, split_sentences
from tests.evaluator.lines import steady


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("He left. She stayed.", ["He left.", "She stayed."]),
        ("he left . she stayed !", ["he left .", "she stayed !"]),
        ("Dr. Smith met J. Doe at 5 p.m. today.", ["Dr. Smith met J. Doe at 5 p.m. today."]),
        ("In 98 . 7 per cent of cases .", ["In 98 . 7 per cent of cases ."]),
        ("In 2010. 7 came.", ["In 2010.", "7 came."]),
        ("It is 3.5 long. Yes.", ["It is 3.5 long.", "Yes."]),
        ('"Go." He went.', ['"Go."', "He went."]),
        ("Well... she went.", ["Well...", "she went."]),
        ("So do I. He too.", ["So do I.", "He too."]),
        ("这是一句。这是第二句！", ["这是一句。", "这是第二句！"]),
        ("A title\nand a line", ["A title", "and a line"]),
        ("Yes. ! No.", ["Yes. !", "No."]),
        ("He said etc... She left.", ["He said etc...", "She left."]),
        ("She said no. He left.", ["She said no.", "He left."]),
        ("See No. 5 and p. 7 there.", ["See No. 5 and p. 7 there."]),
        ("no end", ["no end"]),
        ("  \n ", []),
        ("", []),
        ("!!!", ["!!!"]),
    ],
)
def test_sentences(text: str, wanted: list[str]) -> None:
    assert [sentence.text for sentence in split_sentences(text)] == wanted


@steady
@given(st.text(alphabet="ab .!?。\nD r9", max_size=60))
def test_sentences_stand_where_they_say_and_leave_only_blank_space(text: str) -> None:
    found = split_sentences(text)
    end = 0
    for sentence in found:
        assert text[sentence.start : sentence.end] == sentence.text
        assert sentence.text == sentence.text.strip() != ""
        assert not text[end : sentence.start].strip()
        end = sentence.end
    assert not text[end:].strip()


def test_a_long_sentence_of_a_context_is_cut_at_blank_space() -> None:
    found = pieces("one two three four", longest=9)
    assert [piece.text for piece in found] == ["one two", "three", "four"]
    assert [piece.text for piece in pieces("x" * 25, longest=10)] == ["x" * 10, "x" * 10, "x" * 5]
    assert [piece.text for piece in pieces("ab cd.", longest=6)] == ["ab cd."]


@steady
@given(st.text(alphabet="ab .", max_size=80), st.integers(3, 12))
def test_pieces_hold_every_word_once(text: str, longest: int) -> None:
    found = pieces(text, longest)
    assert all(len(piece.text) <= longest for piece in found)
    assert "".join("".join(piece.text.split()) for piece in found) == "".join(text.split())
