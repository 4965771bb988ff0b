"""The platform's words: collected from templates and Python, compiled for Django, and checked to be complete.

python tools/messages.py compile    .po to .mo (at set-up; no gettext program is needed)
python tools/messages.py update     new words into the .po, words no longer used out of it
python tools/messages.py check      exit 1 and a line each for what is missing, fuzzy or unused
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import django
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ROOT / "labelplatform" / "locale"
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
NO_SETTING = ("DIR", "DIR…]", "PATH", "FILE", ".json", ".jsonl", "MODULE:NAME", "COMMAND")
PLACEHOLDER = re.compile(r"%\(\w+\)[.\d]*[sdf]|%%[a-z]+|%[sd]", re.ASCII)


def sources() -> Iterator[Path]:
    """Every file that may hold words for people."""
    yield from sorted((ROOT / "templates").rglob("*.html"))
    yield from sorted((ROOT / "labelplatform").rglob("*.py"))


def python_text(path: Path) -> str:
    """A file as Python that Babel can read: a template becomes its calls of gettext, one token stream."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    from django.utils.translation.template import templatize

    calls = templatize(text, origin=str(path))
    # Filler between the calls keeps the template's indentation, which means nothing in Python.
    return "\n".join(line.strip() for line in calls.splitlines()) + "\n"


def collect() -> Catalog:
    """All words in use, with the files that use them."""
    catalog = Catalog(project="LabelPlatform", charset="utf-8")
    for path in sources():
        stream = io.BytesIO(python_text(path).encode())
        place = path.relative_to(ROOT).as_posix()
        found = extract("python", stream, KEYWORDS, ("Translators:",), {"encoding": "utf-8"})
        for line, words, comments, context in found:
            catalog.add(words, None, [(place, line)], auto_comments=comments, context=context)
    for verb, words in setting_helps():
        catalog.add(words, None, [(f"trainer/{verb}", 0)])
    return catalog


def setting_helps() -> Iterator[tuple[str, str]]:
    """(verb, help) of what the forms of training ask: the words are those of the trainer's own specs."""
    from trainer import specs
    from trainer.estimate.specs import EstimateSpec

    verbs = (specs.PretrainSpec, specs.SftSpec, specs.RewardModelSpec, specs.PpoSpec, EstimateSpec)
    for spec in verbs:
        for entry in spec.fields():
            named = entry.flag.metavar or ""
            # Inputs and what is for the command line alone are paths, programs and functions.
            if not entry.flag.positional and not named.endswith(NO_SETTING):
                yield spec.verb, entry.flag.help


def files() -> list[Path]:
    """The .po file of each language."""
    return sorted(LOCALES.glob("*/LC_MESSAGES/django.po"))


def read(path: Path) -> Catalog:
    """One language's words."""
    with path.open("rb") as stream:
        return read_po(stream, locale=path.parent.parent.name, abort_invalid=True)


def update() -> None:
    """Brings each .po up to the words in use; translations that no longer match are not guessed."""
    used = collect()
    for path in files():
        catalog = read(path)
        catalog.update(used, no_fuzzy_matching=True, update_creation_date=False)
        catalog.obsolete.clear()
        catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = ""
        with path.open("wb") as stream:
            write_po(stream, catalog, width=110, sort_output=True, include_lineno=False)


def compile_all() -> None:
    """Writes the .mo beside each .po."""
    for path in files():
        with path.with_suffix(".mo").open("wb") as stream:
            write_mo(stream, read(path))


def faults() -> list[str]:
    """What keeps a language from being complete, one line each."""
    used = collect()
    found = []
    for path in files():
        catalog = read(path)
        name = path.relative_to(LOCALES).as_posix()
        for message in used:
            if message.id:
                place = ", ".join(file for file, _line in message.locations[:1])
                translated = catalog.get(message.id, message.context)
                found += [f"{name}: {fault} (in {place})" for fault in _faults_of(message, translated)]
        for message in catalog:
            if message.id and used.get(message.id, message.context) is None:
                found.append(f"{name}: no page uses {_first(message.id)!r}; run tools/messages.py update")
    return found


def _faults_of(message: Message, translated: Message | None) -> list[str]:
    if translated is None:
        return [f"missing {_first(message.id)!r}"]
    words = [translated.string] if isinstance(translated.string, str) else list(translated.string)
    if not words or not all(words):
        return [f"not translated: {_first(message.id)!r}"]
    if translated.fuzzy:
        return [f"fuzzy: {_first(message.id)!r}"]
    wanted = _placeholders(message.id if isinstance(message.id, str) else message.id[-1])
    return [
        f"{_first(message.id)!r} has {sorted(wanted)}, its translation {sorted(_placeholders(word))}"
        for word in words
        if _placeholders(word) != wanted
    ]


def _first(identity: str | tuple[str, ...] | list[str]) -> str:
    return identity if isinstance(identity, str) else identity[0]


def _placeholders(text: str) -> set[str]:
    return {match.group(0) for match in PLACEHOLDER.finditer(text)}


def main() -> int:
    """Runs the verb asked for."""
    sys.path.insert(0, str(ROOT))
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("verb", choices=["compile", "update", "check"])
    verb = parser.parse_args().verb
    if not settings.configured:
        settings.configure(USE_I18N=True)
        django.setup()
    if verb == "compile":
        compile_all()
    elif verb == "update":
        update()
    else:
        found = faults()
        print("\n".join(found) or "messages: complete", file=sys.stderr if found else sys.stdout)
        return 1 if found else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
