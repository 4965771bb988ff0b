"""A prompt with its responses as token ids: the unit that shares a prompt's computation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PromptGroup:
    """Token ids of a prompt and of its responses; neither may be empty."""

    prompt: tuple[int, ...]
    responses: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        if not self.prompt:
            raise ValueError("a prompt without one token leaves no place to start from")
        if not self.responses or not all(self.responses):
            raise ValueError("a group needs responses, each of one token or more")

    @property
    def tokens(self) -> int:
        """Tokens that a shared pass computes: the prompt once, and every response."""
        return len(self.prompt) + sum(map(len, self.responses))
