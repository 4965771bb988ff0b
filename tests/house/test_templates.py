"""What pages are made of: no inline script or style, one template per view, every word in both languages."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from labelplatform.labels.kinds import KINDS
from tests.house.tree import ROOT

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
MODULES = sorted((ROOT / "labelplatform" / "static" / "labelplatform").glob("*.js"))
SHARED_MODULES = {"times.js", "live.js"}
INLINE = {
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "an event attribute": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "a script without a file": re.compile(
        r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", re.IGNORECASE
    ),
    "a script that is no module": re.compile(
        r"<script\b(?=[^>]*\bsrc=)(?![^>]*type=\"module\")", re.IGNORECASE
    ),
    "an address of another site": re.compile(r"(?:src|href)=\"(?:https?:)?//", re.IGNORECASE),
    "text past the sanitiser": re.compile(r"\|\s*safe\b|autoescape\s+off"),
}
TEMPLATE_LINES = 150


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def inline(source: str) -> list[str]:
    """What the content security policy would refuse, or the eye should."""
    return [name for name, pattern in INLINE.items() if pattern.search(source)]


def views() -> Iterator[tuple[str, str]]:
    """(app, view name) of every address."""
    waiting: list[URLPattern | URLResolver] = list(get_resolver().url_patterns)
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, URLResolver):
            waiting += entry.url_patterns
        elif entry.name and entry.callback.__module__.startswith("labelplatform."):
            yield entry.callback.__module__.split(".")[1], entry.name


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_template_is_short_and_holds_nothing_inline(path: Path) -> None:
    source = path.read_text("utf-8")
    assert inline(source) == []
    assert source.count("\n") <= TEMPLATE_LINES


@pytest.mark.parametrize(
    "planted",
    [
        '<p style="color: red">',
        "<style>p {}</style>",
        '<a href="#" onclick="go()">',
        "<script>go()</script>",
        '<script src="a.js"></script>',
        '<img src="https://elsewhere.example/x.png">',
        "{{ answer|safe }}",
    ],
)
def test_planted_inline_code_is_found(planted: str) -> None:
    assert len(inline(planted)) == 1


def test_every_template_belongs_to_a_view_or_a_partial() -> None:
    """URL name = view function = template; what starts with an underscore is included by others."""
    pages = {f"{app}/{name}.html" for app, name in views()}
    included = {
        match
        for path in TEMPLATES
        for match in re.findall(r"\{%\s*include\s+\"([^\"]+)\"", path.read_text("utf-8"))
    }
    rendered = {
        match
        for path in (ROOT / "labelplatform").rglob("*.py")
        for match in re.findall(r"\"([a-z_]+/[a-z_]+\.html)\"", path.read_text("utf-8"))
    }
    orphans = []
    for path in TEMPLATES:
        name = path.relative_to(ROOT / "templates").as_posix()
        alone = "/" not in name or any(part.startswith("_") for part in Path(name).parts)
        if not alone and name not in pages | included | rendered:
            orphans.append(name)
    assert orphans == []
    assert [name for name in rendered | included if not (ROOT / "templates" / name).exists()] == []


def test_every_module_belongs_to_a_view() -> None:
    """static/labelplatform/labels_rank.js serves labels:rank; labels_rate.js the page labels/rate.html of a kind."""
    pages = {f"{app}_{name}.js" for app, name in views()}
    pages |= {kind.template.replace("/", "_").replace(".html", ".js") for kind in KINDS.values()}
    loaded = "".join(path.read_text("utf-8") for path in [*TEMPLATES, *MODULES])
    orphans = [path.name for path in MODULES if path.name not in loaded]
    assert orphans == []
    strangers = [
        p.name for p in MODULES if p.name not in pages | SHARED_MODULES and f'"./{p.name}"' not in loaded
    ]
    assert strangers == []


def test_no_class_is_used_that_the_stylesheet_does_not_know() -> None:
    """A misspelt class is a page nobody laid out; scripts find elements by data- and names that start with js-."""
    sheets = (ROOT / "labelplatform/static/labelplatform").glob("*.css")
    sheet = "\n".join(path.read_text("utf-8") for path in sheets)
    known = set(re.findall(r"\.(-?[_a-zA-Z][\w-]*)", sheet))
    unknown: dict[str, set[str]] = {}
    for path in TEMPLATES:
        source = re.sub(r"\{\{.*?\}\}", "\0", path.read_text("utf-8"))
        source = re.sub(r"\{%.*?%\}", " ", source)
        for plain in re.findall(r'class="([^"]*)"', source):
            names = {
                name
                for name in plain.split()
                if name not in known and "\0" not in name and not name.startswith("js-")
            }
            if names:
                unknown.setdefault(relative(path), set()).update(names)
    assert unknown == {}


def test_every_word_has_its_chinese() -> None:
    ran = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "messages.py"), "check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""
    assert ran.returncode == 0
