"""Run folders: never shared, finished by their last file."""

import json
from pathlib import Path

import pytest

from trainer.errors import BadInput
from trainer.run_folder import is_finished, open_run_folder, read_outcome
from trainer.snapshots import file_digest
from trainer.specs import PretrainSpec

SPEC = PretrainSpec(texts=("a.txt",), out="o", steps=3, seed=5)


def test_a_run_tells_what_it_was_told_and_where_it_ran(tmp_path: Path) -> None:
    folder = open_run_folder(tmp_path / "deep" / "run", SPEC)
    told = json.loads((folder.path / "spec.json").read_bytes())
    assert PretrainSpec.from_json(told, "-") == SPEC
    assert told["verb"] == "pretrain"
    environment = json.loads((folder.path / "environment.json").read_bytes())
    assert environment["seeds"] == {"seed": 5}
    assert environment["packages"]["torch"]
    assert set(environment) >= {"commit", "dirty", "python", "device"}


def test_outcome_is_the_last_file_and_names_all_others(tmp_path: Path) -> None:
    folder = open_run_folder(tmp_path / "run", SPEC)
    (folder.path / "model.safetensors").write_bytes(b"weights")
    assert not is_finished(folder.path)
    folder.finish({"heldout_loss": 1.5, "train_loss": None})
    assert is_finished(folder.path)
    outcome = read_outcome(folder.path)
    assert outcome["metrics"] == {"heldout_loss": 1.5, "train_loss": None}
    assert outcome["format"] == "labelplatform-outcome/1"
    assert outcome["verb"] == "pretrain"
    assert outcome["files"] == {
        name: file_digest(folder.path / name)
        for name in ("environment.json", "model.safetensors", "spec.json")
    }


def test_an_outcome_without_number_is_refused(tmp_path: Path) -> None:
    folder = open_run_folder(tmp_path / "run", SPEC)
    with pytest.raises(ValueError, match="not JSON compliant"):
        folder.finish({"heldout_loss": float("nan")})
    assert not is_finished(folder.path)


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    open_run_folder(tmp_path / "run", SPEC)
    with pytest.raises(BadInput, match="not empty"):
        open_run_folder(tmp_path / "run", SPEC)
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(BadInput, match="found a file"):
        open_run_folder(tmp_path / "file", SPEC)
    (tmp_path / "empty").mkdir()
    assert open_run_folder(tmp_path / "empty", SPEC).path == tmp_path / "empty"


def test_reading_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"outcome\.json"):
        read_outcome(tmp_path)
