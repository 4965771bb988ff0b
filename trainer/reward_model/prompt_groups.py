"""A prompt with its responses as token ids: the unit that shares a prompt's computation; and who shares a block."""

from collections.abc import Sequence
from dataclasses import dataclass

# Tokens of a prompt, and of each of its responses.
Lengths = tuple[int, Sequence[int]]
# Groups share a block of attention while padding them to one shape costs at most this much more than they would
# apart, or while the block is so small that its calls cost more than its numbers.
LARGEST_PADDING, SMALL_BLOCK = 1.25, 2**16


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

    @property
    def lengths(self) -> Lengths:
        """Tokens of the prompt and of each response."""
        return len(self.prompt), [len(response) for response in self.responses]


def block_sizes(groups: Sequence[Lengths]) -> list[int]:
    """How many neighbouring groups each block of attention holds: those of like shape, in order."""
    blocks: list[list[Lengths]] = []
    for group in groups:
        if blocks:
            together, apart = _pairs([*blocks[-1], group]), _pairs(blocks[-1]) + _pairs([group])
            if together <= max(LARGEST_PADDING * apart, SMALL_BLOCK):
                blocks[-1].append(group)
                continue
        blocks.append([group])
    return [len(block) for block in blocks]


def _pairs(groups: Sequence[Lengths]) -> int:
    """Query-key pairs of the groups padded to one shape: G·P² + N·R·(P + R)."""
    prompt = max(size for size, _ in groups)
    lengths = [length for _, own in groups for length in own]
    longest = max(lengths)
    return len(groups) * prompt**2 + len(lengths) * longest * (prompt + longest)
