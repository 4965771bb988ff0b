"""Cells that no spreadsheet program runs as a formula, in a way that is undone exactly.

A cell that begins with = + - @ tab or CR gets an apostrophe before it. Programs of other locales also end a cell at a
semicolon, a tab or a bar inside quotes, so the same holds after a comma, semicolon, bar, tab or CR inside a cell; after
a line feed too, but for "- " and "+ ", which begin the items of a list. Quotes, apostrophes and blanks before the sign
do not hide it. What is in front of a place never changes whether it is guarded, so removing is the exact inverse.
"""

import re

_LEAD = "[\"' ]*"
_GUARDED = re.compile(
    rf"(?:\A|(?<=[,;|\t\r]))(?={_LEAD}[=+\-@\t\r])|(?<=\n)(?={_LEAD}(?:[=@\t\r]|[+\-](?! )))"
)
_GUARD = re.compile(
    rf"(?:\A|(?<=[,;|\t\r]))'(?={_LEAD}[=+\-@\t\r])|(?<=\n)'(?={_LEAD}(?:[=@\t\r]|[+\-](?! )))"
)


def guard(text: str) -> str:
    """The cell with an apostrophe at each place where a formula could begin."""
    return _GUARDED.sub("'", text)


def unguard(text: str) -> str:
    """The cell that `guard` was given."""
    return _GUARD.sub("", text)
