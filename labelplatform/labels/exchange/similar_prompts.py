"""Prompts that repeat another by a long common beginning, as InstructGPT's data were cleaned (appendix A.2)."""

import hashlib
from collections.abc import Mapping, Sequence

PREFIX_CHARACTERS = 100


def beginning(messages: Sequence[Mapping[str, object]]) -> str:
    """A digest that two prompts share when they begin alike: what was said before is the same but for case and blanks,
    and so are the first 100 characters of the last message (all of it, if it is shorter).

    System messages do not count: a house puts the same one before everything.
    """
    said = [
        f"{message.get('role')} {' '.join(str(message.get('content')).casefold().split())}"
        for message in messages
        if message.get("role") != "system"
    ]
    if said:
        role = str(messages[-1].get("role"))
        said[-1] = said[-1][: len(role) + 1 + PREFIX_CHARACTERS]
    return hashlib.sha256("\0".join(said).encode("utf-8", "surrogatepass")).hexdigest()[:16]
