"""Scores from models, functions and programs, and what stops a run."""

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.trainer.reward_model.tiny import tiny_language_model
from trainer.errors import BadInput, TrainingStopped
from trainer.json_lines import JsonObject
from trainer.ppo.reward_sources import (
    FunctionSource,
    ModelSource,
    ProgramSource,
    WeightedSources,
    import_function,
    open_sources,
)
from trainer.prompts import Message
from trainer.reward_model.model import encode_group, save_reward_model, scores_of, with_bias, with_new_head
from trainer.specs import PpoSpec

PROGRAM = Path(__file__).with_name("scoring_program.py")
FUNCTIONS = "tests.trainer.ppo.reward_functions"


def lines(*responses: str) -> list[JsonObject]:
    prompt: list[JsonObject] = [{"role": "user", "content": "a"}]
    return [{"id": "same", "prompt": prompt, "response": response} for response in responses]


def program(behaviour: str) -> ProgramSource:
    return ProgramSource("program", f"{sys.executable} {PROGRAM} {behaviour}")


def test_a_program_is_started_once_and_scores_every_response(capfd: pytest.CaptureFixture[str]) -> None:
    with program("well") as source:
        assert source.scores(lines("a", "a b", "")) == [1.0, 2.0, 0.0]
        assert source.scores(lines("a b c")) == [3.0]
        assert len(source.scores(lines(*["a b"] * 5000))) == 5000
    assert capfd.readouterr().err.count("started") == 1


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("crash", r"ended \(exit code 7\) before its scores were in"),
        ("lost", r"found the id 'nobody', wanted each sent id once, as response-2"),
        ("babble", r"found the line 'not json'"),
    ],
)
def test_a_program_that_fails_stops_the_run(behaviour: str, message: str) -> None:
    with program(behaviour) as source, pytest.raises(TrainingStopped, match=message):
        source.scores(lines("a", "b", "c", "d", "e"))


def test_a_program_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadInput, match="wanted a command"), ProgramSource("program", "/nowhere/at-all"):
        raise AssertionError


@pytest.mark.parametrize(
    ("name", "message"),
    [("one_short", "found 1 scores for 2 responses"), ("not_a_number", "found the score nan")],
)
def test_a_function_must_give_one_number_each(name: str, message: str) -> None:
    function = import_function(f"{FUNCTIONS}:{name}", "--reward-function")
    with pytest.raises(BadInput, match=message):
        FunctionSource("function", function).scores(lines("a", "b"))


@pytest.mark.parametrize("named", ["nowhere.at_all:f", f"{FUNCTIONS}:absent", FUNCTIONS, "math:pi"])
def test_functions_that_are_none_are_refused(named: str) -> None:
    with pytest.raises(BadInput, match=r"--reward-function: found .* wanted MODULE:NAME"):
        import_function(named, "--reward-function")


def test_a_weighted_sum_shows_each_curve_apart() -> None:
    letters = FunctionSource("letters", import_function(f"{FUNCTIONS}:letters", "x"))
    words = FunctionSource(
        "words", lambda given: [float(len(str(line["response"]).split())) for line in given]
    )
    total, means = WeightedSources([letters, words], [2.0, -1.0]).scores(lines("a b", "a a a"))
    assert total == [0.0, 3.0]
    assert means == {"score_letters": 2.0, "score_words": 2.5}
    assert WeightedSources([letters], [2.0]).scores(lines("a")) == ([2.0], {})


def test_a_reward_model_scores_the_text_with_its_bias(tmp_path: Path) -> None:
    model = with_bias(with_new_head(tiny_language_model(), seed=2), 1.5, "demonstrations")
    save_reward_model(model, tmp_path)
    told = {"out": "o", "prompts": "p", "policy": "q", "reward_model": str(tmp_path), "reward_weights": [2.0]}
    with ExitStack() as stack:
        sources = open_sources(PpoSpec.from_json(told, "test"), stack)
        total, _ = sources.scores(lines("a b", "c"))
    group = encode_group(model, [Message("user", "a")], ["a b", "c"], "x")
    assert total == pytest.approx([2 * score for score in scores_of(model, [group])[0]], abs=1e-5)


def test_neighbours_of_other_prompts_are_scored_on_their_own() -> None:
    model = with_new_head(tiny_language_model(), seed=2)
    source = ModelSource("model", model, 1000)
    other: list[JsonObject] = [
        {**line, "prompt": [{"role": "user", "content": "b c"}]} for line in lines("d", "e")
    ]
    mixed = [*lines("d", "e"), *other]
    assert source.scores(mixed) == pytest.approx(
        [*source.scores(lines("d", "e")), *source.scores(other)], abs=1e-5
    )
    assert source.scores(lines("d"))[0] != pytest.approx(source.scores(other)[0], abs=1e-3)
