"""Language modelling mixed into PPO's own step: L = L_ppo + γ·CE, one backward each, one step for both."""

from collections.abc import Iterator

import torch
from torch import Tensor

from trainer.language_models import LanguageModel
from trainer.pretraining.documents import encode_documents, packed_batches, read_documents
from trainer.pretraining.train import next_token_loss
from trainer.resumable import Replayed
from trainer.specs import PpoSpec


class PretrainingMix:
    """Endless batches of text and their weighted loss. Ouyang et al. 2022, equation 2 (γ of PPO-ptx)."""

    def __init__(self, batches: Iterator[tuple[Tensor, Tensor]], coefficient: float) -> None:
        self.batches = batches
        self.coefficient = coefficient

    def next_batch(self) -> tuple[Tensor, Tensor]:
        """The next batch's inputs and targets, [B, T] each."""
        return next(self.batches)

    def loss(self, lm: LanguageModel, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean -log p of a batch's tokens, a scalar, not yet weighted."""
        return next_token_loss(lm.model, inputs.to(lm.device), targets.to(lm.device))


def open_mix(spec: PpoSpec, lm: LanguageModel, generator: torch.Generator) -> PretrainingMix | None:
    """The spec's mix, None without one. Refuses (BadInput) files that hold no document."""
    if not spec.pretraining_text:
        return None
    encoded = encode_documents(lm.tokenizer, read_documents(spec.pretraining_text))
    context = min(lm.context, spec.pretraining_tokens)
    rows = max(spec.pretraining_tokens // context, 1)
    batches = Replayed(
        lambda drawn: packed_batches(encoded, context=context, rows=rows, generator=drawn), generator
    )
    return PretrainingMix(batches, spec.pretraining_coefficient)
