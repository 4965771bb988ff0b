"""Log-probabilities of given responses, with the vocabulary's logits computed on response positions only."""

from typing import Any

import torch
from torch import Tensor

from trainer.language_models.batches import ResponseBatch, positions


def response_hidden_states(model: Any, batch: ResponseBatch) -> Tensor:
    """The trunk's last hidden states [B, R, H] from which each response token is predicted.

    Column t holds the state of the token before response token t: the prompt's last token for t = 0.
    """
    ids = torch.cat([batch.prompt_ids, batch.response_ids], dim=1)
    mask = torch.cat([batch.prompt_mask, batch.response_mask], dim=1)
    trunk = model.get_decoder()
    hidden: Tensor = trunk(
        input_ids=ids, attention_mask=mask.long(), position_ids=positions(mask), use_cache=False
    ).last_hidden_state
    return hidden[:, batch.prompt_ids.shape[1] - 1 : -1]


def token_log_probabilities(logits: Tensor, ids: Tensor, *, temperature: float = 1.0) -> Tensor:
    """log softmax(logits / temperature) at `ids`, in float32: logits [..., V], ids [...] -> [...].

    Temperature 0 (the greedy choice) is scored by the unscaled softmax. Never makes a second [..., V] tensor
    of
    log-probabilities: log p = logit - logsumexp.
    """
    scaled = logits.float()
    if temperature not in (0.0, 1.0):
        scaled = scaled / temperature
    return scaled.gather(-1, ids.unsqueeze(-1)).squeeze(-1) - scaled.logsumexp(dim=-1)


def response_log_probabilities(model: Any, batch: ResponseBatch, *, temperature: float = 1.0) -> Tensor:
    """Log-probabilities [B, R] of the response tokens under softmax(logits / temperature), 0 at padding.

    The same distribution that `generate` samples from (top_p aside), so a first PPO ratio is 1.
    """
    logits = model.get_output_embeddings()(response_hidden_states(model, batch))
    found = token_log_probabilities(logits, batch.response_ids, temperature=temperature)
    return found.masked_fill(~batch.response_mask, 0.0)
