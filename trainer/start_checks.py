"""What a training run refuses before its first step: each would train, and teach something else."""

from pathlib import Path

import torch

from trainer.errors import BadInput
from trainer.language_models import LanguageModel


def require_trainable(lm: LanguageModel, folder: str | Path) -> None:
    """Refuses (BadInput) a tokenizer without a pad token, and weights that are not finite.

    Without a pad token some libraries read the reward at a pad, or mask real end tokens (TRL issue 937). One
    that is the end token is let in: batches are padded with another (`LanguageModel.pad_id`).
    """
    if lm.tokenizer.pad_token_id is None:
        raise BadInput(
            f"{folder}: found a tokenizer without a pad token, wanted one (pad_token in tokenizer_config.json)"
        )
    for name, weight in lm.model.named_parameters():
        if not bool(torch.isfinite(weight.detach()).all()):
            raise BadInput(f"{folder}: found NaN or infinite numbers in {name}, wanted finite weights")
