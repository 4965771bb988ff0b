"""What PPO refuses: one sentence, exit code 2, and no folder left behind."""

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.trainer.ppo import reward_functions
from tests.trainer.ppo.test_train import FUNCTIONS, ppo, world
from tests.trainer.reward_model.tiny import tiny_language_model, write_lines
from trainer.reward_model.model import save_model

__all__ = ["world"]

PROGRAM = Path(__file__).with_name("scoring_program.py")


def refused(world: Path, capsys: pytest.CaptureFixture[str], *more: str, reward: tuple[str, ...] = ()) -> str:
    """The one line that a refused run says; it has left nothing."""
    assert ppo(world, "out", *more, reward=reward) == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    assert not (world / "out").exists()
    return said


def test_a_function_whose_reward_is_no_number(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(world, capsys, reward=("--reward-function", f"{FUNCTIONS}:not_a_number"))
    assert said == "function: found the score nan (response 1), wanted a finite number"


def test_a_program_whose_reward_is_no_number(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = f"{sys.executable} {PROGRAM} nan"
    assert ppo(world, "out", reward=("--reward-program", command)) == 2
    assert "program: found the score nan (response 3), wanted a finite number" in capsys.readouterr().err
    assert not (world / "out").exists()


def test_a_reward_model_whose_weights_are_no_numbers(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = world / "reward-model" / "model.safetensors"
    weights = load_file(path)
    save_file(
        {name: torch.full_like(one, float("nan")) for name, one in weights.items()}, path, {"format": "pt"}
    )
    said = refused(world, capsys, reward=("--reward-model", str(world / "reward-model")))
    assert said == "model: found the score nan (response 1), wanted a finite number"


def test_a_reward_that_is_no_number_later_on(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reward_functions.CALLS.clear()
    assert ppo(world, "out", reward=("--reward-function", f"{FUNCTIONS}:worn_out")) == 2
    assert (
        capsys.readouterr().err.strip().endswith("found the score inf (response 1), wanted a finite number")
    )
    left = {path.name for path in (world / "out").iterdir()}
    assert not left & {"outcome.json", "model.safetensors", "samples.jsonl", "value_head.safetensors"}


def test_a_prompt_longer_than_the_context(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    long = [{"id": "long", "prompt": [{"role": "user", "content": "a " * 70}]}]
    write_lines(world / "prompts.jsonl", long)
    assert "wanted 1 to 64 together" in refused(world, capsys)


def test_a_tokenizer_without_padding(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lm = tiny_language_model()
    lm.tokenizer.pad_token = None
    lm.model.config.pad_token_id = lm.model.generation_config.pad_token_id = None
    save_model(lm.model, lm.tokenizer, world / "no-pad")
    told = ("--policy", str(world / "no-pad"))
    # Padding is never read here: the policy gets a pad token that is none of its ends, or is refused in one line.
    code = ppo(world, "out", *told)
    said = capsys.readouterr().err.strip()
    assert code == 0 or (code == 2 and "pad" in said and "\n" not in said)


@pytest.mark.parametrize("flag", ["--reward-model", "--heldout-reward-model"])
def test_a_policy_in_place_of_a_reward_model(
    world: Path, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    own = (flag, str(world / "policy"))
    reward = own if flag == "--reward-model" else ("--reward-function", f"{FUNCTIONS}:letters", *own)
    assert "wanted a reward model" in refused(world, capsys, reward=reward)


def test_no_prompt_at_all(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (world / "prompts.jsonl").write_text("", "utf-8")
    assert "prompts.jsonl" in refused(world, capsys)


@pytest.mark.parametrize(("behaviour", "said"), [("crash", "exit code 7"), ("lost", "found the id 'nobody'")])
def test_a_scoring_program_that_fails_stops_the_run_and_says_so(
    world: Path, capsys: pytest.CaptureFixture[str], behaviour: str, said: str
) -> None:
    command = f"{sys.executable} {PROGRAM} {behaviour}"
    assert ppo(world, "out", reward=("--reward-program", command)) == 1
    assert said in capsys.readouterr().err
    assert not (world / "out" / "outcome.json").exists()
