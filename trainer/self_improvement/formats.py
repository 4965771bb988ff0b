"""A question put in four ways, so that what is learned does not hang on one of them (Huang et al. 2022, 3.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.prompts import Message

STEP_BY_STEP = "Let's think step by step."
FORMATS = ("chain-of-thought", "direct", "step-by-step", "plain")


@dataclass(frozen=True)
class Example:
    """A question with its reasoning and its answer."""

    question: str
    reasoning: str
    answer: str


def direct_answer(answer: str, marker: str) -> str:
    """The answer alone, in the words by which it is found."""
    return f"{marker} {answer}."


def put(prompt: Sequence[Message], form: str, examples: Sequence[Example], marker: str) -> list[Message]:
    """The question's messages in the format `form`.

    chain-of-thought: worked examples as turns before it; direct: the same with answers alone; step-by-step: no
    example, and the words that ask for reasoning; plain: the question as it is.
    """
    messages = list(prompt)
    if form == "step-by-step":
        last = messages[-1]
        return [*messages[:-1], Message(last.role, f"{last.content}\n{STEP_BY_STEP}", last.extra)]
    if form == "plain":
        return messages
    turns: list[Message] = []
    for example in examples:
        said = example.reasoning if form == "chain-of-thought" else direct_answer(example.answer, marker)
        turns += [Message("user", example.question), Message("assistant", said)]
    opening = 1 if messages[0].role == "system" else 0
    return [*messages[:opening], *turns, *messages[opening:]]


def taught(form: str, path: str, answer: str, marker: str) -> str:
    """What is to be said in the format: the whole path, or the answer alone."""
    return path if form in ("chain-of-thought", "step-by-step") else direct_answer(answer, marker)
