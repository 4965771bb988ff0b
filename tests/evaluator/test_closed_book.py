"""The closed-book rule against an adversarial table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.metrics.closed_book import abstains, grade_line, grade_response, grades
from evaluator.metrics.normalisation import occurrences, words
from tests.evaluator.lines import answered, question, steady

KOREA = ["South Korea", "Republic of Korea", "韩国"]
ASKED = "Which country is Iksan in?"
COUNTRIES = ["South Korea", "North Korea", "Japan", "China", "Korea", "Guinea", "Equatorial Guinea", "Jordan"]

RIGHT = [
    "South Korea",
    "south korea.",
    "SOUTH KOREA!!!",
    " The Republic of Korea ",
    "Ｓｏｕｔｈ　Ｋｏｒｅａ",
    "韩国",
    "是韩国。",
    "答案是韩国",
    "它位于韩国。",
    "Iksan is in South Korea.",
    "It is located in South Korea.",
    "The answer is: South Korea.",
    "I think it is in South Korea.",
    "South Korea (Republic of Korea)",
    "South Korea. It is in South Korea.",
    "**South Korea**",
]
ABSTAINED = [
    "I do not know.",
    "I don't know",
    "I don’t know.",
    "i dont know",
    "I'm not sure.",
    "Sorry, I have no idea.",
    "I do not know which country Iksan is in.",
    "I do not know the answer to that question.",
    "Unfortunately, I don't have enough information.",
    "Unknown.",
    "I have no comment.",
    "我不知道。",
    "抱歉，我不知道这个问题的答案。",
    "对不起，我不清楚。",
    "無法回答",
]
WRONG = [
    "Japan",
    "North Korea",
    "Korea",
    "",
    "   ",
    "...",
    "It is not South Korea.",
    "It isn't in South Korea",
    "不是韩国",
    "South Korea or Japan",
    "South Korea, Japan, China",
    "Japan. South Korea.",
    "South Korea. Japan.",
    "Either South Korea or North Korea.",
    "Perhaps South Korea.",
    "South Korea, maybe?",
    "It might be South Korea",
    "可能是韩国",
    "韩国或日本",
    "韩国日本",
    "I don't know, South Korea.",
    "I don't know. Perhaps Japan?",
    "I do not know, but I guess Japan.",
    "我不知道，可能是日本。",
    "我不知道，日本。",
    "Not Japan but South Korea",
    "South Korea? No.",
    "South Koreans live there",
    "Nobody knows South Korea",
    "对不起",
    "Sorry.",
    "I know.",
    "Seoul",
    "South Korea is near Japan, so it could be either.",
]


@pytest.mark.parametrize("response", RIGHT)
def test_right(response: str) -> None:
    assert grade_response(response, KOREA, question=ASKED).outcome == "right"


@pytest.mark.parametrize("response", ABSTAINED)
def test_abstained(response: str) -> None:
    assert grade_response(response, KOREA, question=ASKED).outcome == "abstained"


@pytest.mark.parametrize("response", WRONG)
def test_wrong(response: str) -> None:
    assert grade_response(response, KOREA, question=ASKED).outcome == "wrong"


@pytest.mark.parametrize("response", RIGHT)
def test_known_candidates_take_nothing_from_a_right_answer(response: str) -> None:
    assert grade_response(response, KOREA, question=ASKED, candidates=COUNTRIES).outcome == "right"


@pytest.mark.parametrize("response", [*WRONG, *ABSTAINED])
def test_known_candidates_make_nothing_right(response: str) -> None:
    assert grade_response(response, KOREA, question=ASKED, candidates=COUNTRIES).outcome != "right"


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        ("South Korea. Iksan is famous for its jewels.", "right"),
        ("South Korea.\nA city of old temples!", "right"),
        ("South Korea. Some say Japan.", "wrong"),
        ("South Korea. That is not certain.", "wrong"),
        ("South Korea. Perhaps it lies elsewhere.", "wrong"),
        ("South Korea. To be honest I do not know.", "wrong"),
        ("South Korea. Dunno.", "wrong"),
        ("Famous for jewels. South Korea.", "wrong"),
    ],
)
def test_an_explanation_is_allowed_where_candidates_are_known(response: str, outcome: str) -> None:
    assert grade_response(response, KOREA, question=ASKED, candidates=COUNTRIES).outcome == outcome
    assert grade_response(response, KOREA, question=ASKED).outcome == "wrong"


def test_a_shorter_name_does_not_hide_a_longer_one() -> None:
    told = "Guinea. Equatorial Guinea lies further south."
    assert grade_response(told, ["Guinea"], candidates=COUNTRIES).outcome == "wrong"
    assert grade_response("Equatorial Guinea", ["Guinea"]).outcome == "wrong"
    assert grade_response("Nigeria", ["Niger"]).outcome == "wrong"


def test_a_framing_word_that_is_a_candidate_is_a_candidate() -> None:
    asked = "Where does the river end?"
    assert grade_response("Capital, Jordan", ["Jordan"], question=asked).outcome == "right"
    graded = grade_response("Capital, Jordan", ["Jordan"], question=asked, candidates=["Capital", "Jordan"])
    assert (graded.outcome, graded.reason) == ("wrong", "also names capital")


def test_naming_both_of_a_choice_is_wrong() -> None:
    asked = "Which is larger, France or Spain?"
    assert grade_response("France", ["France"], question=asked).outcome == "right"
    assert grade_response("France Spain", ["France"], question=asked).outcome == "wrong"
    assert grade_response("法国和西班牙", ["法国"], question="法国还是西班牙更大？").outcome == "wrong"


def test_a_negation_in_the_question_excuses_none_in_the_answer() -> None:
    asked = "Which of these does not lie in Asia?"
    assert grade_response("Peru", ["Peru"], question=asked).outcome == "right"
    assert grade_response("Not Peru", ["Peru"], question=asked).outcome == "wrong"


def test_an_answer_can_itself_sound_like_an_admission() -> None:
    assert grade_response("Unknown", ["Unknown"]).outcome == "right"


def test_scores_and_grade_of_each_outcome() -> None:
    line = question("Iksan", *KOREA)
    told = [answered(line, said) for said in ("South Korea", "I do not know.", "Japan")]
    assert grades(told) == [
        {"right": 1.0, "abstained": 0.0, "wrong": 0.0, "grade": 1.0},
        {"right": 0.0, "abstained": 1.0, "wrong": 0.0, "grade": 0.5},
        {"right": 0.0, "abstained": 0.0, "wrong": 1.0, "grade": 0.0},
    ]


@steady
@given(st.lists(st.sampled_from([*RIGHT, *ABSTAINED, *WRONG]), min_size=1, max_size=12), st.integers(1, 12))
def test_no_line_looks_at_another(responses: list[str], batch: int) -> None:
    told = [answered(question("Iksan", *KOREA), response) for response in responses]
    whole = grades(told)
    parts = [score for start in range(0, len(told), batch) for score in grades(told[start : start + batch])]
    assert parts == whole
    assert grades(told[::-1]) == whole[::-1]


@steady
@given(st.text(max_size=60))
def test_any_text_has_exactly_one_outcome(response: str) -> None:
    scores = grades([answered(question("Iksan", *KOREA), response)])[0]
    assert scores["right"] + scores["abstained"] + scores["wrong"] == 1
    assert scores["grade"] == scores["right"] + 0.5 * scores["abstained"]


@steady
@given(st.lists(st.sampled_from(COUNTRIES[:4]), min_size=2, max_size=4, unique=True))
def test_naming_several_is_never_right(named: list[str]) -> None:
    for separator in (", ", " or ", ". ", " and ", "\n", "; "):
        assert grade_response(separator.join(named), [named[0]], question=ASKED).outcome == "wrong"


def test_refusals() -> None:
    with pytest.raises(ValueError, match="references"):
        grade_response("Peru", [])
    with pytest.raises(ValueError, match="references"):
        grade_response("Peru", ["?!"])
    with pytest.raises(ValueError, match="response"):
        grade_line({"response": None, "references": ["Peru"]})
    with pytest.raises(ValueError, match="candidates"):
        grade_line({"response": "Peru", "references": ["Peru"], "candidates": "Peru"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The U.S.A.'s", ["usas"]),
        ("Côte d’Ivoire", ["cote", "divoire"]),
        ("São Tomé", ["sao", "tome"]),
        ("1,000.5 and -3", ["1000.5", "and", "-3"]),
        ("2001-2003", ["2001", "2003"]),
        ("韩国Korea", ["韩", "国", "korea"]),
        ("A an THE answer", ["answer"]),
        ("ﬁne Ⅷ", ["fine", "viii"]),
        ("が", ["が"]),
        ("snake_case", ["snake", "case"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@steady
@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = words(text)
    assert words(" ".join(once)) == [word for word in once if word not in {"a", "an", "the"}]


def test_occurrences_are_whole_words() -> None:
    assert occurrences(["south", "korea"], words("South Korea, not South Koreans; south korea")) == [0, 5]
    assert occurrences([], ["a"]) == []


def test_abstains() -> None:
    for response in ("I do not know.", "Sorry, I'm not sure.", "我不知道"):
        assert abstains(response)
    for response in ("", " ", "Peru.", "I do not know, maybe Peru."):
        assert not abstains(response)
    assert abstains("I do not know which country Lima is in.", "Which country is Lima in?")
