"""Small runs of every training verb in processes of their own, that can be made to die where a test says."""

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from tests.trainer.builders import demonstration_line
from tests.trainer.reward_model.test_train import ranking_line
from tests.trainer.reward_model.tiny import read_lines, tiny_language_model, write_lines
from trainer import failpoints
from trainer.checkpoints import STATE, TENSORS, checkpoints_of
from trainer.cli import main
from trainer.reward_model.model import save_model, save_reward_model, with_new_head

COMMON = ("--threads", "1", "--progress", "none", "--seed", "5", "--checkpoint-every", "2")
JUDGE = "tests.trainer.ppo.reward_functions:judged"
DRAWN = "tests.trainer.resume_rewards:drawn"


def write_world(folder: Path) -> Path:
    """The folder, with a policy, a reward model, and data for each verb in it."""
    lm = tiny_language_model()
    save_model(lm.model, lm.tokenizer, folder / "policy")
    save_reward_model(with_new_head(tiny_language_model(4), seed=1), folder / "reward-model")
    prompts = [{"id": name, "prompt": [{"role": "user", "content": name}]} for name in "abcdefgh"]
    write_lines(folder / "prompts.jsonl", prompts)
    (folder / "text.txt").write_text(
        "a b c d e f g h i j\n\nk l m n o p q r s t\n\nb a d c\n\ne a f\n" * 4, "utf-8"
    )
    drawn = random.Random(0)
    rankings = [
        ranking_line(number, "heldout" if number % 4 == 0 else "train", drawn) for number in range(24)
    ]
    write_lines(folder / "rankings.jsonl", rankings)
    taught = [
        demonstration_line(f"d{n}", prompt=prompts[n % 8]["prompt"], response="a b " * (1 + n % 3))
        for n in range(12)
    ]
    write_lines(folder / "demonstrations.jsonl", taught)
    return folder


def command(verb: str, world: Path) -> list[str]:
    """The words of a run of `verb` on the data of `world`, without --out."""
    model = ["--model", str(world / "policy")]
    text = str(world / "text.txt")
    words = {
        "pretrain": [text, "--steps", "7", "--layers", "1", "--width", "16", "--heads", "2", "--context", "16",
                     "--batch-tokens", "64", "--vocabulary", "270"],
        "sft": [str(world / "demonstrations.jsonl"), *model, "--epochs", "2", "--batch-size", "3"],
        "reward-model": [str(world / "rankings.jsonl"), *model, "--epochs", "3", "--rankings-per-step", "6",
                         "--learning-rate", "3e-3"],
        "ppo": [str(world / "prompts.jsonl"), "--policy", str(world / "policy"), "--updates", "5", "--episodes",
                "8", "--minibatch-size", "4", "--max-new-tokens", "4", "--learning-rate", "3e-3",
                "--reward-function", DRAWN, "--reward-program", f"{sys.executable} -m tests.trainer.resume_rewards",
                "--kl-target", "0.5", "--kl-horizon", "20", "--pretraining-text", text,
                "--pretraining-coefficient", "0.5", "--pretraining-tokens", "32", "--validation",
                str(world / "prompts.jsonl"), "--validation-function", JUDGE, "--validate-every", "1",
                "--keep-best", "says_a"],
    }  # fmt: skip
    return [verb, *words[verb], *COMMON]


def run_apart(words: list[str], plan: str = "") -> int:
    """The exit code of the command in a process of its own, -9 where the plan of failpoints killed it."""
    child = os.fork()
    if child == 0:
        os.environ[failpoints.VARIABLE] = plan
        failpoints._visits.clear()
        code = 70
        try:
            code = main(words)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def result(out: Path) -> dict[str, Any]:
    """All that a run made, without what a clock or a gauge told: files, lines of progress, metrics, last checkpoint."""
    clocks = {"environment.json", "outcome.json", "progress.jsonl", "spec.json"}
    files = {
        path.name: path.read_bytes() for path in out.iterdir() if path.is_file() and path.name not in clocks
    }
    metrics = json.loads((out / "outcome.json").read_text("utf-8"))["metrics"]
    for name in ("cpu_seconds", "memory"):
        metrics.pop(name)
    lines = [
        {name: value for name, value in line.items() if not name.startswith("seconds")}
        for line in read_lines(out / "progress.jsonl")
    ]
    newest = checkpoints_of(out / "checkpoints")[-1]
    state = json.loads((newest / STATE).read_text("utf-8"))["state"]
    for name in ("progress", "cpu_seconds"):
        state.pop(name)
    state.get("course", {"dict": {}})["dict"].pop("seconds", None)
    tensors = {name: value.tolist() for name, value in load_file(newest / TENSORS).items()}
    return {
        "files": files,
        "metrics": metrics,
        "lines": lines,
        "checkpoint": newest.name,
        "state": state,
        "tensors": tensors,
        "left": sorted(str(path) for path in out.rglob(".*.partial")),
    }
