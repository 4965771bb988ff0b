"""SIGTERM: the step in hand is finished, a checkpoint written, and the run goes on from it bit for bit."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.house.tree import ROOT
from tests.trainer.reward_model.tiny import read_lines
from tests.trainer.runs import command, result, run_apart, write_world
from tests.trainer.test_resume import VERBS
from trainer import ending
from trainer.checkpoints import checkpoints_of
from trainer.cli import main
from trainer.errors import AskedToEnd
from trainer.parallel import Processes
from trainer.progress import ProgressWriter
from trainer.resumable import Checkpoints
from trainer.specs import SftSpec

ENDED = 143
# A step that is no multiple of the two after which a checkpoint is due.
ASKED_AT = 3


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


def without_checkpoints(words: list[str]) -> list[str]:
    place = words.index("--checkpoint-every")
    return [*words[:place], *words[place + 2 :]]


def made(out: Path) -> dict[str, Any]:
    """What the run made; the checkpoints of runs that were told to write none are left out."""
    found = result(out)
    return {name: found[name] for name in ("files", "metrics", "lines", "left")}


@pytest.mark.parametrize("verb", VERBS)
def test_a_run_that_is_asked_to_end_goes_on_bit_for_bit(
    verb: str, world: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = without_checkpoints(command(verb, world))
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert run_apart([*command(verb, world), "--out", str(whole)]) == 0
    assert run_apart([*words, "--out", str(out)], f"training.stepped@{ASKED_AT}=term") == ENDED
    said = capfd.readouterr().err
    # Another library may have had something to say before.
    assert said.endswith(
        f"step {ASKED_AT}: asked to end by SIGTERM, and the step in hand is finished: the checkpoint of all is in "
        f"{out}/checkpoints; go on with --resume\n"
    )
    assert [path.name for path in checkpoints_of(out / "checkpoints")] == [f"step-{ASKED_AT:08d}"]
    assert not (out / "outcome.json").exists()
    assert max(line["step"] for line in read_lines(out / "progress.jsonl")) == ASKED_AT
    assert run_apart([*words, "--out", str(out), "--resume"]) == 0
    # Only the one checkpoint was ever written: the end of `result` reads the last one.
    assert made(out) == made(whole)


def test_a_wish_during_a_save_waits_for_it_and_a_second_one_ends_at_once(world: Path, tmp_path: Path) -> None:
    words, whole = command("sft", world), tmp_path / "whole"
    assert run_apart([*words, "--out", str(whole)]) == 0
    # The checkpoint of step 2 is being written: the run ends after step 3.
    waiting = [*words, "--out", str(tmp_path / "waiting")]
    assert run_apart(waiting, "checkpoint.written@1=term") == ENDED
    names = [path.name for path in checkpoints_of(tmp_path / "waiting" / "checkpoints")]
    assert names == ["step-00000002", "step-00000003"]
    # The second time the checkpoint of step 3 is left unfinished.
    twice = [*words, "--out", str(tmp_path / "twice")]
    assert run_apart(twice, "training.stepped@3=term,checkpoint.written@2=term") == -signal.SIGTERM
    names = [path.name for path in checkpoints_of(tmp_path / "twice" / "checkpoints")]
    assert names == ["step-00000002"]
    for one in (waiting, twice):
        assert run_apart([*one, "--resume"]) == 0
        assert made(Path(one[-1])) == made(whole)


def test_outside_of_steps_it_ends_the_process_as_ever(world: Path, tmp_path: Path) -> None:
    words = [*command("sft", world), "--out", str(tmp_path / "out")]
    assert run_apart(words, "run.opened@1=term") == -signal.SIGTERM
    assert run_apart([*words, "--resume"], "run.trained@1=term") == 0
    assert (tmp_path / "out" / "outcome.json").exists()


def test_a_signal_from_outside_ends_a_real_process(world: Path, tmp_path: Path) -> None:
    words = command("sft", world)
    words[words.index("--progress") + 1] = "json"
    words[words.index("--epochs") + 1] = "100000"
    child = subprocess.Popen(
        [sys.executable, "-m", "trainer", *words, "--out", str(tmp_path / "out")],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert json.loads(child.stdout.readline())["step"] == 1
    child.send_signal(signal.SIGTERM)
    told, said = child.communicate(timeout=60)
    assert child.returncode == ENDED
    last = json.loads(told.splitlines()[-1])["step"] if told else 1
    assert said.startswith(f"step {last}: asked to end by SIGTERM")
    newest = checkpoints_of(tmp_path / "out" / "checkpoints")[-1]
    assert newest.name == f"step-{last:08d}"


def test_what_was_heard_before_is_heard_again_afterwards(world: Path, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert main([*command("pretrain", world), "--steps", "1", "--out", str(tmp_path / "out")]) == 0
    assert signal.getsignal(signal.SIGTERM) == before
    assert not ending.is_asked()


def test_a_process_told_to_ignore_it_goes_on_ignoring(world: Path) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with ending.heeding_sigterm():
            ending.begin_stepping()
            signal.raise_signal(signal.SIGTERM)
            assert not ending.is_asked()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_thread_leaves_signals_alone() -> None:
    before, seen = signal.getsignal(signal.SIGTERM), list[object]()

    def work() -> None:
        with ending.heeding_sigterm():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


class OneOfTwo(Processes):
    """The second of two processes; the other one was asked to end."""

    count, rank = 2, 1

    def total(self, *values: float) -> list[float]:
        return [value + 1 for value in values]


def test_all_processes_end_at_the_same_step(tmp_path: Path) -> None:
    spec = SftSpec(demonstrations="-", model="-", out=str(tmp_path))
    checkpoints = Checkpoints(spec, tmp_path, ProgressWriter(None, "none"), OneOfTwo())
    checkpoints.begin({})
    with pytest.raises(AskedToEnd, match="step 4: asked to end"):
        checkpoints.after(4)


@pytest.mark.parametrize("verb", [None, *VERBS])
def test_help_tells_the_exit_codes(verb: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([verb, "--help"] if verb else ["--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "0 done; 1 failed" in told
    assert "exit code 143; the same command with --resume goes on" in told
