"""matplotlib's SVG made clean: attributes for styles, theme variables for colours, a name that is read out.

No style attribute (a page whose policy refuses inline style shows it all the same), no script, no metadata, no id but
those that are referred to, and these under the figure's own prefix, so that many drawings may stand in one page.
"""

import re
from xml.etree import ElementTree as Tree

from evaluator.plots.palette import VARIABLE_OF, theme_rules

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
FONT = (
    "system-ui, 'Noto Sans', 'DejaVu Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
)
REFERENCE = re.compile(r"url\(#([^)]+)\)")
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
KEPT_PROPERTIES = frozenset(
    "fill fill-opacity opacity stroke stroke-width stroke-dasharray stroke-dashoffset stroke-opacity stroke-linejoin "
    "stroke-linecap font-size font-weight text-anchor".split()
)


def clean(drawn: str, *, prefix: str, title: str, description: str, standalone: bool) -> str:
    """The drawing as one `svg` element with role img, title and description; `standalone` ones bring their colours."""
    Tree.register_namespace("", SVG)
    root = Tree.fromstring(drawn)  # noqa: S314 (our own drawing)
    for child in [
        one for one in root if _local(one) in ("metadata", "defs") and one.find(f"{{{SVG}}}style") is not None
    ]:
        root.remove(child)
    for child in root.findall(f"{{{SVG}}}metadata"):
        root.remove(child)
    _tidy(root, prefix)
    box = root.get("viewBox", "0 0 1 1").split()
    root.attrib.clear()
    names = {"role": "img", "aria-labelledby": f"{prefix}-title {prefix}-description", "focusable": "false"}
    sizes = {"viewBox": " ".join(box), "width": box[2], "height": box[3]}
    strokes = {"stroke-linejoin": "round", "stroke-linecap": "butt", "font-family": FONT, "class": "drawing"}
    root.attrib.update({**sizes, **names, **strokes})
    told = [
        _element("title", title, id=f"{prefix}-title"),
        _element("desc", description, id=f"{prefix}-description"),
    ]
    if standalone:
        told.append(_element("style", theme_rules("svg")))
    for place, child in enumerate(told):
        root.insert(place, child)
    return Tree.tostring(root, encoding="unicode") + "\n"


def _tidy(root: Tree.Element, prefix: str) -> None:
    """Styles to attributes, colours to variables; ids that nothing refers to go, the others get the prefix."""
    referred = _referred(root)
    number = {name: f"{prefix}-{place}" for place, name in enumerate(sorted(referred))}
    for element in root.iter():
        element.text = None if element.text is not None and not element.text.strip() else element.text
        element.tail = None
        _properties(element)
        name = element.attrib.pop("id", None)
        if name in number:
            element.set("id", number[name])
        target = element.attrib.pop(f"{{{XLINK}}}href", None)
        if target is not None:
            element.set("href", f"#{number[target[1:]]}")
        for key, value in list(element.attrib.items()):
            told = REFERENCE.sub(lambda found: f"url(#{number[found.group(1)]})", value)
            # Coordinates only: a tick that says 0.002 must not say 0.00.
            element.set(key, LONG_NUMBER.sub(lambda found: f"{float(found.group()):.2f}", told))
        if element.get("d"):
            element.set("d", " ".join(element.get("d", "").split()))


def _referred(root: Tree.Element) -> set[str]:
    found = set()
    for element in root.iter():
        for key, value in element.attrib.items():
            found.update(REFERENCE.findall(value))
            if key == f"{{{XLINK}}}href":
                found.add(value[1:])
    return found


def _properties(element: Tree.Element) -> None:
    for one in element.attrib.pop("style", "").split(";"):
        name, _, value = one.partition(":")
        if name.strip() in KEPT_PROPERTIES:
            element.set(name.strip(), value.strip())
    for name in ("fill", "stroke"):
        if name in element.attrib:
            element.set(name, VARIABLE_OF.get(element.attrib[name], element.attrib[name]))
    if _local(element) == "text":
        element.set("fill", element.get("fill", "var(--ink)"))
        if element.get("transform", "").startswith(("rotate(-0 ", "rotate(0 ")):
            del element.attrib["transform"]


def _element(name: str, text: str, **attributes: str) -> Tree.Element:
    found = Tree.Element(f"{{{SVG}}}{name}", attributes)
    found.text = text
    return found


def _local(element: Tree.Element) -> str:
    return element.tag.rpartition("}")[2]
