"""Scores of response lines, in order, and what shares a computation."""

from pathlib import Path

import pytest

from tests.trainer.reward_model.tiny import read_lines, tiny_language_model, write_lines
from trainer.cli import main
from trainer.prompts import Message, PromptLine
from trainer.reward_model.model import save_reward_model, with_bias, with_new_head
from trainer.scoring import runs_of_one_prompt


def line(name: str, content: str, response: str) -> dict[str, object]:
    prompt = [{"role": "user", "content": content}]
    told = {"policy": "p", "seed": 0, "sampling": {}, "kept": name}
    return {"id": name, "prompt": prompt, "response": response, **told}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = with_bias(with_new_head(tiny_language_model(), seed=1), 0.5, "best tier")
    save_reward_model(model, tmp_path / "model")
    return tmp_path


def score(folder: Path, lines: list[dict[str, object]], batch: str) -> list[dict[str, object]]:
    responses, out = write_lines(folder / "responses.jsonl", lines), folder / "scores.jsonl"
    words = ("score", str(responses), "--reward-model", str(folder / "model"), "--out", str(out))
    assert main([*words, "--batch-size", batch, "--progress", "none"]) == 0
    return read_lines(out)


def test_lines_keep_their_order_and_keys_whatever_the_batch(folder: Path) -> None:
    lines = [line(str(place), "a" if place % 3 else "b c", "d " * (place % 4)) for place in range(9)]
    whole, parts = score(folder, lines, "64"), score(folder, lines, "2")
    assert [one["kept"] for one in whole] == [str(place) for place in range(9)]
    assert [one["score"] for one in whole] == pytest.approx([one["score"] for one in parts], abs=1e-5)


def test_only_neighbours_of_one_prompt_run_together() -> None:
    placed = [
        (f"f:{place}", PromptLine(str(place), (Message("user", content),), {}))
        for place, content in enumerate("aabba")
    ]
    assert [[where for where, _ in run] for run in runs_of_one_prompt(placed)] == [
        ["f:0", "f:1"],
        ["f:2", "f:3"],
        ["f:4"],
    ]
    assert list(runs_of_one_prompt([])) == []


def test_a_line_beyond_the_context_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line("x", "a", "b"), line("y", "a " * 70, "b")]
    responses = write_lines(folder / "responses.jsonl", lines)
    words = ("score", str(responses), "--reward-model", str(folder / "model"), "--out", str(folder / "s"))
    assert main([*words, "--progress", "none"]) == 2
    assert f"{responses}:2: found 75 tokens" in capsys.readouterr().err
    assert not (folder / "s").exists()
