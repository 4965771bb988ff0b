"""Colours of code: the same characters in spans of known classes, for named languages only, readable in both themes."""

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelplatform.prompts.code_colours import KNOWN_CLASSES, LANGUAGES, LONGEST, coloured
from labelplatform.prompts.rendering import render_markdown, sanitise
from tests.house.tree import ROOT

STYLESHEET = (ROOT / "labelplatform" / "static" / "labelplatform" / "site.css").read_text("utf-8")
PYTHON = '```python\n@wraps\ndef add(a):  # a sum\n    return len("x") + 1 if a and b else None\n```'


def plain(marked: str) -> str:
    return html.unescape(re.sub(r"</?span[^>]*>", "", marked))


def test_the_parts_of_python_have_the_colours_of_what_they_are() -> None:
    shown = render_markdown(PYTHON)
    for name, text in (
        ("keyword", "def"),
        ("name", "add"),
        ("comment", "# a sum"),
        ("builtin", "len"),
        ("builtin", "@wraps"),
        ("number", "1"),
        ("string", '"x"'),
        ("keyword", "and"),
    ):
        assert f'<span class="code-{name}">{text}</span>' in shown
    assert "<pre><code>" in shown


def test_a_difference_tells_what_was_taken_out_from_what_was_put_in() -> None:
    shown = coloured("- old\n+ new\n", "diff")
    assert '<span class="code-deleted">- old' in shown
    assert '<span class="code-string">+ new' in shown


@pytest.mark.parametrize("language", ["", "text", "brainfuck", "python extra", "../python", "PYTHON3x"])
def test_what_names_no_known_language_stays_plain(language: str) -> None:
    assert coloured("def x(): pass", language) == ""


def test_names_of_languages_may_be_written_in_capitals() -> None:
    assert coloured("def x(): pass", "Python") == coloured("def x(): pass", "python") != ""


def test_long_code_stays_plain() -> None:
    assert coloured("1" * (LONGEST + 1), "python") == ""
    assert coloured("1" * LONGEST, "python") == f'<span class="code-number">{"1" * LONGEST}</span>'


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@given(code=st.text(max_size=120))
@settings(max_examples=12, deadline=None)
def test_no_character_is_lost_or_added(language: str, code: str) -> None:
    told = coloured(code, language)
    assert plain(told) == code
    assert set(re.findall(r'class="([^"]*)"', told)) <= KNOWN_CLASSES
    assert set(re.findall(r"<[^>]*>", told)) <= {"</span>"} | {
        f'<span class="{name}">' for name in KNOWN_CLASSES
    }


def test_no_other_class_passes_the_sanitiser() -> None:
    for told in ("button", "code-comment button", "code-", "", "CODE-COMMENT"):
        assert sanitise(f'<span class="{told}">x</span>') == "<span>x</span>"
    assert sanitise('<span class="code-name" id="x" style="y">x</span>') == '<span class="code-name">x</span>'
    assert sanitise('<p class="code-name">x</p>') == "<p>x</p>"


def test_html_in_code_is_text() -> None:
    shown = render_markdown("```html\n<script>alert('x')</script>\n```")
    assert "<script" not in shown
    assert plain(shown).count("<script>alert('x')</script>") == 1


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, 1.4.3."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def themed(value: str) -> tuple[str, str]:
    """A colour in light and in dark, through the variables of the stylesheet."""
    while variable := re.fullmatch(r"var\((--[\w-]+)\)", value.strip()):
        found = re.search(rf"{variable[1]}: (light-dark\([^)]*\))", STYLESHEET)
        assert found, variable[1]
        value = found[1]
    light, dark = re.findall(r"#[0-9a-f]{6}", value)
    return light, dark


@pytest.mark.parametrize("name", sorted(KNOWN_CLASSES))
def test_each_colour_can_be_read_on_the_ground_of_code_in_both_themes(name: str) -> None:
    rule = re.search(rf"\.{name} {{ color: ([^;]*);", STYLESHEET)
    assert rule, name
    for colour, ground in zip(themed(rule[1]), themed("var(--sunken)"), strict=True):
        assert contrast(colour, ground) >= 4.5
