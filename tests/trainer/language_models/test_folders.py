"""Model folders: what is saved is loaded, and what is no model folder is refused in one line."""

from pathlib import Path

import pytest
import torch

from tests.trainer.tiny_models import tiny_model
from trainer.language_models import ModelFolderError, encode_text, load_language_model, save_language_model
from trainer.language_models.folders import pad_id_of


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    lm = tiny_model()
    save_language_model(lm.model, lm.tokenizer, tmp_path / "m")
    again = load_language_model(tmp_path / "m")
    assert again.end_ids == lm.end_ids
    assert again.pad_id == lm.pad_id
    assert again.context == 96
    assert not again.model.training
    ids = torch.tensor([encode_text(again.tokenizer, "Lima 利马 🙂")])
    with torch.no_grad():
        assert torch.equal(again.model(input_ids=ids).logits, lm.model(input_ids=ids).logits)
    assert not list((tmp_path / "m").glob("*.bin"))


def test_other_precisions_are_loaded(tmp_path: Path) -> None:
    lm = tiny_model()
    save_language_model(lm.model, lm.tokenizer, tmp_path / "m")
    assert load_language_model(tmp_path / "m", precision="bfloat16").model.dtype == torch.bfloat16
    assert load_language_model(tmp_path / "m", precision="float64").model.dtype == torch.float64


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("config.json", "found no config.json"),
        ("model.safetensors", "found no safetensors weights"),
        ("tokenizer_config.json", "found no tokenizer_config.json"),
    ],
)
def test_a_folder_that_lacks_a_file_is_refused(tmp_path: Path, missing: str, told: str) -> None:
    lm = tiny_model()
    save_language_model(lm.model, lm.tokenizer, tmp_path / "m")
    (tmp_path / "m" / missing).unlink()
    with pytest.raises(ModelFolderError, match=told):
        load_language_model(tmp_path / "m")


def test_broken_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="no such folder"):
        load_language_model(tmp_path / "none")
    lm = tiny_model()
    save_language_model(lm.model, lm.tokenizer, tmp_path / "m")
    (tmp_path / "m" / "config.json").write_text('{"model_type": "unheard-of"}', "utf-8")
    with pytest.raises(ModelFolderError, match="does not load") as refusal:
        load_language_model(tmp_path / "m")
    assert "\n" not in str(refusal.value)


def test_pad_is_never_an_end_token() -> None:
    class Tokenizer:
        pad_token_id = 2
        all_special_ids = (2, 0, 1)

    assert pad_id_of(Tokenizer(), (2,)) == 0
    assert pad_id_of(Tokenizer(), (2, 0)) == 1
    assert pad_id_of(Tokenizer(), (0, 1)) == 2
