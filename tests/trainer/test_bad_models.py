"""What reward-model and sft refuse: one sentence on stderr, exit code 2, nothing written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.trainer.reward_model.tiny import tiny_language_model, write_lines
from trainer.cli import main
from trainer.reward_model.model import save_model, save_reward_model, with_new_head

PROMPT = [{"role": "user", "content": "a"}]
Change = Callable[[Path], None]


def ranking(**changes: object) -> dict[str, object]:
    responses = [{"id": "x", "text": "a b"}, {"id": "y", "text": "c"}]
    line = {"id": "r1", "prompt": PROMPT, "responses": responses, "tiers": [["x"], ["y"]]}
    return {**line, "annotator": "ada", "kind": "ranking", "split": "train", **changes}


def demonstration(**changes: object) -> dict[str, object]:
    return {"id": "d1", "prompt": PROMPT, "response": "a b", "annotator": "ben", **changes}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    lm = tiny_language_model()
    save_model(lm.model, lm.tokenizer, folder / "policy")
    save_reward_model(with_new_head(lm, seed=0), folder / "reward")
    return folder


def told(capsys: pytest.CaptureFixture[str], words: list[str], out: Path) -> str:
    """The one line on stderr of a command that must be refused and leave nothing."""
    assert main([*words, "--out", str(out), "--progress", "none"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert not out.exists()
    assert [path for path in out.parent.iterdir() if "partial" in path.name] == []
    return lines[0]


def config(**changes: object) -> Change:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def without_pad(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text())
    settings.pop("pad_token")
    path.write_text(json.dumps(settings))


def not_finite(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"][3] = torch.nan
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def not_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"no weights")


CASES: list[tuple[Change, str]] = [
    (without_pad, "found a tokenizer without a pad token, wanted one"),
    (not_finite, "found NaN or infinite numbers in model.norm.weight, wanted finite weights"),
    (config(num_hidden_layers=3), "found no weights for model.layers.2.input_layernorm.weight and 8 more"),
    (config(hidden_size=32), "found weights of other sizes than config.json says"),
    (config(model_type="bert", architectures=["BertModel"]), "found a BertModel, wanted a causal language"),
    (config(model_type="nonsense", architectures=None), "model type `nonsense`"),
    (not_weights, "found a model that does not load"),
]


@pytest.mark.parametrize(("change", "message"), CASES)
@pytest.mark.parametrize("verb", ["reward-model", "sft"])
def test_models_that_would_train_something_else(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Change, message: str, verb: str
) -> None:
    model = tmp_path / "model"
    shutil.copytree(good / "policy", model)
    change(model)
    line = ranking() if verb == "reward-model" else demonstration()
    source = write_lines(tmp_path / "lines.jsonl", [line])
    found = told(capsys, [verb, str(source), "--model", str(model)], tmp_path / "out")
    assert str(model) in found
    assert message in found


@pytest.mark.parametrize("verb", ["reward-model", "sft"])
def test_a_reward_model_is_no_model_to_start_from(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    line = ranking() if verb == "reward-model" else demonstration()
    source = write_lines(tmp_path / "lines.jsonl", [line])
    found = told(capsys, [verb, str(source), "--model", str(good / "reward")], tmp_path / "out")
    assert "found a LlamaForSequenceClassification, wanted a causal language model" in found


LONG = [{"role": "user", "content": "a " * 70}]
LINES: list[tuple[str, dict[str, object], str]] = [
    ("reward-model", ranking(tiers=[["x", "y"]]), "found no pair to learn from in 1 training rankings"),
    (
        "reward-model",
        ranking(prompt=LONG),
        "ranking r1: found 76 tokens of prompt and response, wanted at most 64",
    ),
    (
        "reward-model",
        ranking(responses=[{"id": "x", "text": ""}, {"id": "y", "text": "c"}]),
        "ranking r1: found the empty response x, wanted text",
    ),
    ("sft", demonstration(prompt=LONG), ":1: found 73 prompt and 3 response tokens, wanted at most"),
    ("sft", demonstration(response=""), ':1: response: found text "", wanted non-empty text'),
]


@pytest.mark.parametrize(("verb", "line", "message"), LINES)
def test_lines_that_cannot_be_learned(
    good: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    line: dict[str, object],
    message: str,
) -> None:
    source = write_lines(tmp_path / "lines.jsonl", [line])
    found = told(capsys, [verb, str(source), "--model", str(good / "policy")], tmp_path / "out")
    assert found.startswith(str(source))
    assert message in found


def test_an_empty_response_can_be_kept(good: Path, tmp_path: Path) -> None:
    line = ranking(responses=[{"id": "x", "text": ""}, {"id": "y", "text": "c"}])
    source = write_lines(tmp_path / "lines.jsonl", [line])
    words = ["reward-model", str(source), "--model", str(good / "policy"), "--out", str(tmp_path / "out")]
    assert main([*words, "--empty-responses", "keep", "--epochs", "1", "--progress", "none"]) == 0
