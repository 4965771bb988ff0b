"""LaTeX in the text of models and people: `$…$`, `$$…$$`, `\\(…\\)` and `\\[…\\]` become MathML without a script.

What the converter does not understand stays as the text it is; whatever it makes passes the sanitiser like all else.
"""

import re
from functools import lru_cache

from latex2mathml import exceptions
from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

LONGEST_FORMULA = 1_000
TAGS = {
    *(
        "math",
        "mrow",
        "mi",
        "mn",
        "mo",
        "ms",
        "mtext",
        "mspace",
        "mfrac",
        "msqrt",
        "mroot",
        "mstyle",
        "mpadded",
    ),
    *("msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts", "mprescripts", "mphantom"),
    *("mtable", "mtr", "mtd", "menclose"),
}
# No colour, size, link, class or style: a formula looks like the text around it.
ATTRIBUTES = {
    "math": {"display"},
    "mo": {"stretchy", "fence", "separator", "form", "accent", "movablelimits", "largeop"},
    "mi": {"mathvariant"},
    "mover": {"accent"},
    "munder": {"accentunder"},
    "mfrac": {"linethickness"},
    "mspace": {"width"},
    "mstyle": {"displaystyle", "scriptlevel"},
    "mtable": {"columnalign", "displaystyle"},
    "mtd": {"columnalign"},
}
SMALL_WIDTH = re.compile(r"-?[0-9](\.[0-9]+)?em|0")
# The converter defines no environment of this name; the starred one looks the same.
ALIGNED = re.compile(r"\\(begin|end)\{aligned\}")
NOT_CONVERTED = re.compile(
    r"\\(newcommand|renewcommand|def|let|require|href|style|class|color|textcolor)(?![a-zA-Z])"
)
TEXT_WITH_MARKUP = re.compile(r"\\(text|mbox|hbox|fbox|emph|llap|rlap|clap)[^}]*[<>&]")
# The converter's own errors have no common kind, and some of its functions fall over what they do not expect.
FAILURES: tuple[type[Exception], ...] = (
    *(
        error
        for error in vars(exceptions).values()
        if isinstance(error, type) and issubclass(error, Exception)
    ),
    *(LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError, StopIteration),
)
DELIMITERS = (("$$", "$$", True), ("\\[", "\\]", True), ("\\(", "\\)", False), ("$", "$", False))


@lru_cache(maxsize=2048)
def mathml(latex: str, *, display: bool) -> str | None:
    """Return the formula as MathML; None where it cannot be said for sure what is meant."""
    latex = ALIGNED.sub(r"\\\1{align*}", latex.strip())
    if len(latex) > LONGEST_FORMULA or NOT_CONVERTED.search(latex) or TEXT_WITH_MARKUP.search(latex):
        return None
    try:
        made = str(convert(latex, display="block" if display else "inline"))
    except FAILURES:
        return None
    # A command or a mark it did not know comes back as a letter.
    return None if "\\" in made or "<mi>&</mi>" in made else made


def add_mathematics(markdown: MarkdownIt) -> None:
    """Teach the parser formulas. They come before escapes: `\\(` is a formula, not a bracket."""
    markdown.inline.ruler.before("escape", "formula", _inline)
    markdown.block.ruler.before("fence", "formula", _block, {"alt": ["paragraph", "blockquote", "list"]})
    markdown.add_render_rule("formula", _render)


def _render(_renderer: object, tokens: list[Token], index: int, _options: object, _env: object) -> str:
    return str(tokens[index].meta["mathml"])


def _inline(state: StateInline, silent: bool) -> bool:
    found = _formula_at(state.src, state.pos, state.posMax)
    if found is None:
        return False
    made, end = found
    if not silent:
        token = state.push("formula", "math", 0)
        token.meta = {"mathml": made}
    state.pos = end
    return True


def _formula_at(text: str, start: int, limit: int) -> tuple[str, int] | None:
    """The formula that begins here, as MathML, with where it ends."""
    for opening, closing, display in DELIMITERS:
        if not text.startswith(opening, start):
            continue
        begin = start + len(opening)
        end = text.find(closing, begin, min(limit, begin + LONGEST_FORMULA + len(closing)))
        inner = text[begin:end] if end > begin else ""
        if not inner.strip() or (opening == "$" and not _is_no_price(text, inner, end)):
            return None
        made = mathml(inner, display=display)
        return None if made is None else (made, end + len(closing))
    return None


def _is_no_price(text: str, inner: str, end: int) -> bool:
    """Between single dollars stands a formula only without blanks at its edges and without a figure behind."""
    return not (inner[0].isspace() or inner[-1].isspace() or text[end + 1 : end + 2].isdigit())


def _block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """A formula on lines of its own, whose lines Markdown would otherwise read as lists or headings."""
    first = state.src[state.bMarks[start_line] + state.tShift[start_line] : state.eMarks[start_line]]
    closing = {"$$": "$$", "\\[": "\\]"}.get(first[:2])
    if closing is None:
        return False
    lines = [first[2:]]
    line = start_line
    while not lines[-1].rstrip().endswith(closing):
        line += 1
        if line >= end_line or len(lines) > LONGEST_FORMULA or state.sCount[line] < state.blkIndent:
            return False
        lines.append(state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]])
    made = mathml("\n".join(lines).rstrip().removesuffix(closing), display=True)
    if made is None:
        return False
    if not silent:
        state.line = line + 1
        token = state.push("formula", "math", 0)
        token.block, token.map, token.meta = True, [start_line, line + 1], {"mathml": made}
    return True
