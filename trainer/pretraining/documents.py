"""Documents for language modelling: read from text files, turned into tokens, packed into rows without
padding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainer import json_lines
from trainer.errors import BadInput
from trainer.json_lines import kind_of
from trainer.language_models import encode_prompt
from trainer.prompts import Message, parse_messages

ENCODED_AT_ONCE = 1000


@dataclass(frozen=True)
class Document:
    """Plain text, or a finished conversation that the chat template renders (`text` is None then)."""

    text: str | None
    messages: tuple[Message, ...] = ()

    @property
    def contents(self) -> list[str]:
        """What is said in it, without template: what a tokenizer is trained on."""
        return [self.text] if self.text is not None else [message.content for message in self.messages]


def read_documents(paths: Sequence[str]) -> list[Document]:
    """All documents of the files, in order: `.txt` files parted by empty lines, `.jsonl` one document a line.

    Refuses (BadInput) a file with another ending, text that is not UTF-8, and files without any document.
    """
    found: list[Document] = []
    for path in paths:
        if path.endswith(".jsonl"):
            found += [_from_line(line, f"{path}:{number}") for number, line in json_lines.read(path)]
        elif path.endswith(".txt"):
            found += _from_text(Path(path))
        else:
            raise BadInput(f"{path}: found another kind of file, wanted .txt or .jsonl")
    if not found:
        raise BadInput(f"{', '.join(paths)}: found no document, wanted at least one")
    return found


def encode_documents(tokenizer: Any, documents: Sequence[Document]) -> list[list[int]]:
    """Token ids of each document, in order: text closed by the end token, conversations as the template
    closes them.
    """
    encoded: list[list[int]] = [[] for _ in documents]
    plain = [
        (number, document.text) for number, document in enumerate(documents) if document.text is not None
    ]
    for start in range(0, len(plain), ENCODED_AT_ONCE):
        part = plain[start : start + ENCODED_AT_ONCE]
        texts = [text for _, text in part]
        ids = tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        for (number, _), one in zip(part, ids, strict=True):
            encoded[number] = [*one, tokenizer.eos_token_id]
    for number, document in enumerate(documents):
        if document.text is None:
            encoded[number] = encode_prompt(tokenizer, document.messages, open_response=False)
    return encoded


def packed_batches(
    encoded: Sequence[Sequence[int]], *, context: int, rows: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches (inputs [rows, context], targets [rows, context]) of the documents joined end to end.

    Targets are the inputs' next tokens. Each epoch shuffles the documents; what does not fill a batch opens
    the next
    epoch, so every token is used once an epoch and no row holds padding. Refuses (BadInput) documents
    without tokens.
    """
    documents = [torch.tensor(one) for one in encoded if one]
    if not documents:
        raise BadInput("found documents without any token, wanted some text")
    size = rows * context
    left = torch.empty(0, dtype=torch.long)
    while True:
        parts = [left]
        have = len(left)
        while have < size + 1:
            order = torch.randperm(len(documents), generator=generator).tolist()
            parts += [documents[number] for number in order]
            have = sum(len(part) for part in parts)
        stream = torch.cat(parts)
        whole = (len(stream) - 1) // size
        for number in range(whole):
            window = stream[number * size : (number + 1) * size + 1]
            yield window[:-1].view(rows, context), window[1:].view(rows, context)
        left = stream[whole * size :]


def heldout_rows(encoded: Sequence[Sequence[int]], *, context: int) -> tuple[Tensor, Tensor]:
    """The documents joined once, as (inputs [N, context], targets [N, context]); targets beyond the end are
    -100.
    """
    stream = torch.tensor([token for one in encoded for token in one])
    count = max(-(-(len(stream) - 1) // context), 1)
    inputs = torch.zeros(count * context, dtype=torch.long)
    targets = torch.full((count * context,), -100)
    inputs[: len(stream) - 1] = stream[:-1]
    targets[: len(stream) - 1] = stream[1:]
    return inputs.view(count, context), targets.view(count, context)


def _from_line(line: dict[str, object], where: str) -> Document:
    if "messages" in line:
        return Document(None, parse_messages(line["messages"], where))
    text = line.get("text")
    if not isinstance(text, str) or not text.strip():
        raise BadInput(f'{where}: text: found {kind_of(text)}, wanted non-empty text, or "messages"')
    return Document(text)


def _from_text(path: Path) -> list[Document]:
    try:
        lines = path.read_text("utf-8").split("\n")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}, wanted a text file") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: found bytes that are not UTF-8 (byte {error.start}), wanted UTF-8") from None
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            blocks[-1].append(line.rstrip("\r"))
        elif blocks[-1]:
            blocks.append([])
    return [Document("\n".join(block)) for block in blocks if block]
