"""Two processes equal one: the same losses and weights, and the wrapping that was asked for."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.house.tree import ROOT
from tests.trainer.reward_model.tiny import read_lines
from tests.trainer.runs import command, write_world
from trainer.cli import main
from trainer.parallel import ONE_PROCESS, Processes


def test_shares_are_every_item_once_and_never_none() -> None:
    items = list("abcde")
    shares = []
    for rank in range(2):
        processes = Processes()
        processes.count, processes.rank = 2, rank
        shares.append(processes.share(items))
    assert shares == [(["a", "c", "e"], 1.0), (["b", "d"], 1.0)]
    third = Processes()
    third.count, third.rank = 3, 2
    assert third.share(["a", "b"]) == (["a"], 0.0)
    assert ONE_PROCESS.share(items) == (items, 1.0)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def in_two(jobs: list[list[str]]) -> str:
    """Runs the commands one after the other in each of two processes; what they printed."""
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(free_port())]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TRAINER_FAILPOINTS": ""}
    done = subprocess.run(
        [sys.executable, *launch, "-m", "tests.trainer.in_processes", json.dumps(jobs)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


CASES = [
    ("sft", "ddp", ()),
    ("pretrain", "ddp", ()),
    ("reward-model", "ddp", ("--batch-tokens", "40")),
    ("ppo", "ddp", ("--batch-tokens", "40")),
    ("sft", "fsdp2", ()),
    ("pretrain", "fsdp2", ()),
    ("reward-model", "fsdp2", ()),
    ("sft", "ddp", ("--tuning", "lora:2")),
]  # fmt: skip


@pytest.fixture(scope="module")
def ran(world: Path) -> Path:
    """The folder in which every case ran in one process and in two."""
    jobs = []
    for number, (verb, kind, more) in enumerate(CASES):
        words = [*command(verb, world), *more]
        assert main([*words, "--out", str(world / f"one-{number}")]) == 0
        jobs.append([*words, "--parallel", kind, "--out", str(world / f"two-{number}")])
    told = in_two(jobs)
    for kind, wrapped in (("ddp", "DistributedDataParallel"), ("fsdp2", "FSDP_Whole")):
        assert told.count(f"wrapped {wrapped}\n") == 2 * sum(case[1] == kind for case in CASES)
    return world


def weights(out: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_file(out / "model.safetensors")
    return found


@pytest.mark.parametrize(
    "number", range(len(CASES)), ids=["-".join(case[:2]) + "".join(case[2]) for case in CASES]
)
def test_two_processes_give_the_losses_and_weights_of_one(number: int, ran: Path) -> None:
    one, two = ran / f"one-{number}", ran / f"two-{number}"
    here, there = read_lines(one / "progress.jsonl"), read_lines(two / "progress.jsonl")
    assert len(here) == len(there) > 4
    for line, other in zip(here, there, strict=True):
        for name in ("loss", "loss_policy", "loss_value", "loss_pretraining", "heldout_loss", "accuracy"):
            assert line.get(name) == pytest.approx(other.get(name), abs=2e-5), (name, line["step"])
    before, after = weights(one), weights(two)
    assert before.keys() == after.keys()
    assert all(torch.allclose(before[name], after[name], atol=2e-4) for name in before)


@pytest.mark.parametrize("number", [2, 6], ids=["ddp", "fsdp2"])
def test_one_process_goes_on_from_a_checkpoint_of_two(number: int, ran: Path, tmp_path: Path) -> None:
    verb, kind, more = CASES[number]
    out = tmp_path / "out"
    shutil.copytree(ran / f"two-{number}", out)
    (out / "outcome.json").unlink()
    shutil.rmtree(sorted((out / "checkpoints").iterdir())[-1])
    words = [*command(verb, ran), *more, "--parallel", kind, "--out", str(out), "--resume"]
    assert main(words) == 0
    before, after = weights(ran / f"one-{number}"), weights(out)
    assert all(torch.allclose(before[name], after[name], atol=2e-4) for name in before)
    assert len(read_lines(out / "progress.jsonl")) == len(
        read_lines(ran / f"one-{number}" / "progress.jsonl")
    )
