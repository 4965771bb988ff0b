"""A prompt as one text."""

from collections.abc import Sequence

from trainer.prompts import Message

SPEAKERS = {"system": "System", "user": "User", "assistant": "Assistant"}


def prompt_text(messages: Sequence[Message]) -> str:
    """The prompt as one text: what the user said, or a transcript where more was said before."""
    if len(messages) == 1 and messages[0].role == "user":
        return messages[0].content
    said = [f"{SPEAKERS[message.role]}: {message.content}" for message in messages]
    return "\n\n".join([*said, "Assistant: "])
