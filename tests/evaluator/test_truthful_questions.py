"""TruthfulQA's files and prompts: both editions whole, every published layout read, everything else refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, get_args

import pytest

from evaluator.errors import BadInput
from evaluator.truthfulqa.prompts import (
    PROMPTS,
    abstention_prompt,
    answer_prompt,
    binary_prompt,
    question_prompt,
)
from evaluator.truthfulqa.questions import (
    Edition,
    closed,
    question_id,
    read_questions,
    shipped_file,
    split_answers,
)
from tests.evaluator.truthful_models import ENTRIES, write_questions

# sha256 of what the paper's own code makes of the question "Q?" (TruthfulQA at d71c110), first 16 digits.
WORD_FOR_WORD = {
    "qa": "e9262e7dde56baef",
    "null": "e56cb4f188659cd9",
    "chat": "5b960b872ef1fd42",
    "long": "61e942773771cdc6",
    "help": "db33425eb0da009d",
    "harm": "98ae91287fb4c018",
}
HEAD = "Type,Category,Question,Best Answer,Best Incorrect Answer,Correct Answers,Incorrect Answers,Source\n"
ROW = 'Adversarial,Myths,Why?,Because,Never,"Because; It is so.;; ","Never;  Not at all ",x\n'


@pytest.mark.parametrize("name", PROMPTS)
def test_prompts_are_those_of_the_paper_word_for_word(name: Any) -> None:
    assert hashlib.sha256(question_prompt(name, "Q?").encode()).hexdigest()[:16] == WORD_FOR_WORD[name]
    opening = {"long": "My answer:", "chat": "Alex1083:"}.get(name, "\nA:")
    assert answer_prompt(name, "Q?").endswith(opening)
    assert answer_prompt(name, "Q?").count("Q?") == 1
    assert question_prompt(name, "a {question} b").count("a {question} b") == 1


def test_the_binary_prompt_takes_texts_as_they_are() -> None:
    found = binary_prompt("Is {a} {b}?", "{b}", "{question}")
    assert found.endswith("\n\nQ: Is {a} {b}?\n(A) {b}\n(B) {question}\nThe true answer is (")
    assert abstention_prompt("Why?").endswith("Q: Why?\nA:")


def test_both_editions_ship_whole() -> None:
    sizes = {edition: len(read_questions(shipped_file(edition))) for edition in get_args(Edition)}
    assert sizes == {"2021": 817, "2025": 790}
    old, new = (read_questions(shipped_file(edition)) for edition in ("2021", "2025"))
    assert all(one.best_incorrect for one in new)
    assert not any(one.best_incorrect for one in old)
    assert sum(len(one.mc1) for one in old) == 4186
    assert sum(len(one.mc2) for one in old) == 6204
    assert all(answer.endswith(".") for one in old for answer, _ in one.mc2)
    assert len({one.id for one in old} & {one.id for one in new}) == 788
    assert all(one.mc1[0][1] for one in [*old, *new])
    assert all(set(one.slices) == {"category", "type"} for one in [*old, *new])


def test_a_table_is_read_as_upstream_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "TruthfulQA.csv"
    path.write_text("\ufeff" + HEAD + ROW, "utf-8")
    (one,) = read_questions(path)
    assert (one.question, one.best, one.best_incorrect) == ("Why?", "Because", "Never")
    assert one.correct == ("Because", "It is so.")
    assert one.incorrect == ("Never", "Not at all")
    assert one.mc1 == (("Because", True), ("Never", False), ("Not at all", False))
    assert one.mc2 == (("Because", True), ("It is so.", True), ("Never", False), ("Not at all", False))
    assert one.slices == {"category": "Myths", "type": "Adversarial"}
    assert one.id == question_id(" Why? ")
    assert (closed("a"), closed("a.")) == ("a.", "a.")
    assert split_answers(";a; b;") == ("a", "b")


def test_tasks_and_the_hubs_copy_are_the_same(tmp_path: Path) -> None:
    plain = read_questions(write_questions(tmp_path / "a.json"))
    hub = [
        {
            "question": one["question"],
            **{
                name: {"choices": list(one[name]), "labels": list(one[name].values())}
                for name in ("mc0_targets", "mc1_targets", "mc2_targets")
            },
        }
        for one in ENTRIES
    ]
    assert read_questions(write_questions(tmp_path / "b.json", hub)) == plain
    assert plain[0].correct == ("Unclear", "San Francisco")
    assert (plain[0].best, plain[0].best_incorrect) == ("Unclear", "China")


def entry(**more: Any) -> dict[str, Any]:
    return {**ENTRIES[0], **more}


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("q.csv", "a,b\n1,2\n", "q.csv:1: found columns a, b, wanted Question"),
        ("q.csv", HEAD + ROW.replace("Because,Never", ",Never"), "q.csv:2: found an empty cell"),
        ("q.csv", HEAD + ROW + ROW, r"question 2: found 'Why\?' again"),
        ("q.csv", HEAD, "found no question"),
        ("q.csv", HEAD + ROW.replace("Never;  Not at all ", ";"), "found 2 true and 0 false answers"),
        ("q.json", "{}", "wanted a JSON list of questions"),
        ("q.json", "[", "wanted a JSON list of questions"),
        ("q.json", "[1]", "question 1: found a number 1, wanted an object with question"),
        ("q.json", json.dumps([{"id": "1", "prompt": []}]), "question 1: found an object"),
        ("q.json", json.dumps([entry(mc1_targets={"a": 1, "b": 1})]), "found 2 true answers"),
        (
            "q.json",
            json.dumps([entry(mc2_targets={"a": 2})]),
            "mc2_targets: .* wanted answers with 0 or 1 each",
        ),
        ("q.json", json.dumps([entry(mc2_targets={"a": 1})]), "found 1 true and 0 false answers"),
        ("q.json", json.dumps([entry(mc2_targets={"choices": ["a"], "labels": []})]), "mc2_targets"),
        ("q.jsonl", "{}\n", r"found a file named \.jsonl, wanted \.csv or \.json"),
    ],
)
def test_another_schema_is_refused_with_its_place(
    tmp_path: Path, name: str, content: str, complaint: str
) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(BadInput, match=complaint):
        read_questions(tmp_path / name)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="UTF-8"):
        read_questions(tmp_path / "q.csv")
    (tmp_path / "q.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(BadInput, match="wanted a file of TruthfulQA questions"):
        read_questions(tmp_path / "q.jsonl.gz")
