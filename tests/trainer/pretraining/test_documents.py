"""Documents: read, encoded, packed so that each token is used once an epoch."""

from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

import pytest
import torch

from tests.trainer.tiny_models import tiny_tokenizer
from trainer.errors import BadInput
from trainer.pretraining.documents import (
    Document,
    encode_documents,
    heldout_rows,
    packed_batches,
    read_documents,
)
from trainer.prompts import Message


def test_text_files_are_parted_by_empty_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\n\nLima lies\nin Peru.\r\n \nOslo.\n\n\n利马\n".encode())
    assert [document.text for document in read_documents([str(path)])] == [
        "Lima lies\nin Peru.",
        "Oslo.",
        "利马",
    ]


def test_json_lines_hold_text_or_messages(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "Lima"}\n{"messages": [{"role": "user", "content": "Where?"}]}\n', "utf-8")
    first, second = read_documents([str(path)])
    assert (first.contents, second.contents) == (["Lima"], ["Where?"])


@pytest.mark.parametrize(
    ("name", "raw", "told"),
    [
        ("a.txt", b" \n\n", "found no document"),
        ("a.txt", b"\xff", "not UTF-8"),
        ("a.md", b"Lima", "wanted .txt or .jsonl"),
        ("a.jsonl", b'{"text": ""}\n', "a.jsonl:1: text"),
        ("a.jsonl", b'{"text": "x"}\n{"other": 1}\n', "a.jsonl:2: text: found null"),
        ("a.jsonl", b'{"messages": []}\n', "a.jsonl:1: prompt"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, name: str, raw: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(BadInput) as refusal:
        read_documents([str(tmp_path / name)])
    assert told in str(refusal.value)


def test_a_missing_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_documents([str(tmp_path / "none.txt")])


def test_documents_close_with_the_end_token_and_never_before() -> None:
    tokenizer = tiny_tokenizer()
    talk = Document(None, (Message("user", "Where?<|end|>"), Message("assistant", "Peru.")))
    plain, chat = encode_documents(tokenizer, [Document("Lima<|end|>."), talk])
    end = tokenizer.eos_token_id
    assert plain[-1] == end
    assert plain.count(end) == 1
    assert tokenizer.decode(plain[:-1]) == "Lima<|end|>."
    assert chat[-1] == end
    assert chat.count(end) == 2


def test_packing_uses_every_token_once_an_epoch() -> None:
    documents = [[number * 10 + place for place in range(number % 5 + 1)] for number in range(1, 30)]
    every = Counter(token for document in documents for token in document)
    total = sum(every.values())
    context, rows = 4, 3
    batches = packed_batches(
        documents, context=context, rows=rows, generator=torch.Generator().manual_seed(0)
    )
    epochs = 12
    seen: Counter[int] = Counter()
    for inputs, targets in islice(batches, epochs * total // (context * rows)):
        assert inputs.shape == targets.shape == (rows, context)
        assert torch.equal(inputs.flatten()[1:], targets.flatten()[:-1])
        seen.update(inputs.flatten().tolist())
    # All but the last, unfinished batch of the last epoch.
    assert sum(seen.values()) > epochs * total - 2 * context * rows
    assert all(epochs - 1 <= seen[token] <= epochs for token in every)


def test_packing_keeps_documents_whole_and_shuffles_them() -> None:
    documents = [[number * 100 + place for place in range(7)] for number in range(20)]
    stream = packed_batches(documents, context=10, rows=2, generator=torch.Generator().manual_seed(1))
    tokens = torch.cat([inputs.flatten() for inputs, _ in islice(stream, 7)]).tolist()
    for one, after in pairwise(tokens):
        assert after == one + 1 if one % 100 < 6 else after % 100 == 0
    order = [token // 100 for token in tokens if token % 100 == 0]
    assert order != sorted(order)
    other = packed_batches(documents, context=10, rows=2, generator=torch.Generator().manual_seed(1))
    assert torch.cat([inputs.flatten() for inputs, _ in islice(other, 7)]).tolist() == tokens


def test_packing_fills_batches_larger_than_the_text() -> None:
    inputs, targets = next(packed_batches([[1, 2, 3]], context=8, rows=2, generator=torch.Generator()))
    assert inputs.flatten().tolist() == [1, 2, 3] * 5 + [1]
    assert targets.flatten().tolist() == [2, 3, 1] * 5 + [2]


def test_packing_without_tokens_is_refused() -> None:
    with pytest.raises(BadInput, match="without any token"):
        next(packed_batches([[]], context=8, rows=2, generator=torch.Generator()))


def test_heldout_rows_hold_each_next_token_once() -> None:
    inputs, targets = heldout_rows([[1, 2, 3], [4, 5]], context=3)
    assert inputs.tolist() == [[1, 2, 3], [4, 0, 0]]
    assert targets.tolist() == [[2, 3, 4], [5, -100, -100]]
