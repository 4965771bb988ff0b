"""Code in model text, coloured by what its parts are: spans of a few classes of ours, and the very same characters.

Only languages that the text names and that stand in a list here are coloured: guessing is wrong often and costs time,
and a lexer that nobody looked at may take for ever over what a model writes. Long blocks stay plain for that as well.
"""

from collections.abc import Iterator
from html import escape

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Name, Number, Operator, String, _TokenType

# The class of each kind of part; the stylesheet has a colour for each that can be read in both themes.
CLASSES = {
    Comment: "code-comment",
    Keyword: "code-keyword",
    Operator.Word: "code-keyword",
    String: "code-string",
    Number: "code-number",
    Name.Function: "code-name",
    Name.Class: "code-name",
    Name.Tag: "code-keyword",
    Name.Decorator: "code-builtin",
    Name.Builtin: "code-builtin",
    Name.Attribute: "code-builtin",
    Generic.Inserted: "code-string",
    Generic.Deleted: "code-deleted",
}
KNOWN_CLASSES = frozenset(CLASSES.values())
LANGUAGES = frozenset(
    "bash c c++ cpp c# csharp css diff go golang haskell hs html java javascript js json kotlin latex lua "
    "makefile matlab perl php py python python3 r rb ruby rs rust scala sh shell sql swift tex toml ts typescript "
    "xml yaml yml zsh".split()
)
LONGEST = 10_000


def coloured(code: str, language: str, _attributes: str = "") -> str:
    """`code` as HTML, as markdown-it asks for it; empty where it has no colours, which leaves it plain."""
    name = language.strip().lower()
    if name not in LANGUAGES or len(code) > LONGEST:
        return ""
    return "".join(_parts(code, get_lexer_by_name(name)))


def _parts(code: str, lexer: Lexer) -> Iterator[str]:
    """Neighbours of one class share a span; the lexer is asked for its raw tokens, which leave no character out."""
    open_class, held = "", ""
    for _place, kind, text in lexer.get_tokens_unprocessed(code):
        found = _class_of(kind)
        if found != open_class:
            yield _span(open_class, held)
            open_class, held = found, ""
        held += text
    yield _span(open_class, held)


def _span(name: str, text: str) -> str:
    told = escape(text)
    return f'<span class="{name}">{told}</span>' if name and text else told


def _class_of(kind: _TokenType) -> str:
    """The class of the nearest kind that has one, from the kind itself up to what it is a kind of."""
    while kind.parent is not None:
        if kind in CLASSES:
            return CLASSES[kind]
        kind = kind.parent
    return ""
