"""The check of the words finds what it is for: planted gaps in a copy of the Chinese."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.pofile import read_po, write_po

from tools import messages

PO = messages.LOCALES / "zh_Hans" / "LC_MESSAGES" / "django.po"


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the Chinese that the check reads instead."""
    copy = tmp_path / "zh_Hans" / "LC_MESSAGES" / "django.po"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(PO.read_bytes())
    monkeypatch.setattr(messages, "LOCALES", tmp_path)
    return copy


def change(path: Path, fault: str) -> None:
    with path.open("rb") as stream:
        catalog = read_po(stream, locale="zh_Hans")
    message = catalog.get("%(n)s min ago")
    assert message is not None
    if fault == "missing":
        catalog.delete("%(n)s min ago")
    elif fault == "not translated":
        message.string = ""
    elif fault == "fuzzy":
        message.flags.add("fuzzy")
    elif fault == "has ['%(n)s'], its translation []":
        message.string = "几分钟前"
    else:
        catalog.add("Nobody says this", "没有人这么说")
    with path.open("wb") as stream:
        write_po(stream, catalog)


@pytest.mark.parametrize(
    "fault", ["missing", "not translated", "fuzzy", "has ['%(n)s'], its translation []", "no page uses"]
)
def test_a_planted_gap_is_found(copied: Path, fault: str) -> None:
    before = set(messages.faults())
    change(copied, fault)
    found = set(messages.faults()) - before
    assert len(found) == 1
    assert fault in found.pop()


def test_words_of_templates_and_of_python_are_collected() -> None:
    used = messages.collect()
    assert used.get("Skip to the content") is not None
    assert used.get("%(n)s min ago") is not None
    plural = next(message for message in used if isinstance(message.id, tuple) and "day" in message.id[0])
    assert plural.id == ("%(n)s day ago", "%(n)s days ago")


def test_what_is_compiled_is_what_pages_say(copied: Path) -> None:
    messages.compile_all()
    assert "分钟前".encode() in copied.with_suffix(".mo").read_bytes()


def test_the_help_of_a_setting_is_collected_from_its_spec_and_that_of_a_path_is_not() -> None:
    used = messages.collect()
    assert used.get("layers of the model") is not None
    assert used.get("accelerators that share the run") is not None
    assert used.get("model folder to start from") is None
    assert used.get("command: response lines in, score lines out") is None
