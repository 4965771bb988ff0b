"""Exact resume: a run that was killed anywhere and taken up again makes what an undisturbed one makes, bit for bit."""

import random
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.trainer.runs import command, result, run_apart, write_world
from trainer import failpoints

VERBS = ("pretrain", "sft", "reward-model", "ppo")
# Optimiser steps (in ppo: updates) of each verb's run; a checkpoint every 2, and one after the last.
STEPS = {"pretrain": 7, "sft": 8, "reward-model": 9, "ppo": 5}
ONCE = ("run.opened", "run.trained", "run.saved")
KILLED = -9
SIZES = [
    *(pytest.param(verb, 3, id=f"{verb}-3") for verb in VERBS),
    *(pytest.param(verb, 20, id=f"{verb}-20", marks=pytest.mark.large) for verb in VERBS),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


@cache
def undisturbed(verb: str, world: Path) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        assert run_apart([*command(verb, world), "--out", f"{folder}/out"]) == 0
        return result(Path(folder) / "out")


def places(verb: str) -> dict[str, range]:
    """The failpoints of a run and how often each is passed."""
    saves = range(1, STEPS[verb] // 2 + STEPS[verb] % 2 + 1)
    often = {"training.stepped": range(1, STEPS[verb] + 1), **dict.fromkeys(ONCE, range(1, 2))}
    return {name: often.get(name, saves) for name in failpoints.NAMES}


def kill_points(verb: str, count: int) -> list[str]:
    """`count` places drawn by a seed, each as a plan: between steps, inside a save, before the end.

    Those of the four verbs together are every failpoint there is, whatever the size.
    """
    drawn, known = random.Random(f"kill {verb}"), places(verb)
    wanted = failpoints.NAMES[VERBS.index(verb) :: len(VERBS)]
    plans = [f"{name}@{drawn.choice(known[name])}=kill" for name in wanted]
    others = [f"{name}@{visit}=kill" for name, visits in known.items() for visit in visits]
    return plans + drawn.sample([one for one in others if one not in plans], count - len(plans))


def test_every_failpoint_is_hit_in_the_small_size() -> None:
    plans = [plan for verb in VERBS for plan in kill_points(verb, 3)]
    assert {plan.split("@")[0] for plan in plans} == set(failpoints.NAMES)
    assert len(plans) == 12


@pytest.mark.parametrize(("verb", "count"), SIZES)
def test_check_45_a_killed_run_taken_up_again_equals_an_undisturbed_one(
    verb: str, count: int, world: Path, tmp_path: Path
) -> None:
    wanted = undisturbed(verb, world)
    assert wanted["checkpoint"] == f"step-{STEPS[verb]:08d}"
    for number, plan in enumerate(kill_points(verb, count)):
        words = [*command(verb, world), "--out", str(tmp_path / str(number))]
        assert run_apart([*words, "--resume"], plan) == KILLED, plan
        assert run_apart([*words, "--resume"]) == 0, plan
        assert result(tmp_path / str(number)) == wanted, plan


@pytest.mark.parametrize("verb", ["reward-model", "ppo"])
def test_check_45_holds_for_adapters_too(verb: str, world: Path, tmp_path: Path) -> None:
    words = [*command(verb, world), "--tuning", "lora:2", "--resume"]
    assert run_apart([*words, "--out", str(tmp_path / "whole")]) == 0
    assert run_apart([*words, "--out", str(tmp_path / "killed")], "training.stepped@3=kill") == KILLED
    assert run_apart([*words, "--out", str(tmp_path / "killed")]) == 0
    assert result(tmp_path / "killed") == result(tmp_path / "whole")


@pytest.mark.parametrize("verb", ["reward-model", "ppo"])
def test_a_run_whose_newest_checkpoint_is_damaged_goes_on_from_the_one_before_it(
    verb: str, world: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [*command(verb, world), "--out", str(tmp_path / "out"), "--resume"]
    assert run_apart(words, "training.stepped@5=kill") == KILLED
    damaged = tmp_path / "out" / "checkpoints" / "step-00000004" / "tensors.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-7])
    assert run_apart(words) == 0
    assert "step-00000004: found a damaged tensors.safetensors" in capfd.readouterr().err
    assert result(tmp_path / "out") == undisturbed(verb, world)
