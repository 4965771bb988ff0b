"""Single keys that a person chose for commands of the pages for labels (WCAG 2.1.4): which there are, which are free.

What is kept is one object a person, page by page: {"ranking": {"compare": "y"}}. What is not in it has its usual key.
Letters of answers and digits of values are what a page is about, not commands: they stay where they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

DIGITS = frozenset("0123456789")
ANSWERS = frozenset("abcdefghiABCDEFGHI")
Words = str | Promise


class KeyRefused(Exception):
    """A key that cannot be had, or is another command's already; the message is for the person."""


@dataclass(frozen=True)
class Command:
    """What a key does: its name, its usual key, its words."""

    name: str
    usual: str
    words: Words


@dataclass(frozen=True)
class KeyedPage:
    """A kind of page with its commands; `taken` are keys that are no commands there."""

    name: str
    title: Words
    commands: tuple[Command, ...]
    taken: frozenset[str]

    def own(self, kept: object) -> dict[str, str]:
        """What somebody chose here, by the names of commands; anything that is no choice is left out."""
        told = kept.get(self.name) if isinstance(kept, Mapping) else None
        chosen = told if isinstance(told, Mapping) else {}
        return {one.name: str(chosen[one.name]) for one in self.commands if one.name in chosen}

    def by_usual(self, kept: object) -> dict[str, str]:
        """The same by the usual keys, as the page's script reads it."""
        chosen = self.own(kept)
        found = {one.usual: chosen[one.name] for one in self.commands if one.name in chosen}
        # Where g is an answer's letter, guidelines have the capital one: it goes with the other.
        return {**found, "G": found["g"]} if self is RANKING and "g" in found else found

    def check(self, told: Mapping[str, str], complain: Callable[[str, str], None]) -> dict[str, str]:
        """What was chosen beside the usual keys; `complain` is told the command and what is the matter with its key."""
        wanted = {one.name: told.get(one.name, "").strip() or one.usual for one in self.commands}
        words = {one.name: one.words for one in self.commands}
        usual = {one.name: one.usual for one in self.commands}
        first: dict[str, str] = {}
        for name, key in wanted.items():
            try:
                if key != usual[name]:
                    self._check_key(key)
                if first.setdefault(key, name) != name:
                    what = _(
                        "“%(key)s” is the key for “%(other)s” already: choose another, or change that too."
                    )
                    raise KeyRefused(what % {"key": key, "other": words[first[key]]})
            except KeyRefused as refusal:
                complain(name, str(refusal))
        return {one.name: wanted[one.name] for one in self.commands if wanted[one.name] != one.usual}

    def _check_key(self, key: str) -> None:
        if len(key) != 1 or not key.isprintable():
            raise KeyRefused(_("A key is one letter or sign; found “%(key)s”.") % {"key": key[:20]})
        if key in self.taken:
            what = _("“%(key)s” is no free key here: digits are values, and letters a to i answers.")
            if not self.taken & ANSWERS:
                what = _("“%(key)s” is no free key here: digits are values.")
            raise KeyRefused(what % {"key": key})


NEXT, PREVIOUS = ("next", "j"), ("previous", "k")
_COMMON = (
    Command("undo", "u", gettext_lazy("undo")),
    Command("redo", "U", gettext_lazy("redo")),
    Command("guidelines", "g", gettext_lazy("guidelines")),
    Command("help", "?", gettext_lazy("the list of keys")),
)
RANKING = KeyedPage(
    "ranking",
    gettext_lazy("Rankings and comparisons"),
    (
        Command(*NEXT, gettext_lazy("next answer")),
        Command(*PREVIOUS, gettext_lazy("previous answer")),
        Command("tie", "=", gettext_lazy("tie with the one above")),
        Command("split", "-", gettext_lazy("split the tie")),
        Command("slight", ",", gettext_lazy("the gap above is slight")),
        Command("clear", ".", gettext_lazy("the gap above is clear")),
        Command("large", "/", gettext_lazy("the gap above is large")),
        Command("compare", "x", gettext_lazy("compare with the neighbour above")),
        Command("differences", "v", gettext_lazy("word differences, while comparing")),
        Command("flags", "t", gettext_lazy("flags")),
        Command("mark", "m", gettext_lazy("mark what is invented")),
        Command("write", "w", gettext_lazy("write a better answer")),
        Command("none", "n", gettext_lazy("all unacceptable")),
        Command("expand", "o", gettext_lazy("show all of a long answer")),
        Command("enough", "p", gettext_lazy("read enough of a long answer")),
        Command("layout", "l", gettext_lazy("layout")),
        Command("raw", "r", gettext_lazy("raw or rendered text")),
        Command("skip", "s", gettext_lazy("skip the item")),
        *_COMMON,
    ),
    DIGITS | ANSWERS,
)
SINGLE = KeyedPage(
    "single",
    gettext_lazy("Ratings and honesty checks"),
    (
        Command(*NEXT, gettext_lazy("next rating")),
        Command(*PREVIOUS, gettext_lazy("previous rating")),
        Command("flags", "t", gettext_lazy("flags")),
        Command("raw", "r", gettext_lazy("raw or rendered text")),
        Command("skip", "s", gettext_lazy("skip the item")),
        *_COMMON,
    ),
    DIGITS,
)
SPANS = KeyedPage(
    "spans",
    gettext_lazy("Hallucination spans"),
    (
        Command("start", "[", gettext_lazy("start of what is selected, at the caret")),
        Command("end", "]", gettext_lazy("end of what is selected, at the caret")),
        Command("answer", "a", gettext_lazy("to the answer")),
        Command("source", "s", gettext_lazy("to the source")),
        Command("link", "l", gettext_lazy("link what is selected in the source")),
        Command("ends", "e", gettext_lazy("give the chosen span new ends")),
        Command("kind", "m", gettext_lazy("ask which kind")),
        Command(*NEXT, gettext_lazy("next span")),
        Command(*PREVIOUS, gettext_lazy("previous span")),
        Command("nothing", "n", gettext_lazy("nothing is invented")),
        Command("skip", "S", gettext_lazy("skip the item")),
        *_COMMON,
    ),
    DIGITS,
)
PAGES = {page.name: page for page in (RANKING, SINGLE, SPANS)}
