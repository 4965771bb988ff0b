"""Checkpoints: whole or not there, proved by their hashes, kept by a rule; and what a resume refuses."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from tests.trainer.runs import command, result, run_apart, write_world
from trainer import checkpoints, failpoints
from trainer.checkpoints import (
    STATE,
    TENSORS,
    checkpoints_of,
    newest_checkpoint,
    pack,
    unpack,
    write_checkpoint,
)
from trainer.cli import main
from trainer.errors import BadInput, TrainingStopped
from trainer.run_folder import open_run_folder
from trainer.specs import PretrainSpec

SPEC = PretrainSpec(texts=("a.txt",), out="o", steps=3, seed=5)


def state(number: float) -> checkpoints.State:
    return {"weights": {"a": torch.full((3,), number)}, "step": {"taken": int(number)}}


def write(folder: Path, *steps: int, keep: int = 2) -> None:
    for step in steps:
        write_checkpoint(folder, step, state(step), keep=keep)


def test_what_is_packed_comes_back_and_tied_tensors_are_kept_once() -> None:
    tied = torch.arange(4.0)
    told = {
        "a": {"x": tied, "y": tied, "bytes": torch.tensor([1, 255], dtype=torch.uint8)},
        "b": [{"z": torch.zeros(0)}, {"n": None}, 0.1],
        "c": [[1, [2, 3]], "text", True],
    }
    tensors, whole = pack(told)
    assert set(tensors) == {"a/x", "a/bytes", "b/0/z"}
    found = unpack(tensors, json.loads(json.dumps(whole)))
    assert torch.equal(found["a"]["y"], tied)
    assert found["a"]["bytes"].dtype == torch.uint8
    assert (found["b"][1:], found["c"]) == ([{"n": None}, 0.1], told["c"])


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    write(tmp_path, 2, 4, 6, 8)
    assert [path.name for path in checkpoints_of(tmp_path)] == ["step-00000006", "step-00000008"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000006", "step-00000008"]
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found[0] == 8
    assert found[1]["weights"]["a"].tolist() == [8.0, 8.0, 8.0]


@pytest.mark.parametrize("harm", ["flipped", "short", "manifest", "state", "absent"])
def test_a_damaged_newest_is_told_and_the_one_before_it_taken(
    harm: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, 2, 4)
    newest = tmp_path / "step-00000004"
    tensors = newest / TENSORS
    data = tensors.read_bytes()
    if harm == "flipped":
        tensors.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif harm == "short":
        tensors.write_bytes(data[: len(data) // 2])
    elif harm == "absent":
        tensors.unlink()
    else:
        name = STATE if harm == "state" else "manifest.json"
        (newest / name).write_text("{}", "utf-8")
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found[0] == 2
    told = capsys.readouterr().err
    assert "step-00000004" in told
    assert told.count("\n") == 1
    write(tmp_path, 4)
    again = newest_checkpoint(tmp_path)
    assert again is not None
    assert again[0] == 4


def test_everything_is_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def synced(descriptor: int) -> None:
        done.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        done.append(f"rename {target.name}")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    write(tmp_path / "kept", 2)
    partial = ".step-00000002.partial"
    place = done.index("rename step-00000002")
    before = done[:place]
    assert before.index(f"sync {TENSORS}") < len(before) - 1
    assert any("state.json" in entry for entry in before)
    manifest = next(number for number, entry in enumerate(before) if "manifest.json" in entry)
    assert manifest > before.index(f"sync {TENSORS}")
    assert before[-1] == f"sync {partial}"
    assert done[place + 1] == "sync kept"


@pytest.mark.parametrize("name", ["checkpoint.begun", "checkpoint.written", "checkpoint.hashed"])
def test_a_full_disk_keeps_the_last_good_one_and_says_so(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 2)
    monkeypatch.setenv(failpoints.VARIABLE, f"{name}@1=full")
    monkeypatch.setattr(failpoints, "_visits", {})
    with pytest.raises(
        TrainingStopped, match=r"step 4: found the disk full .* last good one is step-00000002"
    ):
        write(tmp_path, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000002"]
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found[0] == 2


def test_a_checkpoint_is_not_begun_without_room_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 2)
    size = sum(path.stat().st_size for path in (tmp_path / "step-00000002").iterdir())
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=int(1.2 * size) - 1))
    with pytest.raises(TrainingStopped, match="disk full"):
        write(tmp_path, 4)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2 * size))
    write(tmp_path, 4)


def test_other_failures_are_not_called_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(OSError) as raised:
        write(tmp_path / "file", 2)
    assert raised.value.errno == errno.EEXIST


def test_a_run_stopped_by_a_full_disk_goes_on_to_the_same_end(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    world = write_world(tmp_path)
    words = command("sft", world)
    assert run_apart([*words, "--out", str(tmp_path / "whole")]) == 0
    stopped = [*words, "--out", str(tmp_path / "stopped"), "--resume"]
    assert run_apart(stopped, "checkpoint.written@3=full") == 1
    told = capfd.readouterr().err
    assert "step 6: found the disk full" in told
    assert told.count("\n") == 1
    assert run_apart(stopped) == 0
    assert result(tmp_path / "stopped") == result(tmp_path / "whole")


def test_a_full_disk_at_the_very_end_is_one_sentence_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = command("sft", write_world(tmp_path))
    monkeypatch.setenv(failpoints.VARIABLE, "run.saved@1=full")
    monkeypatch.setattr(failpoints, "_visits", {})
    assert main([*words, "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == "found the disk full: free some space, then go on with --resume\n"


def refusal(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(words) == 2
    return capsys.readouterr().err


def test_what_differs_from_the_begun_run_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = write_world(tmp_path)
    out = ["--out", str(tmp_path / "out")]
    words = [*command("sft", world), *out]
    assert run_apart(words, "training.stepped@3=kill") == -9
    assert "not empty" in refusal(words, capsys)
    again = [*words, "--resume"]
    told = refusal([*again, "--learning-rate", "0.25"], capsys)
    assert "--learning-rate: found a number 0.25, wanted a number 0.0005 as the run was begun with" in told
    assert "--verb" in refusal([*command("reward-model", world), *out, "--resume"], capsys)
    text = (world / "demonstrations.jsonl").read_text("utf-8")
    (world / "demonstrations.jsonl").write_text(text.replace("a b", "b a"), "utf-8")
    assert "demonstrations.jsonl: found other contents" in refusal(again, capsys)
    (world / "demonstrations.jsonl").write_text(text, "utf-8")
    assert run_apart([*again, "--checkpoint-every", "3", "--keep-checkpoints", "1"]) == 0
    assert [path.name for path in checkpoints_of(tmp_path / "out" / "checkpoints")] == ["step-00000008"]


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    words = [*command("sft", write_world(tmp_path)), "--out", str(tmp_path / "out"), "--resume"]
    assert run_apart(words) == 0
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    assert run_apart(words) == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == times


def test_a_folder_without_a_run_or_with_one_at_work_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine", "utf-8")
    with pytest.raises(BadInput, match=r"found files but no spec\.json"):
        open_run_folder(tmp_path / "other", SPEC, resume=True)
    at_work = open_run_folder(tmp_path / "run", SPEC)
    with pytest.raises(BadInput, match="a run still at work"):
        open_run_folder(tmp_path / "run", SPEC, resume=True)
    del at_work
    open_run_folder(tmp_path / "run", SPEC, resume=True)


@pytest.mark.parametrize("plan", ["nowhere@1=kill", "run.saved@x=kill", "run.saved@1=sleep"])
def test_a_plan_that_names_nothing_is_refused(plan: str) -> None:
    with pytest.raises(ValueError, match="TRAINER_FAILPOINTS"):
        failpoints.parse_plan(plan)


def test_without_a_plan_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(failpoints.VARIABLE, raising=False)
    monkeypatch.setattr(failpoints, "_visits", {})
    failpoints.failpoint("run.saved")
    assert failpoints._visits == {}
