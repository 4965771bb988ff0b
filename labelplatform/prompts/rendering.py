"""Text of models and people on its way into a page. The only place that marks such text as safe.

Markdown is parsed without raw HTML and without images (an image address tells its server who reads what), and what
comes out passes an allow-list: no script, style, form, frame, id, class or event can be part of it.
"""

from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from labelplatform.prompts import mathematics
from labelplatform.prompts.code_colours import KNOWN_CLASSES, coloured

TAGS = {
    *mathematics.TAGS,
    "span",
    *("p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "s", "a"),
    *("ul", "ol", "li", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "span": {"class"}, **mathematics.ATTRIBUTES}
URL_SCHEMES = {"http", "https", "mailto"}
LINK_REL = "nofollow noopener noreferrer"

_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True, "highlight": coloured}).enable(
    ["table", "strikethrough"]
)
_markdown.disable("image")
mathematics.add_mathematics(_markdown)


# The same answers are shown again and again: to each annotator of an item, and once more to whoever reloads.
@lru_cache(maxsize=512)
def render_markdown(text: str, below: int = 3) -> SafeString:
    """Return `text` as HTML that can hold nothing but text, lists, tables, code, formulas and links.

    Its headings stand `below` so many of the page's own.
    """
    tokens = _markdown.parse(text)
    html = str(_markdown.renderer.render([_lowered(token, below) for token in tokens], _markdown.options, {}))
    return mark_safe(sanitise(html))


def sanitise(html: str) -> str:
    """Return the part of `html` that the allow-list knows; text of what it does not know stays as text."""
    return str(
        nh3.clean(
            html,
            tags=TAGS,
            attributes=ATTRIBUTES,
            attribute_filter=_within_bounds,
            url_schemes=URL_SCHEMES,
            link_rel=LINK_REL,
            set_tag_attribute_values={"a": {"target": "_blank"}},
        )
    )


def _within_bounds(_tag: str, attribute: str, value: str) -> str | None:
    """Drop an address without a scheme of its own, which would point into our site, a blank wider than a line, and any
    class that is none of code's colours."""
    if attribute == "class" and value not in KNOWN_CLASSES:
        return None
    if attribute == "width" and not mathematics.SMALL_WIDTH.fullmatch(value):
        return None
    if attribute == "href" and value.partition(":")[0].lower() not in URL_SCHEMES:
        return None
    return value


def _lowered(token: Token, below: int) -> Token:
    if token.type in {"heading_open", "heading_close"}:
        token.tag = f"h{min(6, int(token.tag[1]) + below)}"
    return token


@lru_cache(maxsize=1024)
def language_of(text: str, told: str = "") -> str:
    """Return the language for `lang`: the one told, else Chinese where the text is mostly Han, else unknown."""
    if told or text[:400].isascii():
        return told
    sample = [character for character in text[:400] if character.isalpha()]
    han = sum("\u4e00" <= character <= "\u9fff" for character in sample)
    return "zh-Hans" if sample and han / len(sample) > 0.3 else ""
