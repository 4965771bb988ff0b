"""The three forms of self-consistency, by hand; facts and the passages they are looked up in."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from evaluator.errors import BadInput
from evaluator.support.facts import factscore, length_penalty
from evaluator.support.knowledge import Knowledge, Passage, read_knowledge
from evaluator.support.nli import NliModel
from evaluator.support.self_consistency import Sampled, by_embeddings, by_entailment, by_ngrams
from tests.evaluator.lines import Line, write_lines
from tests.evaluator.support.reading_stand_in import WordEncoder
from tests.evaluator.support.tiny_models import nli_folder


def quiet(_done: int, _of: int) -> None:
    pass


def test_unigrams_by_hand() -> None:
    # Counts over response and samples: ada 3, left 2, ben 2, stayed 1, of 8 words.
    found = by_ngrams(Sampled("Ada left. Ben stayed.", ("Ada left.", "Ben ada.")))
    each = [(-math.log(3 / 8) - math.log(2 / 8)) / 2, (-math.log(2 / 8) - math.log(1 / 8)) / 2]
    assert [value for _text, value in found.sentences] == pytest.approx(each)
    assert found.value == pytest.approx(sum(each) / 2)
    assert found.more["max"] == pytest.approx((-math.log(2 / 8) - math.log(1 / 8)) / 2)
    assert [text for text, _value in found.sentences] == ["Ada left.", "Ben stayed."]


def test_the_whole_is_a_mean_over_words_not_sentences() -> None:
    found = by_ngrams(Sampled("Ada. Ben ben ben.", ("Ada.",)))
    assert found.value == pytest.approx((-math.log(2 / 5) - 3 * math.log(3 / 5)) / 4)


def test_bigrams_are_padded_and_joint() -> None:
    # (<s>, ada) twice, (ada, left) once, (ada, wrote) once, of 4.
    found = by_ngrams(Sampled("Ada left.", ("Ada wrote.",)), size=2)
    assert found.value == pytest.approx((-math.log(2 / 4) - math.log(1 / 4)) / 2)


def test_a_response_without_a_word() -> None:
    assert by_ngrams(Sampled("!!!", ("Ada.",))).value == 0.0


def test_entailment_against_each_sample(tmp_path: Path) -> None:
    model = NliModel(nli_folder(tmp_path))
    many = [
        Sampled("ada left . ben stayed .", ("ada wrote .", "he left .")),
        Sampled("rain .", ("in may .",)),
    ]
    found = by_entailment(many, model, quiet)
    for one, sampled in zip(found, many, strict=True):
        for text, value in one.sentences:
            rows = model.probabilities([(text, sample) for sample in sampled.samples])
            assert value == pytest.approx(float(np.mean(rows[:, 1] / (rows[:, 0] + rows[:, 1]))), abs=1e-6)
        assert one.value == pytest.approx(sum(value for _, value in one.sentences) / len(one.sentences))
        assert one.more["max"] == max(value for _, value in one.sentences)
    assert [len(one.sentences) for one in found] == [2, 1]


def test_a_model_without_contradiction_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="two labels"):
        by_entailment([], NliModel(nli_folder(tmp_path, {0: "a", 1: "b"})), quiet)


def test_embeddings_by_hand() -> None:
    many = [Sampled("Ada left. Ben stayed.", ("Ada left. Rain.", "Ada ben.", ""))]
    found = by_embeddings(many, WordEncoder())[0]
    # Best cosines: "ada left" 1, 1/2 and nothing; "ben stayed" 0, 1/2 and nothing.
    assert [value for _text, value in found.sentences] == pytest.approx([1 - 1.5 / 3, 1 - 0.5 / 3])
    assert found.value == pytest.approx(1 - 1 / 3)
    assert found.more["max"] == pytest.approx(1 - 0.5 / 3)


def test_factscore_by_hand() -> None:
    assert length_penalty(11) == length_penalty(30) == 1.0
    assert length_penalty(10) == 1.0
    assert length_penalty(5) == pytest.approx(math.exp(-1))
    assert factscore([True, False]) == pytest.approx(0.5 * math.exp(1 - 10 / 2))
    assert factscore([True] * 12) == 1.0
    with pytest.raises(ValueError, match="no score"):
        factscore([])


PASSAGES = [
    Passage("a", "Ada wrote books."),
    Passage("b", "Ben sailed home."),
    Passage("c", "Rain fell in May. Ben stayed."),
    *(Passage(f"x{n}", f"word{n} other{n}.") for n in range(6)),
]


def test_passages_are_found_by_words_by_meaning_and_by_both() -> None:
    for how in ("bm25", "embedding", "both"):
        knowledge = Knowledge(PASSAGES, WordEncoder(), how)
        found = knowledge.look_up(["Ben sailed.", "May rain."])
        assert [passages[0].id for passages in found] == ["b", "c"]
        assert all(len(passages) <= 5 for passages in found)
    words = Knowledge(PASSAGES, WordEncoder(), "bm25")
    assert [passage.id for passage in words.look_up(["Ben sailed."])[0]] == ["b", "c"]
    assert words.look_up(["nothing known", "!!!"]) == [[], []]
    assert words.look_up([]) == []


def test_both_orders_count() -> None:
    """What stands second in both orders beats what is first in one and far in the other."""
    found = Knowledge(PASSAGES, WordEncoder(), "both").look_up(["Ben stayed in May."])[0]
    assert found[0].id == "c"
    assert found[1].id == "b"
    assert len(found) == 5


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], "found no line"),
        ([{"id": "a"}], "found no 'text'"),
        ([{"id": "a", "text": ""}], "text: found text"),
        ([{"id": "a", "text": "x"}, {"id": "a", "text": "y"}], "found 'a' again"),
        ([{"id": "a", "text": "x", "title": 3}], "title: found a number 3"),
    ],
)
def test_bad_knowledge(tmp_path: Path, lines: list[Line], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        read_knowledge(write_lines(tmp_path / "k.jsonl", lines))


def test_titles_stand_before_their_text(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "k.jsonl", [{"id": "a", "title": "Ada", "text": "She wrote."}])
    assert read_knowledge(path) == [Passage("a", "Ada\nShe wrote.")]
