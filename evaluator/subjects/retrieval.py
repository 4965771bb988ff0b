"""Subjects that wrap a model: what is put before a question, and what is made of the answer.

Retrieval-augmented generation puts passages of a knowledge file before the question. A wrapper that lets a model write
a program and answers by running it (PAL) has the same two sides.
"""

from pathlib import Path
from typing import Protocol

from evaluator import json_lines
from evaluator.errors import BadInput
from evaluator.prompts import Message, text
from evaluator.support.word_search import WordSearch

PASSAGES = 3
HEAD = "Use this where it helps:"


class Wrapper(Protocol):
    """What stands between a question and a model."""

    @property
    def detail(self) -> dict[str, object]:
        """What the report says of the wrapper."""
        ...

    def before(self, question: str) -> str:
        """What is put before the question; empty: nothing."""
        ...

    def after(self, question: str, response: str) -> str:
        """What is made of the model's response."""
        ...


class Retrieval:
    """The passages of a file that fit a question best by BM25 (Robertson; Lucene's form), best first."""

    def __init__(self, path: Path, passages: int = PASSAGES) -> None:
        self._texts = read_passages(path)
        self._count = min(passages, len(self._texts))
        self._search = WordSearch(self._texts, content_only=True)
        digest = json_lines.sha256_of_file(path)
        self.detail: dict[str, object] = {
            "kind": "retrieval",
            "path": str(path),
            "sha256": digest,
            "passages": self._count,
            "by": "BM25",
        }

    def passages(self, question: str) -> list[str]:
        """The passages that share a word with the question, best first, at most as many as asked for."""
        return [self._texts[place] for place in self._search.best(question)[: self._count]]

    def before(self, question: str) -> str:
        """The passages as a text, or nothing where none fits."""
        found = self.passages(question)
        return "\n".join([HEAD, *found]) if found else ""

    def after(self, question: str, response: str) -> str:
        """The response as it is."""
        return response


def read_passages(path: Path) -> list[str]:
    """The passages: `text` of each line of a .jsonl, or the paragraphs of a text. Refuses a file without one."""
    if path.suffix == ".jsonl":
        found = [text(line, "text", f"{path}:{number}") for number, line in json_lines.read(path)]
    else:
        try:
            raw = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"--knowledge {path}: {error}, wanted a text in UTF-8, or .jsonl lines") from error
        found = [part.strip() for part in raw.split("\n\n") if part.strip()]
    if not found:
        raise BadInput(f"--knowledge {path}: found no passage, wanted at least one")
    return found


def wrapped_messages(wrapper: Wrapper | None, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages with what the wrapper puts before the last of them."""
    if wrapper is None:
        return messages
    last = messages[-1]
    told = wrapper.before(last.content)
    return (*messages[:-1], Message(last.role, f"{told}\n\n{last.content}")) if told else messages


def wrapped_text(wrapper: Wrapper | None, question: str, prompt: str) -> str:
    """A prompt in words alone, with what the wrapper puts before it."""
    told = wrapper.before(question) if wrapper is not None else ""
    return f"{told}\n\n{prompt}" if told else prompt
