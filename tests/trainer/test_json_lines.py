"""JSON lines: what is refused, in one line with its place, and that files appear whole or not at all."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import json_lines
from trainer.errors import BadInput

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("aé日😀\u2028\r", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text("kλ🙂 ", max_size=3), JSON, max_size=4), max_size=5))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, object]]
) -> None:
    path = tmp_path_factory.mktemp("lines") / "some.jsonl"
    json_lines.write_atomically(path, lines)
    assert list(json_lines.read(path)) == list(enumerate(lines, start=1))


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": {"b": 1, "b": 2}}', "twice"),
        (b'{"a": NaN}', "constant NaN"),
        (b'{"a": -Infinity}', "constant -Infinity"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": "\\ud800"}', "lone surrogate"),
        (b'{"\\udfff": 1}', "lone surrogate"),
        (b"[1]", "a list [1]"),
        (b"7", "a number 7"),
        (b"", "empty line"),
        (b"  ", "empty line"),
        (b'{"a": 1} {"b": 2}', "Extra data"),
        (b'{"a": 1', "wanted one JSON object"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": ' + b"[" * 100_000, "wanted one JSON object"),
        (b'{"a": ' + b"9" * 5000 + b"}", "wanted one JSON object"),
    ],
)
def test_read_refuses_with_file_and_line(tmp_path: Path, raw: bytes, told: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b'{"fine": true}\n' + raw + b"\n")
    with pytest.raises(BadInput) as refusal:
        list(json_lines.read(path))
    assert str(refusal.value).startswith(f"{path}:2: found")
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_read_splits_at_line_feeds_only(tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_bytes('{"a": "\u2028"}\r\n{"b": "\u0085"}'.encode())
    assert [line for _, line in json_lines.read(path)] == [{"a": "\u2028"}, {"b": "\u0085"}]


def test_read_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere\.jsonl: No such file"):
        list(json_lines.read(tmp_path / "nowhere.jsonl"))


def test_write_atomically_leaves_the_old_file_when_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    json_lines.write_atomically(path, [{"old": 1}])

    def failing() -> Iterator[Mapping[str, object]]:
        yield {"new": 1}
        raise RuntimeError

    with pytest.raises(RuntimeError):
        json_lines.write_atomically(path, failing())
    assert path.read_text("utf-8") == '{"old": 1}\n'
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept.jsonl"]


def test_write_refuses_what_is_not_json(tmp_path: Path) -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            json_lines.write_json_atomically(tmp_path / "no.json", {"a": value})
    assert list(tmp_path.iterdir()) == []


def test_write_json_keeps_every_script(tmp_path: Path) -> None:
    json_lines.write_json_atomically(tmp_path / "one.json", {"城市": "利马 🙂"})
    assert "利马 🙂" in (tmp_path / "one.json").read_text("utf-8")
    assert json.loads((tmp_path / "one.json").read_bytes()) == json_lines.read_json(tmp_path / "one.json")
