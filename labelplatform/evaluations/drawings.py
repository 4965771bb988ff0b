"""Drawings of a report folder, set into a page: shapes and text alone come through, coloured by the page's theme."""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as Tree

from django.utils.safestring import SafeString

from evaluator.errors import BadInput
from evaluator.figures import read_figures
from evaluator.plots.default_figures import default_figures
from evaluator.report_files import read_report
from labelplatform.jobs.models import Artifact

SVG = "{http://www.w3.org/2000/svg}"
TAGS = frozenset("svg g path text defs use clipPath rect title desc".split())
ATTRIBUTES = frozenset(
    "id d x y width height viewBox transform role aria-labelledby focusable href clip-path fill fill-opacity opacity "
    "stroke stroke-width stroke-dasharray stroke-dashoffset stroke-opacity stroke-linejoin stroke-linecap font-size "
    "font-weight text-anchor".split()
)
OUTSIDE = re.compile(r"url\((?!#)|[<>\"]")
MOST_SHOWN = 6


@dataclass(frozen=True)
class Drawing:
    """One figure of a report: its own words, the drawing for a desk and for a phone, and the name of its files."""

    title: str
    description: str
    wide: SafeString
    narrow: SafeString
    name: str = ""


def drawings_of(report: Artifact | None, most: int = MOST_SHOWN) -> tuple[Drawing, ...]:
    """The figures a report has drawn, its own or those of its metrics; none where its files are not as wanted."""
    if report is None:
        return ()
    try:
        figures = read_figures(report.path) or default_figures(read_report(report.path, samples=False))
    except BadInput:
        return ()
    found = []
    for figure in figures:
        files = [report.path / "figures" / f"{figure.name}{ending}.svg" for ending in ("", "-narrow")]
        if figure.plot is not None and all(file.is_file() for file in files):
            wide, narrow = (inline_svg(file) for file in files)
            found.append(Drawing(figure.title, figure.description, wide, narrow, figure.name))
    return tuple(found[:most])


def inline_svg(file: Path) -> SafeString:
    """The drawing as an element of a page: of tags and attributes only those that draw, no style, script or reference
    to anything outside it. Empty where the file is no such drawing.
    """
    text = file.read_text("utf-8")
    if "<!" in text:
        return SafeString("")
    try:
        root = Tree.fromstring(text)  # noqa: S314 (without a document type there are no entities)
    except Tree.ParseError:
        return SafeString("")
    Tree.register_namespace("", SVG[1:-1])
    clean = _clean(root)
    if clean is None or clean.tag != f"{SVG}svg":
        return SafeString("")
    clean.set("class", "drawing")
    return SafeString(Tree.tostring(clean, encoding="unicode"))


def _clean(element: Tree.Element) -> Tree.Element | None:
    if element.tag.removeprefix(SVG) not in TAGS or not element.tag.startswith(SVG):
        return None
    kept = {name: value for name, value in element.attrib.items() if _harmless(name, value)}
    made = Tree.Element(element.tag, kept)
    made.text = element.text
    for child in element:
        inside = _clean(child)
        if inside is not None:
            made.append(inside)
    return made


def _harmless(name: str, value: str) -> bool:
    if name not in ATTRIBUTES or OUTSIDE.search(value):
        return False
    return name != "href" or value.startswith("#")
