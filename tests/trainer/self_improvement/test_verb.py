"""The whole way on a small model that has learned a task from teachers who are often wrong."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.reward_model.tiny import read_lines, write_lines
from trainer.cli import main
from trainer.language_models import load_language_model, save_language_model
from trainer.pretraining.tokenizer import train_tokenizer
from trainer.pretraining.train import new_model
from trainer.self_improvement.answering import Answered, Question, asked, best_examples, measured
from trainer.self_improvement.formats import Example
from trainer.self_improvement.more_questions import continuation, question_in
from trainer.self_improvement.specs import SelfImproveSpec
from trainer.self_improvement.verb import demonstrations
from trainer.self_improvement.voting import majority
from trainer.specs import PretrainSpec
from trainer.training_loop import prepare

LETTERS = "abcdefghij"
MARKER = "The answer is"


def path_of(letter: str, answer: str) -> str:
    return f"{letter} then {answer}. {MARKER} {answer}."


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was taught which letter follows which, by teachers who are wrong two times in five."""
    folder = tmp_path_factory.mktemp("world")
    drawn = random.Random(1)
    right = {letter: LETTERS[(place + 1) % len(LETTERS)] for place, letter in enumerate(LETTERS)}
    lines = []
    for number in range(240):
        letter = LETTERS[number % len(LETTERS)]
        said = right[letter] if drawn.random() < 0.6 else drawn.choice(LETTERS)
        asks = letter + ("\nLet's think step by step." if number // len(LETTERS) % 2 else "")
        prompt = [{"role": "user", "content": asks}]
        lines.append(
            {"id": f"d{number}", "prompt": prompt, "response": path_of(letter, said), "annotator": "ben"}
        )
    write_lines(folder / "taught.jsonl", lines)
    questions = [
        {
            "id": f"q-{letter}",
            "prompt": [{"role": "user", "content": letter}],
            "answer": right[letter],
        }
        for letter in LETTERS
    ]
    write_lines(folder / "questions.jsonl", questions)
    spec = PretrainSpec(texts=("-",), out="-", steps=1, layers=2, width=48, heads=4, context=128)
    prepare(spec)
    texts = [str(line["response"]) + " after ?\nLet's think step by step. Q: A:" for line in lines]
    tokenizer = train_tokenizer(texts, vocabulary=330, context=128)
    model = new_model(spec, tokenizer)
    with torch.no_grad():
        # So narrow a model learns to copy sooner from weights of the size that keeps a sum's variance.
        for weight in model.parameters():
            if weight.dim() == 2:
                weight.mul_(7)
    save_language_model(model, tokenizer, folder / "fresh")
    words = [
        "sft",
        str(folder / "taught.jsonl"),
        "--model",
        str(folder / "fresh"),
        "--out",
        str(folder / "model"),
    ]
    more = [
        "--epochs",
        "20",
        "--learning-rate",
        "5e-3",
        "--heldout-share",
        "0",
        "--progress",
        "none",
        "--threads",
        "1",
    ]
    assert main([*words, *more]) == 0
    return folder


def improve(world: Path, out: Path, *more: str) -> dict[str, Any]:
    words = [
        "self-improve",
        str(world / "questions.jsonl"),
        "--model",
        str(world / "model"),
        "--out",
        str(out),
    ]
    told = ["--paths", "20", "--temperatures", "0.8,1.1", "--max-new-tokens", "24", "--threads", "1"]
    assert main([*words, *told, "--progress", "none", *more]) == 0
    found: dict[str, Any] = json.loads((out / "outcome.json").read_text("utf-8"))["metrics"]
    return found


def test_majorities_teach_what_single_paths_did_not_know(world: Path, tmp_path: Path) -> None:
    found = improve(world, tmp_path / "out", "--epochs", "4", "--learning-rate", "3e-3", "--shots", "1")
    before, after = found["before"], found["after"]
    assert before["questions"] == 10
    assert before["majority_accuracy"] > before["path_accuracy"] + 0.1
    assert after["path_accuracy"] > before["path_accuracy"] + 0.1
    assert after["confidence"] > before["confidence"]
    for measure in (before, after):
        assert sum(row["questions"] for row in measure["calibration"]["bins"]) == 10
    paths = {line["id"]: line for line in read_lines(tmp_path / "out" / "paths.jsonl")}
    lines = read_lines(tmp_path / "out" / "demonstrations.jsonl")
    taught = {form: [line for line in lines if line["format"] == form] for form in found["demonstrations"]}
    winners = sum(
        sum(one is not None and one == line["majority"] for one in line["answers"]) for line in paths.values()
    )
    assert found["too_long"] == 4 * winners - len(lines)
    assert len(taught["plain"]) == len(taught["step-by-step"]) == winners
    for line in lines:
        assert paths[line["question"]]["majority"] == line["answer"]
        assert line["response"].endswith(f"{MARKER} {line['answer']}.") or line["format"] in (
            "chain-of-thought",
            "step-by-step",
        )
    assert all(len(line["prompt"]) == 3 for line in taught["direct"])
    assert load_language_model(tmp_path / "out" / "model")


def test_two_runs_of_one_seed_write_the_same_and_more_questions_are_new(world: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        found = improve(world, tmp_path / name, "--more-questions", "6")
        assert found["after"] is None
    assert (tmp_path / "one" / "demonstrations.jsonl").read_bytes() == (
        tmp_path / "two" / "demonstrations.jsonl"
    ).read_bytes()
    new = read_lines(tmp_path / "one" / "questions.jsonl")
    given = {line["prompt"][-1]["content"] for line in read_lines(world / "questions.jsonl")}
    contents = [line["prompt"][0]["content"] for line in new]
    assert new
    assert len(set(contents)) == len(contents)
    assert not given & set(contents)
    assert {line["way"] for line in new} <= {"joined", "own-steps"}
    assert found["new_questions"] == {
        way: sum(line["way"] == way for line in new) for way in sorted({line["way"] for line in new})
    }


def test_only_answers_that_won_widely_enough_are_taught(world: Path, tmp_path: Path) -> None:
    improve(world, tmp_path / "out", "--confidence", "0.6")
    paths = read_lines(tmp_path / "out" / "paths.jsonl")
    wanted = {line["id"] for line in paths if line["confidence"] >= 0.6}
    assert {line["question"] for line in read_lines(tmp_path / "out" / "demonstrations.jsonl")} == wanted
    assert 0 < len(wanted) < len(paths)


def answered(name: str, *paths: tuple[str, str | None], answer: str | None = None) -> Answered:
    answers = tuple(one for _, one in paths)
    return Answered(
        Question(asked(f"{name}?", name), answer),
        tuple(text for text, _ in paths),
        answers,
        majority(answers),
    )


def test_measures_are_of_questions_whose_answer_is_known() -> None:
    one = answered("a", ("x", "1"), ("y", "1"), ("z", "2"), ("w", None), answer="1")
    other = answered("b", ("x", "3"), ("y", "3"), answer="4")
    found = measured([one, other, answered("c", ("x", "9"))])
    assert found is not None
    assert (found["questions"], found["majority_accuracy"]) == (2, 0.5)
    assert found["path_accuracy"] == pytest.approx(2 / 6)
    assert found["confidence"] == 0.75
    assert measured([answered("c", ("x", "9"))]) is None


def test_the_models_own_surest_paths_are_its_examples() -> None:
    sure, less = answered("a", ("sure", "1"), ("also", "1")), answered("b", ("less", "2"), ("no", "3"))
    examples = best_examples([less, answered("c", ("none", None)), sure], 2)
    assert [(one.question, one.reasoning, one.answer) for one in examples] == [
        ("a?", "sure", "1"),
        ("b?", "less", "2"),
    ]


def test_new_questions_are_asked_for_in_two_ways() -> None:
    pair = [answered("a", ("path a", "1")), answered("b", ("wrong", "2"), ("path b", "3"), ("right", "3"))]
    assert continuation(pair, "joined") == "Q: a?\nQ: b?\nQ:"
    assert continuation(pair, "own-steps") == "Q: a?\nA: path a\nQ: b?\nA: path b\nQ:"
    assert question_in(" c?\nA: and more") == "c?"
    assert question_in("Q: d? ") == "d?"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ({"answer": 4}, "answer: found a number 4, wanted non-empty text"),
        ({"prompt": [{"role": "assistant", "content": "x"}]}, "found assistant last, wanted user"),
        ({"prompt": [{"role": "user", "content": "then a " * 60}]}, "question q: found"),
    ],
)
def test_bad_questions_are_refused_and_nothing_is_written(
    line: dict[str, Any], wanted: str, world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"id": "q", "prompt": [{"role": "user", "content": "a"}], **line}
    write_lines(tmp_path / "bad.jsonl", [told])
    out = tmp_path / "out"
    words = ["self-improve", str(tmp_path / "bad.jsonl"), "--model", str(world / "model"), "--out", str(out)]
    assert main([*words, "--max-new-tokens", "24", "--paths", "2"]) == 2
    assert wanted in capsys.readouterr().err
    assert not out.exists()


def test_a_question_never_stands_among_its_own_examples() -> None:
    spec = SelfImproveSpec(questions="q", model="m", out="o", shots=2, confidence=0.0)
    examples = [
        Example("a?", "steps of a", "1"),
        Example("b?", "steps of b", "2"),
        Example("c?", "steps of c", "3"),
    ]
    lines = list(demonstrations([answered("a", ("so 1", "1"))], examples, spec))
    told = [message.content for line in lines for message in line.prompt[:-1]]
    assert told
    assert not any("a?" in one or "steps of a" in one for one in told)
    assert any("b?" in one for one in told)
    assert any("c?" in one for one in told)
