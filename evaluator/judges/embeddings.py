"""Sentence embeddings of a local model folder: mean of the last hidden states over real tokens, of length 1."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluator.errors import BadInput
from evaluator.support.encoder import shipped_encoder_folder

Floats = NDArray[np.float64]
LONGEST_TOKENS = 256
TEXTS_AT_ONCE = 64


class Embedder:
    """A sentence model of a folder. `embed` gives [N, width] of N texts, rows of length 1; each text is run once."""

    def __init__(self, folder: Path | None = None) -> None:
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()

        self.folder = folder or shipped_encoder_folder()
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
            self._model: Any = AutoModel.from_pretrained(
                self.folder, local_files_only=True, use_safetensors=True
            )
        except (OSError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())[:200]
            raise BadInput(
                f"{self.folder}: found a model that does not load ({reason}), wanted a sentence model"
            ) from error
        self._model.eval()
        self._known: dict[str, Floats] = {}

    def embed(self, texts: Sequence[str]) -> Floats:
        """[N, width] float64, each row of length 1, in the order of `texts`. Texts past 256 tokens are cut."""
        new = sorted({text for text in texts if text not in self._known}, key=lambda text: (len(text), text))
        for start in range(0, len(new), TEXTS_AT_ONCE):
            part = new[start : start + TEXTS_AT_ONCE]
            self._known.update(zip(part, self._run(part), strict=True))
        return np.stack([self._known[text] for text in texts]) if texts else np.zeros((0, 0))

    def _run(self, texts: Sequence[str]) -> Floats:
        import torch

        batch = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=LONGEST_TOKENS, return_tensors="pt"
        )
        with torch.inference_mode():
            hidden = self._model(**batch).last_hidden_state.double()
        mask = batch["attention_mask"].unsqueeze(-1).double()
        mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
        return np.asarray((mean / mean.norm(dim=-1, keepdim=True)).numpy())
