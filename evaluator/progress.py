"""Progress of one command:
`progress.jsonl` in its output folder, and a bar on a terminal or JSON lines for programs.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Self, TextIO

ProgressMode = Literal["auto", "json", "none"]
BAR_WIDTH = 30
NOWHERE = Path(os.devnull)


class Progress:
    """A context manager; `step(done, total, **numbers)` appends `{"step","steps","seconds",…}` to OUT/progress.jsonl.

    On standard error `json` prints the same lines and `auto` draws a bar when that is a terminal.
    """

    def __init__(self, out: Path, mode: ProgressMode = "none", *, screen: TextIO | None = None) -> None:
        self._path = out / "progress.jsonl" if out != NOWHERE else NOWHERE
        self._mode = mode
        self._screen = screen if screen is not None else sys.stderr
        self._started = time.monotonic()
        self._bar_drawn = False

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("a", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self._bar_drawn:
            print(file=self._screen, flush=True)

    def step(self, done: int, total: int, **numbers: float) -> None:
        """Say that `done` of `total` steps are behind us."""
        line = {
            "step": done,
            "steps": total,
            "seconds": round(time.monotonic() - self._started, 3),
            **numbers,
        }
        text = json.dumps(line, allow_nan=False)
        self._file.write(text + "\n")
        self._file.flush()
        if self._mode == "json":
            print(text, file=self._screen, flush=True)
        elif self._mode == "auto" and self._screen.isatty():
            filled = BAR_WIDTH * done // max(total, 1)
            bar = "█" * filled + "·" * (BAR_WIDTH - filled)
            print(f"\r{bar} {done}/{total}", end="", file=self._screen, flush=True)
            self._bar_drawn = True


@contextmanager
def screen_only(mode: ProgressMode) -> Iterator[Progress]:
    """Progress of a command that writes one file: on standard error only."""
    with Progress(NOWHERE, mode) as progress:
        yield progress
