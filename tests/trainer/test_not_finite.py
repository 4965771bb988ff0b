"""What is not finite: before the first step bad input (2), later on a stop (1) that keeps its batch; one line each."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.trainer.ppo import reward_functions
from tests.trainer.reward_model.test_batches import ranking
from tests.trainer.reward_model.test_batches import spec as reward_spec
from tests.trainer.reward_model.tiny import read_lines, tiny_language_model
from tests.trainer.runs import command, write_world
from trainer import sft
from trainer.checkpoints import State
from trainer.cli import main
from trainer.errors import NotFinite
from trainer.language_models import LogitsNotFiniteError, SamplingSettings, sample_tokens
from trainer.ppo import train as ppo_training
from trainer.pretraining import train as pretraining
from trainer.progress import ProgressWriter
from trainer.resumable import Checkpoints, Weights, require_finite
from trainer.reward_model import normalisation
from trainer.reward_model import train as reward_training
from trainer.reward_model.batches import encode_rankings
from trainer.reward_model.heldout import measure_heldout
from trainer.reward_model.model import save_model, with_new_head
from trainer.specs import SftSpec

FUNCTIONS = "tests.trainer.ppo.reward_functions"
TOO_LARGE = (
    "--learning-rate",
    "1e30",
    "--clip-norm",
    "1e30",
    "--warmup-share",
    "0",
    "--schedule",
    "constant",
)
Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


def change_weights(source: Path, target: Path, name: str, value: float) -> Path:
    """A copy of the model folder in which all weights of `name` are `value`: finite, and too large to reckon with."""
    lm = tiny_language_model()
    save_model(lm.model, lm.tokenizer, target)
    weights = load_file(source / "model.safetensors")
    weights[name] = torch.full_like(weights[name], value)
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
    return target


def only_line(capsys: pytest.CaptureFixture[str]) -> str:
    said = capsys.readouterr().err.splitlines()
    # Another library warns once a process, of texts longer than a model's context.
    lines = [line for line in said if not line.startswith("[transformers]")]
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize("heldout", ["0", "0.5"])
@pytest.mark.parametrize("verb", ["sft", "reward-model"])
def test_a_model_that_gives_no_numbers_is_bad_input_and_nothing_is_written(
    verb: str, heldout: str, world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = change_weights(world / "policy", tmp_path / "model", "model.norm.weight", 3e38)
    words = command(verb, world)
    words[words.index("--model") + 1] = str(model)
    more = ("--heldout-share", heldout) if verb == "sft" else ()
    assert main([*words, *more, "--out", str(tmp_path / "out")]) == 2
    said = only_line(capsys)
    assert "before anything was learned, wanted a finite one" in said
    assert said.startswith("found a held-out loss of" if more and heldout != "0" else "found a loss of")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_was_there_is_left_there_empty_handed(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = change_weights(world / "policy", tmp_path / "model", "model.norm.weight", 3e38)
    words = command("reward-model", world)
    words[words.index("--model") + 1] = str(model)
    # A run that was to be taken up is left as it stands: its folder may be older than this process.
    assert main([*words, "--resume", "--out", str(tmp_path / "out")]) == 2
    assert "before anything was learned" in only_line(capsys)
    assert (tmp_path / "out" / "spec.json").exists()


@pytest.mark.parametrize(
    ("verb", "keys"),
    [
        ("pretrain", {"inputs", "targets"}),
        ("sft", {"prompt", "response"}),
        ("reward-model", {"id", "prompt", "responses", "tiers"}),
    ],
)
def test_a_loss_that_is_lost_on_the_way_stops_the_run_and_keeps_its_batch(
    verb: str, keys: set[str], world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main([*command(verb, world), *TOO_LARGE, "--out", str(out)]) == 1
    said = only_line(capsys)
    assert "wanted a finite one: try a" in said
    assert said.endswith(f"; the batch is in {out}/stopped_batch.jsonl")
    lines = read_lines(out / "stopped_batch.jsonl")
    assert lines
    assert all(keys <= set(line) for line in lines)
    assert not {"outcome.json", "model.safetensors"} & {path.name for path in out.iterdir()}


def test_the_batch_of_a_reward_model_is_a_file_of_rankings(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = command("reward-model", world)
    assert main([*words, *TOO_LARGE, "--out", str(tmp_path / "out")]) == 1
    kept = tmp_path / "out" / "stopped_batch.jsonl"
    assert len(read_lines(kept)) == 6
    capsys.readouterr()
    words[1] = str(kept)
    assert main([*words, "--out", str(tmp_path / "again"), "--epochs", "1"]) == 0


def test_ppo_stops_with_its_rollout_when_a_loss_is_lost_on_the_way(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    reward_functions.CALLS.clear()
    words = ppo_words(world, "grows_beyond")
    assert main([*words, "--out", str(out)]) == 1
    said = only_line(capsys)
    assert said.startswith("update 2: step ")
    assert "found a loss of inf, wanted a finite one" in said
    assert said.endswith(f"; the last batch is in {out}/stopped_rollout.jsonl")
    assert len(read_lines(out / "stopped_rollout.jsonl")) == 8
    assert not {"outcome.json", "model.safetensors"} & {path.name for path in out.iterdir()}


def test_ppo_refuses_rewards_that_no_loss_can_hold(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*ppo_words(world, "beyond"), "--out", str(tmp_path / "out")]) == 2
    assert only_line(capsys).startswith("found a loss of inf before anything was learned")
    assert not (tmp_path / "out").exists()


def ppo_words(world: Path, function: str) -> list[str]:
    small = ["--updates", "3", "--episodes", "8", "--minibatch-size", "8", "--max-new-tokens", "4"]
    return [
        "ppo", str(world / "prompts.jsonl"), "--policy", str(world / "policy"), *small, "--epochs", "1",
        "--reward-function", f"{FUNCTIONS}:{function}", "--progress", "none", "--threads", "1", "--baseline-n", "0",
        "--no-whiten-advantages",
    ]  # fmt: skip


def test_a_policy_that_learned_too_fast_stops_in_one_line(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main([*ppo_words(world, "letters"), *TOO_LARGE, "--out", str(out)]) == 1
    said = only_line(capsys)
    assert said.startswith("update 2: ")
    assert "logits that are NaN or infinite" in said or "wanted a finite one" in said
    assert not (out / "model.safetensors").exists()


def test_a_policy_without_numbers_is_bad_input(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = change_weights(world / "policy", tmp_path / "model", "model.norm.weight", 3e38)
    words = ppo_words(world, "letters")
    words[words.index("--policy") + 1] = str(model)
    assert main([*words, "--out", str(tmp_path / "out")]) == 2
    assert "found logits that are NaN or infinite" in only_line(capsys)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("verb", ["score", "best-of-n"])
def test_scores_that_are_no_numbers_are_refused(
    verb: str, world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = world / "reward-model"
    weights = load_file(source / "model.safetensors")
    for path in source.iterdir():
        (tmp_path / "judge").mkdir(exist_ok=True)
        (tmp_path / "judge" / path.name).write_bytes(path.read_bytes())
    weights["score.weight"] = torch.full_like(weights["score.weight"], torch.nan)
    save_file(weights, tmp_path / "judge" / "model.safetensors", metadata={"format": "pt"})
    out = (
        "--reward-model",
        str(tmp_path / "judge"),
        "--out",
        str(tmp_path / "out.jsonl"),
        "--progress",
        "none",
    )
    line = {
        "id": "p",
        "prompt": [{"role": "user", "content": "a"}],
        "response": "b",
        "policy": "p",
        "seed": 0,
    }
    (tmp_path / "responses.jsonl").write_text(json.dumps({**line, "sampling": {}}) + "\n", "utf-8")
    told = {
        "score": ["score", str(tmp_path / "responses.jsonl")],
        "best-of-n": [
            "best-of-n",
            str(world / "prompts.jsonl"),
            "--policy",
            str(world / "policy"),
            "--n",
            "2",
        ],
    }
    assert main([*told[verb], *out]) == 2
    assert "found the score nan (response 1), wanted a finite number" in only_line(capsys)
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_no_token_is_drawn_from_what_is_no_distribution(temperature: float, bad: float) -> None:
    logits = torch.tensor([[0.0, 1.0], [bad, 0.0]])
    settings = SamplingSettings(temperature)
    with pytest.raises(LogitsNotFiniteError, match="found logits that are NaN or infinite"):
        sample_tokens(logits, torch.tensor([0.5, 0.5]), settings)
    assert len(sample_tokens(logits[:1], torch.tensor([0.5]), settings)) == 1


def test_neither_checkpoint_nor_model_is_made_of_weights_that_are_no_numbers(tmp_path: Path) -> None:
    layer = torch.nn.Linear(2, 1)
    require_finite(Weights(layer).state(), 3)
    spec = SftSpec(demonstrations="-", model="-", out=str(tmp_path), checkpoint_every=1)
    checkpoints = Checkpoints(spec, tmp_path, ProgressWriter(None, "none"))
    checkpoints.begin({"weights": Weights(layer)})
    checkpoints.after(1)
    with torch.no_grad():
        layer.weight[0, 1] = torch.inf
    with pytest.raises(
        NotFinite, match="step 2: found a NaN or infinite weight in weight, wanted a finite one"
    ):
        checkpoints.after(2)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000001"]


def test_an_epoch_whose_held_out_loss_is_no_number_is_not_the_best() -> None:
    model = with_new_head(tiny_language_model(), seed=0)
    with torch.no_grad():
        model.head.weight.fill_(3e38)
    heldout = encode_rankings(model, [ranking("a", "b", of="ab")], "x")
    with pytest.raises(NotFinite, match=r"found a held-out loss of (nan|inf), wanted a finite one"):
        measure_heldout(model, heldout, reward_spec())


@pytest.mark.parametrize("verb", ["pretrain", "sft", "reward-model", "ppo"])
def test_no_model_is_saved_whose_weights_are_no_numbers(
    verb: str,
    world: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = {"pretrain": pretraining, "sft": sft, "reward-model": reward_training, "ppo": ppo_training}[verb]
    seen: list[int] = []

    def refuse(weights: State, step: int) -> None:
        seen.append(step)
        raise NotFinite("a NaN or infinite weight in one", advice="-", step=step)

    monkeypatch.setattr(place, "require_finite", refuse)
    words = command(verb, world)
    assert main([*words, "--out", str(tmp_path / "out")]) == 1
    assert (
        only_line(capsys) == f"step {seen[0]}: found a NaN or infinite weight in one, wanted a finite one: -"
    )
    assert not {"outcome.json", "model.safetensors"} & {path.name for path in (tmp_path / "out").iterdir()}


def test_scores_that_do_not_vary_have_no_gain_and_say_so(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(normalisation, "scores_of", lambda *_: [[1.0, 1.0]])
    words = [*command("reward-model", world), "--normalise", "gain-and-bias", "--out", str(tmp_path / "out")]
    assert main(words) == 1
    assert "--normalise gain-and-bias: found scores of standard deviation 0.0" in only_line(capsys)
