"""What the planted breakages are: read from tests/mutants/*.json.

Each file holds a list of {"file", "find", "replace", "tests", "why"}: the text `find` stands exactly once in
`file`; with `replace` in its place, `tests` (files or single tests, several parted by blanks) must fail.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Mutant:
    """One planted breakage, and the list (the JSON file) it stands in."""

    list: str
    file: str
    find: str
    replace: str
    tests: str
    why: str

    @property
    def name(self) -> str:
        """As the test and the command call it."""
        return f"{self.list}: {self.why}"

    def is_meant_by(self, only: str) -> bool:
        """Whether `only` names its list, its file or a pattern of its name; a plain word may stand anywhere."""
        if only in {self.file, self.list, f"{self.list}.json", f"tests/mutants/{self.list}.json"}:
            return True
        return fnmatch(self.name, only) or fnmatch(self.file, only) or only in self.name


def mutants(folder: Path = FOLDER) -> list[Mutant]:
    """Every mutant of every list."""
    lists = sorted(folder.glob("*.json"))
    return [Mutant(list=file.stem, **case) for file in lists for case in json.loads(file.read_text("utf-8"))]
