"""Language models: folders, token ids, batches, log-probabilities and generation. Imports nothing else of
trainer.

Written once for `trainer sample`, PPO, the evaluator's subjects and a local chat server.
"""

from trainer.language_models.batches import ResponseBatch, left_pad, positions, response_batch, right_pad
from trainer.language_models.folders import (
    LanguageModel,
    ModelFolderError,
    load_language_model,
    save_language_model,
)
from trainer.language_models.generation import (
    Generated,
    LogitsNotFiniteError,
    PromptTooLongError,
    Reader,
    SamplingSettings,
    generate,
    response_lengths,
    row_noise,
    sample_tokens,
)
from trainer.language_models.log_probabilities import (
    response_hidden_states,
    response_log_probabilities,
    token_log_probabilities,
)
from trainer.language_models.tokens import decode_response, encode_prompt, encode_response, encode_text

__all__ = [
    "Generated",
    "LanguageModel",
    "LogitsNotFiniteError",
    "ModelFolderError",
    "PromptTooLongError",
    "Reader",
    "ResponseBatch",
    "SamplingSettings",
    "decode_response",
    "encode_prompt",
    "encode_response",
    "encode_text",
    "generate",
    "left_pad",
    "load_language_model",
    "positions",
    "response_batch",
    "response_hidden_states",
    "response_lengths",
    "response_log_probabilities",
    "right_pad",
    "row_noise",
    "sample_tokens",
    "save_language_model",
    "token_log_probabilities",
]
