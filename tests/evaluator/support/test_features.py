"""The words of a sentence, and the eight features reckoned by hand."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.support.features import FEATURES, evidence_of, features_of, reading_of
from evaluator.support.sentences import split_sentences
from evaluator.support.wording import stem, wording_of
from tests.evaluator.support.reading_stand_in import WordEncoder


def features(context: str, passage: str) -> dict[str, float]:
    encoder = WordEncoder()
    sides = [[one.text for one in split_sentences(side)] for side in (context, passage)]
    vectors = encoder.encode(text for side in sides for text in side)
    given, said = ([reading_of(text, vectors[text]) for text in side] for side in sides)
    return dict(zip(FEATURES, features_of(said, evidence_of(given)), strict=True))


def test_words_of_a_sentence() -> None:
    found = wording_of("He isn't in Rome, I think: 1,200 of two cities?")
    assert found.stems == ("he", "is", "not", "in", "rome", "i", "think", "1", "200", "of", "two", "cit")
    assert found.content == (False, False, False, False, True, False, True, True, True, False, True, True)
    assert found.names == {"rome"}
    assert found.numbers == {"1", "200", "2"}
    assert (found.speakers, found.asks) == (1, True)


def test_tokenised_text_reads_alike() -> None:
    plain, tokenised = wording_of("It didn't cost 1,200."), wording_of("It did n't cost 1 , 200 .")
    assert plain == tokenised
    assert wording_of("Words name nobody").names == frozenset()


@pytest.mark.parametrize(
    ("word", "wanted"),
    [("running", "runn"), ("cities", "cit"), ("tied", "tied"), ("is", "is"), ("1990s", "1990s")],
)
def test_stems(word: str, wanted: str) -> None:
    assert stem(word) == wanted


def test_each_feature_by_hand() -> None:
    found = features("Ada wrote 12 books. She sailed home.", "Ada wrote 13 Novels with Ben.")
    # Content words ada, wrote, 13, novel, ben: the context has two of them.
    assert found["word_share"] == pytest.approx(2 / 5)
    # Pairs ada-wrote, wrote-13, 13-novel, novel-with, with-ben: the context has the first.
    assert found["pair_share"] == pytest.approx(1 / 5)
    # Tokens ada, wrote match; 13, novels, with, ben do not.
    assert found["token_match"] == pytest.approx(2 / 6)
    assert found["weakest_tokens"] == 0.0
    assert found["names_missing"] == 1.0
    assert found["numbers_missing"] == 1.0
    assert found["speaks"] == 0.0
    assert found["asks"] == 0.0


def test_a_copy_is_fully_matched() -> None:
    found = features("Ada wrote 12 books. She sailed home.", "She sailed home.")
    assert found == {
        "word_share": 1.0, "pair_share": 1.0, "token_match": 1.0, "weakest_tokens": 1.0, "names_missing": 0.0,
        "numbers_missing": 0.0, "speaks": 0.0, "asks": 0.0,
    }  # fmt: skip


def test_weakest_quarter_of_the_tokens() -> None:
    # Eight tokens: the weakest two are the unmatched one and one that matches.
    assert features("a b c d e f g.", "a b c d e f g zz.")["weakest_tokens"] == pytest.approx(0.5)
    assert features("a b c d e f g.", "a b c d e f g zz.")["token_match"] == pytest.approx(7 / 8)


def test_speakers_and_questions_over_several_sentences() -> None:
    found = features("It rains.", "I think it rains. Do you? It rains.")
    assert found["speaks"] == pytest.approx(2 / 8)
    assert found["asks"] == pytest.approx(1 / 3)


def test_names_and_numbers_are_shares_of_their_own_kind() -> None:
    found = features("We saw Rome and Oslo in 1990.", "They saw Rome, Lima and Oslo in 1990 and 1991.")
    assert found["names_missing"] == pytest.approx(1 / 3)
    assert found["numbers_missing"] == pytest.approx(1 / 2)


def test_pairs_of_a_single_word_and_of_function_words() -> None:
    assert features("Yes it is.", "Yes.")["pair_share"] == 1.0
    assert features("No.", "Yes.")["pair_share"] == 0.0
    assert features("it is so", "it was")["word_share"] == pytest.approx(1 / 2)


def test_pairs_keep_their_order() -> None:
    found = features("Ada met Ben and left.", "Ben met Ada left.")
    assert found["word_share"] == 1.0
    assert found["pair_share"] == 0.0


def test_length_is_no_feature() -> None:
    short = features("Ada wrote books. Ben sails.", "Ada wrote books.")
    long = features("Ada wrote books. Ben sails.", "Ada wrote books. Ada wrote books. Ada wrote books.")
    assert short["word_share"] == long["word_share"]
    assert short["token_match"] == long["token_match"]


def test_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="supports nothing"):
        evidence_of([])
    reading = reading_of("Yes.", WordEncoder().encode(["Yes."])["Yes."])
    with pytest.raises(ValueError, match="claims nothing"):
        features_of([], evidence_of([reading]))


def test_a_passage_without_a_token_matches_nothing() -> None:
    empty = WordEncoder().encode(["..."])["..."]
    found = features_of([reading_of("...", empty)], evidence_of([reading_of("...", empty)]))
    assert np.isfinite(found).all()
    assert found[0] == 0.0
