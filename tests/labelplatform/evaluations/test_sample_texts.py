"""What a reader sees of a sample: sentences marked where they stand, the answer chosen, words that are there."""

from labelplatform.evaluations.sample_texts import (
    LONGEST_TEXT,
    Piece,
    answer_given,
    given_answers,
    holds,
    pieces,
    shortened,
    shown_sample,
)
from tests.labelplatform.evaluations.sample_reports import (
    CONTEXT,
    RESPONSE,
    SENTENCES,
    choice_item,
    grounded_item,
    open_item,
)


def test_each_sentence_is_marked_where_it_stands() -> None:
    found = pieces(RESPONSE, SENTENCES)
    assert found == (
        Piece("The ferry leaves at nine.", 0.93, False),
        Piece("  "),
        Piece("Dogs travel free.", 0.08, True),
        Piece(" "),
    )
    assert "".join(piece.text for piece in found) == RESPONSE


def test_a_sentence_that_stands_twice_is_marked_twice() -> None:
    twice = [
        {"text": "No.", "support": 0.1, "invented": True},
        {"text": "No.", "support": 0.9, "invented": False},
    ]
    assert [piece.support for piece in pieces("No. No.", twice)] == [0.1, None, 0.9]


def test_what_was_cut_is_plain_and_what_is_not_there_marks_nothing() -> None:
    assert pieces("The ferry leaves at nine.  Dogs tr…", SENTENCES)[-1] == Piece("  Dogs tr…")
    assert pieces("Something else.", SENTENCES) == ()


def test_the_likeliest_answer_is_the_one_chosen_the_first_of_equals() -> None:
    assert [one.chosen for one in given_answers(choice_item("a", [-3.0, -1.0, -1.0], 0.0))] == [
        False,
        True,
        False,
    ]
    assert [one.best for one in given_answers(choice_item("a", [-3.0, -1.0, -1.0], 0.0))] == [
        True,
        False,
        False,
    ]
    assert answer_given(choice_item("a", [-0.5, -1.0, -1.0], 1.0)) == "Nothing happens."


def test_of_two_options_the_letter_says_which_was_chosen() -> None:
    told = {"best": "Yes.", "best_incorrect": "No.", "log_likelihoods": [-2.0, -1.0]}
    assert answer_given({**told, "right_option": "A"}) == "No."
    assert answer_given({**told, "right_option": "B"}) == "Yes."


def test_without_likelihoods_nothing_was_chosen() -> None:
    sample = {"answers": ["Yes.", "No."], "best": "No."}
    assert [(one.chosen, one.best) for one in given_answers(sample)] == [(False, False), (False, True)]
    assert answer_given(sample) == ""
    assert answer_given({"response": "Maybe.", **sample}) == "Maybe."


def test_a_sample_is_shown_with_all_it_has() -> None:
    shown = shown_sample(grounded_item("a", 1.0))
    assert (shown.question, shown.context, shown.response) == ("When does it leave?", CONTEXT, RESPONSE)
    assert ("hallucinated", 1.0) in shown.scores
    shown = shown_sample({**open_item("a", "right"), "confidence": 0.85, "reason": "alias"})
    assert shown.references == ("Peru",)
    assert shown.details == (("stated confidence", "0.85"), ("why", "alias"))
    assert shown_sample({"id": "a", "scores": {}, "not_measured": "nothing said"}).missing == "nothing said"
    facts = shown_sample({"id": "a", "scores": {}, "facts": [{"text": "x", "supported": False}]}).facts
    assert [(one.text, one.supported) for one in facts] == [("x", False)]


def test_words_are_found_however_deep_and_in_capitals() -> None:
    sample = grounded_item("a", 1.0)
    assert holds(sample, "dogs TRAVEL")
    assert holds(sample, "14 euros")
    assert not holds(sample, "cats")
    assert holds({"x": [{"y": "Straße"}]}, "STRASSE")


def test_long_texts_are_cut_in_lists() -> None:
    cut = shortened({"a": ["x" * (LONGEST_TEXT + 1)], "b": "y" * LONGEST_TEXT, "c": 3})
    assert cut == {"a": ["x" * LONGEST_TEXT + "…"], "b": "y" * LONGEST_TEXT, "c": 3}
