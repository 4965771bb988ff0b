"""What is scored: a text after another one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Continuation:
    """`answer` after `prompt`. Scored are the tokens past those of the prompt alone, less the first `skip` of them.

    `special` adds the tokens that the tokenizer puts around any text (a beginning-of-text token).
    """

    prompt: str
    answer: str
    skip: int = 0
    special: bool = False
