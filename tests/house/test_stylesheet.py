"""What the one stylesheet may not do: make each key on the ranking page cost a style pass over the whole page."""

from __future__ import annotations

import re

from tests.house.tree import ROOT

STYLESHEET = ROOT / "labelplatform" / "static" / "labelplatform" / "site.css"
# Measured (benchmarks/key_to_paint.py): behind a :has() whose elements may be anywhere, a selector of any element makes
# Chromium reckon the style of all 6,000 elements of a page of long answers anew at every change.
COSTLY = re.compile(r":has\([^{}]*\)[^{},]*\*[^{},]*\{")


def costly(source: str) -> list[str]:
    return [found.group() for found in COSTLY.finditer(re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL))]


def test_no_selector_of_any_element_depends_on_what_is_elsewhere() -> None:
    assert costly(STYLESHEET.read_text("utf-8")) == []


def test_a_costly_selector_would_be_found() -> None:
    assert costly(".table tbody tr:has(svg) > * { color: red; }")
    assert costly(".tier:not(:has(.chip)) .tier__chips { color: red; } p > * { color: red; }") == []
