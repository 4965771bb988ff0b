"""Votes, answers and calibration on numbers that can be checked by hand; questions in four formats."""

from typing import Any

import pytest

from trainer.prompts import Message
from trainer.self_improvement.formats import FORMATS, Example, put, taught
from trainer.self_improvement.specs import SelfImproveSpec
from trainer.self_improvement.voting import answer_of, calibration, is_right, majority, normalised

MARKER = "The answer is"
EXAMPLES = [Example("1+1?", "One and one. The answer is 2.", "2")]
ASKED = [Message("system", "Count."), Message("user", "2+2?")]


def spec(**changes: object) -> SelfImproveSpec:
    return SelfImproveSpec.from_json({"questions": "q", "model": "m", "out": "o", **changes}, "-")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("So 4. The answer is 4.", "4"),
        ("The answer is 3. No: The answer is 5", "5"),
        ("The answer is: Lima\nQ: and then?", "Lima"),
        ("It is 4.", None),
        ("The answer is", None),
        ("The answer is 1.5.", "1.5"),
    ],
)
def test_the_last_answer_of_a_path_is_its_answer(text: str, answer: str | None) -> None:
    assert answer_of(text, MARKER) == answer


def test_answers_are_compared_in_normal_form() -> None:
    assert normalised("1,200.00") == normalised("1200") == "1200"
    assert normalised(" LIMA  city ") == "lima city"
    assert normalised("100") == "100"
    assert is_right("Lima", "lima")
    assert not is_right(None, "lima")
    assert not is_right("4", "5")


def test_the_majority_is_of_all_paths() -> None:
    vote = majority(["4", "5", None, "4.0", "7"])
    assert (vote.answer, vote.confidence, vote.winners) == ("4", 0.4, (0, 3))
    assert majority(["5", "4", "4", "5"]).answer == "5"
    assert majority([None, None]).answer is None
    assert majority([None]).confidence == 0.0


def test_calibration_by_hand() -> None:
    found: dict[str, Any] = calibration([0.95, 0.91, 0.55, 0.5, 1.0], [True, False, True, True, True])
    assert [(row["questions"], row["accuracy"]) for row in found["bins"]] == [(2, 1.0), (3, 2 / 3)]
    assert found["ece"] == pytest.approx(2 / 5 * (1 - 0.525) + 3 / 5 * abs(2 / 3 - (0.95 + 0.91 + 1) / 3))
    with pytest.raises(ValueError, match="no question"):
        calibration([], [])


def test_a_question_is_put_in_four_formats() -> None:
    told = {form: [(one.role, one.content) for one in put(ASKED, form, EXAMPLES, MARKER)] for form in FORMATS}
    turn = ("system", "Count."), ("user", "1+1?")
    assert told["chain-of-thought"] == [*turn, ("assistant", EXAMPLES[0].reasoning), ("user", "2+2?")]
    assert told["direct"] == [*turn, ("assistant", "The answer is 2."), ("user", "2+2?")]
    assert told["step-by-step"] == [("system", "Count."), ("user", "2+2?\nLet's think step by step.")]
    assert told["plain"] == [("system", "Count."), ("user", "2+2?")]
    said = {form: taught(form, "Two twos. The answer is 4.", "4", MARKER) for form in FORMATS}
    assert said["chain-of-thought"] == said["step-by-step"] == "Two twos. The answer is 4."
    assert said["direct"] == said["plain"] == "The answer is 4."


def test_paths_are_shared_out_to_the_temperatures() -> None:
    assert spec(paths=7, temperatures="0.7,1.2").by_temperature == {0.7: 4, 1.2: 3}
    assert spec(paths=4, temperatures="1").by_temperature == {1.0: 4}


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"temperatures": "0.7,warm"}, "numbers above 0 parted by commas"),
        ({"temperatures": "0"}, "numbers above 0"),
        ({"temperatures": ""}, "numbers above 0"),
        ({"paths": 1}, "1 paths, wanted one at least for each of temperatures 0.7,1.2"),
        ({"marker": " "}, "an empty marker"),
        ({"confidence": 1.5}, "confidence: found 1.5"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, object], wanted: str) -> None:
    from trainer.errors import BadInput

    with pytest.raises(BadInput, match=wanted):
        spec(**changes)
