"""Tasks on strings of symbols that a tiny model can learn: drawn by a seed, what is asked never being taught.

Pure: no Django, no torch. Each task has one right answer, so that an output can be scored symbol by symbol. There is no
letter "a": measures of shared text take it for an article and drop it.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

VOWELS, CONSONANTS = "eiou", "bdfgklmnprst"
LETTERS = VOWELS + CONSONANTS
LENGTH = 5
Symbols = tuple[str, ...]
Drawn = tuple[Symbols, Symbols]
# How letters sound: a consonant before e or i is softened, a last vowel is reduced.
SOFT, REDUCED = "j", "uh"
SOUNDS = {"e": "eh", "i": "ee", "o": "oh", "u": "oo"}


@dataclass(frozen=True)
class StringTask:
    """A task by name: what is drawn as question, and the one right answer to it."""

    name: str
    draw: Callable[[random.Random], Symbols]
    answer: Callable[[Symbols], Symbols]


@dataclass(frozen=True)
class Material:
    """What is taught (documents, shuffled) and what is asked (lines of the suite string-tasks)."""

    documents: tuple[str, ...]
    items: tuple[dict[str, object], ...]

    @property
    def text(self) -> str:
        """The documents as a text file of the trainer: parted by empty lines."""
        return "\n\n".join(self.documents) + "\n"


def _letters(drawn: random.Random) -> Symbols:
    return tuple(drawn.choices(LETTERS, k=LENGTH))


def _sum(drawn: random.Random) -> Symbols:
    one, other = drawn.randrange(10, 100), drawn.randrange(10, 100)
    return (*str(one), "+", *str(other))


def transcribed(letters: Symbols) -> Symbols:
    """How a word sounds: k e t o is kj eh t uh."""
    following = (*letters[1:], "")
    return tuple(_sound(letter, after) for letter, after in zip(letters, following, strict=True))


def _sound(letter: str, after: str) -> str:
    if letter in SOUNDS:
        return SOUNDS[letter] if after else REDUCED
    return letter + SOFT if after and after in "ei" else letter


def added(asked: Symbols) -> Symbols:
    """The sum of two numbers of two digits, as three digits."""
    total = int("".join(asked[:2])) + int("".join(asked[3:]))
    return tuple(f"{total:03d}")


TASKS: Mapping[str, StringTask] = {
    task.name: task
    for task in (
        StringTask("copy", _letters, lambda letters: letters),
        StringTask("reverse", _letters, lambda letters: letters[::-1]),
        StringTask("sort", _letters, lambda letters: tuple(sorted(letters))),
        StringTask("transcribe", _letters, transcribed),
        StringTask("add", _sum, added),
    )
}


def question(task: StringTask, asked: Symbols) -> str:
    """The text before the answer."""
    return f"{task.name} : {' '.join(asked)} ="


def make_material(names: Sequence[str], *, seed: int, taught: int, asked: int) -> Material:
    """`taught` documents and `asked` items of each task named, the same for the same seed.

    No item's question is in a document. Refuses (ValueError) unknown tasks, none at all, and counts below 1.
    """
    unknown = sorted(set(names) - set(TASKS))
    if unknown or not names:
        found = ", ".join(unknown) or "no task"
        raise ValueError(f"tasks: found {found}, wanted some of {', '.join(TASKS)}")
    if taught < 1 or asked < 1:
        raise ValueError(f"found {taught} documents and {asked} items of each task, wanted at least 1")
    documents: list[str] = []
    items: list[dict[str, object]] = []
    for name in dict.fromkeys(names):
        own_documents, own_items = _of_task(TASKS[name], seed, taught, asked)
        documents += own_documents
        items += own_items
    random.Random(f"{seed}/order").shuffle(documents)
    return Material(tuple(documents), tuple(items))


def _of_task(
    task: StringTask, seed: int, taught: int, asked: int
) -> tuple[list[str], list[dict[str, object]]]:
    drawn = random.Random(f"{seed}/{task.name}")
    kept: dict[Symbols, None] = {}
    while len(kept) < asked:
        kept[task.draw(drawn)] = None
    documents: list[str] = []
    while len(documents) < taught:
        symbols = task.draw(drawn)
        if symbols not in kept:
            documents.append(f"{question(task, symbols)} {' '.join(task.answer(symbols))}")
    return documents, list(_items(task, kept))


def _items(task: StringTask, asked: Iterable[Symbols]) -> Iterable[dict[str, object]]:
    for number, symbols in enumerate(asked):
        yield {
            "id": f"{task.name}-{number:04d}",
            "text": question(task, symbols),
            "target": " ".join(task.answer(symbols)),
            "slices": {"task": task.name},
        }
