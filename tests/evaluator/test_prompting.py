"""Ways to ask, passages before a question, and items that stand in training text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluator import prompting
from evaluator.errors import BadInput
from evaluator.metrics.training_overlap import shared_runs
from evaluator.progress import Progress
from evaluator.prompting import Example, asked_messages, examples_for, final_answer, majority
from evaluator.prompts import Message, PromptLine, read_prompts
from evaluator.specs import RunSpec
from evaluator.subjects import Answers, open_subject
from evaluator.subjects.retrieval import Retrieval, wrapped_messages, wrapped_text
from evaluator.suites.contamination import with_contamination
from evaluator.suites.samples import Sample
from tests.evaluator.fake_endpoint import Script, serving
from tests.evaluator.lines import question, write_lines

ASKED = (Message("system", "Be brief."), Message("user", "Where is Lima?"))
NAMES = ("Lima", "Oslo", "Rome", "Bonn", "Kyiv", "Bern")


def spec(**more: Any) -> RunSpec:
    return RunSpec("hallucination-open-domain", "x", Path("o"), **more)


def lines(tmp_path: Path, **more: Any) -> list[PromptLine]:
    told = [question(name, f"land of {name}", **more) for name in NAMES]
    return read_prompts(write_lines(tmp_path / "q.jsonl", told))


def test_plain_is_what_was_asked() -> None:
    assert asked_messages(spec(), ASKED, []) == ASKED


def test_few_shot_puts_examples_between_system_and_question() -> None:
    found = asked_messages(spec(prompting="few-shot"), ASKED, [Example("2+2?", "4", "Two and two.")])
    assert [(one.role, one.content) for one in found] == [
        ("system", "Be brief."),
        ("user", "2+2?"),
        ("assistant", "4"),
        ("user", "Where is Lima?"),
    ]


def test_a_chain_of_thought_shows_its_reasons() -> None:
    found = asked_messages(spec(prompting="chain-of-thought"), ASKED, [Example("2+2?", "4", "Two and two.")])
    assert found[2].content == "Two and two. The answer is 4."
    assert found[-1].content == "Where is Lima?"


@pytest.mark.parametrize("way", ["step-by-step", "self-consistency"])
def test_without_examples_the_steps_are_asked_for(way: Any) -> None:
    found = asked_messages(spec(prompting=way), ASKED, [])
    assert found[-1].content == "Where is Lima?\n\nLet's think step by step."
    worked = asked_messages(spec(prompting="self-consistency"), ASKED, [Example("a", "b", "c")])
    assert worked[-1].content == "Where is Lima?"


def test_examples_are_others_and_the_same_again(tmp_path: Path) -> None:
    known = lines(tmp_path)
    told = spec(prompting="few-shot", shots=3, seed=1)
    drawn = {one.id: [e.question for e in examples_for(told, one, known)] for one in known}
    for one in known:
        assert len(set(drawn[one.id])) == 3
        assert one.messages[-1].content not in drawn[one.id]
        assert drawn[one.id] == [e.question for e in examples_for(told, one, known)]
    assert len({tuple(found) for found in drawn.values()}) > 2
    assert len(examples_for(spec(prompting="few-shot"), known[0], known)) == 4


def test_too_few_examples_are_refused(tmp_path: Path) -> None:
    known = lines(tmp_path)
    with pytest.raises(
        BadInput, match="--shots 6: found 5 other questions with references, wanted at least 6"
    ):
        examples_for(spec(prompting="few-shot", shots=6), known[0], known)
    with pytest.raises(BadInput, match="found 0 other questions with references and rationale"):
        examples_for(spec(prompting="chain-of-thought"), known[0], known)
    reasoned = lines(tmp_path, rationale="Because.")
    assert examples_for(spec(prompting="chain-of-thought"), reasoned[0], reasoned)[0].rationale == "Because."


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("First this. The answer is 42.", "42"),
        ("The answer is A. No, the answer is: B!", "B"),
        ("so the ANSWER IS 3.14 exactly\nmore", "3.14 exactly"),
        ("It lies in Peru.\n\nPeru\n", "Peru"),
        ("", ""),
    ],
)
def test_the_final_answer(text: str, answer: str) -> None:
    assert final_answer(text) == answer


def test_the_majority_of_paths() -> None:
    paths = ["The answer is Rome.", "so the answer is the ROME", "The answer is Bonn.", "!"]
    assert majority(paths) == ("Rome", {"rome": 2, "bonn": 1})
    assert majority(["The answer is Bonn.", "The answer is Rome."])[0] == "Bonn"
    late = ["The answer is Bonn.", "The answer is Rome.", "So the answer is Rome."]
    assert majority(late)[0] == "Rome"
    assert majority(["", "?"]) == ("", {})


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"shots": 2}, "--shots 2: found --prompting plain"),
        ({"paths": 3}, "--paths 3: found --prompting plain"),
        ({"paths": 3, "prompting": "few-shot"}, "wanted self-consistency"),
    ],
)
def test_flags_that_are_not_read_are_refused(more: Any, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        prompting.refuse_misfits(spec(**more))


def ask(tmp_path: Path, script: Script, **more: Any) -> Answers:
    with serving(script) as url:
        told = RunSpec("hallucination-open-domain", url, tmp_path / "o", **more)
        with Progress(tmp_path / "o") as progress:
            return open_subject(told, lines(tmp_path)[:2], progress)


def test_step_by_step_asks_twice_and_keeps_the_reasoning(tmp_path: Path) -> None:
    script = Script()
    found = ask(tmp_path, script, prompting="step-by-step").responses["Lima"].line
    assert len(script.asked) == 4
    second = next(one for one in script.asked if len(one["messages"]) == 3 and "Lima" in str(one))
    assert [message["role"] for message in second["messages"]] == ["user", "assistant", "user"]
    assert second["messages"][2]["content"] == "Therefore, the answer is"
    assert found["response"] == "(0)"
    assert found["written"] == ["I heard Which country is Lima in?\n\nLet's think step by step. (0)"]


def test_self_consistency_draws_paths_at_a_temperature(tmp_path: Path) -> None:
    script = Script()
    found = ask(tmp_path, script, prompting="self-consistency", paths=3, seed=5)
    assert sorted(one["seed"] for one in script.asked if "Lima" in str(one)) == [5, 6, 7]
    assert {one["temperature"] for one in script.asked} == {0.7}
    line = found.responses["Lima"].line
    assert sum(line["votes"].values()) == 3  # type: ignore[attr-defined]
    assert len(line["written"]) == 3  # type: ignore[arg-type]


def test_passages_go_before_the_question(tmp_path: Path) -> None:
    text = tmp_path / "k.txt"
    text.write_text("Lima lies in Peru.\n\nOslo lies in Norway.\n\nBread is baked.\n", "utf-8")
    found = Retrieval(text, 2)
    assert found.passages("Where is Oslo?") == ["Oslo lies in Norway."]
    assert found.passages("zebra") == []
    wrapped = wrapped_messages(found, ASKED)
    assert wrapped[0] == ASKED[0]
    assert wrapped[1].content == "Use this where it helps:\nLima lies in Peru.\n\nWhere is Lima?"
    assert (
        wrapped_text(found, "Lima", "Q: Lima?") == "Use this where it helps:\nLima lies in Peru.\n\nQ: Lima?"
    )
    assert wrapped_text(found, "zebra", "Q: zebra?") == "Q: zebra?"
    assert wrapped_text(None, "Lima", "Q") == "Q"
    assert (wrapped_messages(None, ASKED), found.after("q", "r")) == (ASKED, "r")
    many = write_lines(tmp_path / "k.jsonl", [{"id": "1", "text": "Oslo is a town."}])
    assert Retrieval(many).passages("Oslo") == ["Oslo is a town."]
    answers = ask(tmp_path, Script(), knowledge=text)
    assert "Lima lies in Peru." in str(answers.responses["Lima"].line["response"])
    assert answers.detail["wrapper"]["kind"] == "retrieval"  # type: ignore[index]


def test_knowledge_without_a_passage_is_refused(tmp_path: Path) -> None:
    (tmp_path / "k.txt").write_text("\n \n")
    with pytest.raises(BadInput, match="found no passage"):
        Retrieval(tmp_path / "k.txt")
    with pytest.raises(BadInput, match=r"--knowledge .*none\.txt"):
        Retrieval(tmp_path / "none.txt")


def test_runs_of_words_that_training_text_has_too() -> None:
    item = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    items = {"long": item, "short": "Hello, World", "none": "!?"}
    text = (
        "He said: ONE two three, four five six seven eight nine ten eleven twelve thirteen. hello world again"
    )
    assert shared_runs(items, [text]) == {"long": (1, 2), "short": (1, 1), "none": (0, 0)}
    cut = "one two three four five six seven eight nine ten eleven twelve. thirteen"
    assert shared_runs(items, [cut.replace(". ", " x "), "hello"]) == {
        "long": (0, 2),
        "short": (0, 1),
        "none": (0, 0),
    }
    assert shared_runs({"a": "one two three"}, ["one two"], length=2) == {"a": (1, 2)}


def test_contamination_is_a_slice_and_a_share(tmp_path: Path) -> None:
    text = tmp_path / "t.txt"
    text.write_text("first part\n\nthe lima question stands\nin two lines\n", "utf-8")
    samples = [Sample("a", {"k": "v"}, {"x": 1.0}), Sample("b", {}, {"x": 0.0})]
    asked = {"a": "question stands in two lines", "b": "first lima"}
    marked, metrics = with_contamination(spec(training_text=(text,)), samples, asked)
    assert [dict(one.slices) for one in marked] == [
        {"k": "v", "contaminated": "yes"},
        {"contaminated": "no"},
    ]
    (metric,) = metrics
    assert (metric.name, metric.value, metric.n, metric.better) == ("contaminated", 0.5, 2, "lower")
    assert with_contamination(spec(), samples, asked) == (samples, [])
    with pytest.raises(BadInput, match=r"--training-text .*none"):
        with_contamination(spec(training_text=(tmp_path / "none",)), samples, asked)
