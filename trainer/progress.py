"""Progress of a run: lines in `progress.jsonl`, a bar on a terminal, and a reader that can follow a run
being written.
"""

import json
import math
import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TextIO

from trainer.json_lines import JsonObject

ProgressMode = Literal["auto", "bar", "json", "none"]
BAR_WIDTH = 24
BAR_SECONDS = 0.2


class ProgressWriter:
    """A context manager that tells how far a run is.

    `mode` "bar" draws a bar on `stream` (default stderr), "json" prints each line there (default stdout), "none"
    prints nothing, and "auto" is a bar where `stream` is a terminal and nothing elsewhere. The file at `path`
    (None: no file) always gets every line.
    """

    def __init__(self, path: Path | None, mode: ProgressMode = "auto", stream: TextIO | None = None) -> None:
        self._stream = stream or (sys.stdout if mode == "json" else sys.stderr)
        self._mode = mode if mode != "auto" else ("bar" if self._stream.isatty() else "none")
        self._path = path
        self._file: TextIO | None = None
        self._started = self._drawn = time.monotonic()
        self._earlier = 0.0

    def __enter__(self) -> Self:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if self._mode == "bar":
            self._stream.write("\n")

    def synced(self) -> tuple[int, float]:
        """Bytes of the file, brought to the disk, and seconds so far: where a resumed run goes on."""
        if self._file is None:
            return 0, self._seconds()
        self._file.flush()
        os.fsync(self._file.fileno())
        return os.fstat(self._file.fileno()).st_size, self._seconds()

    def go_on_from(self, size: int, seconds: float) -> None:
        """Cuts the file to its first `size` bytes: lines of steps that will be taken again are not doubled."""
        if self._file is not None:
            self._file.truncate(size)
        self._earlier, self._started = seconds, time.monotonic()

    def _seconds(self) -> float:
        return self._earlier + time.monotonic() - self._started

    def step(self, step: int, steps: int, **metrics: float | None) -> None:
        """Appends `{"step", "steps", "seconds", metric: number …}` and flushes it.
        Refuses (ValueError) NaN and Infinity.
        """
        line: JsonObject = {
            "step": step,
            "steps": steps,
            "seconds": round(self._seconds(), 3),
        }
        for name, value in metrics.items():
            if value is not None and not math.isfinite(value):
                raise ValueError(
                    f"progress of step {step}: {name} is {value}, wanted a finite number or None"
                )
            line[name] = value
        text = json.dumps(line, allow_nan=False)
        if self._file is not None:
            # One write call a line: a reader beside us sees whole lines, or one cut last line that it leaves
            # for later.
            self._file.write(text + "\n")
            self._file.flush()
        if self._mode == "json":
            print(text, file=self._stream, flush=True)
        elif self._mode == "bar":
            self._draw(step, steps, metrics)

    def _draw(self, step: int, steps: int, metrics: dict[str, float | None]) -> None:
        now = time.monotonic()
        if now - self._drawn < BAR_SECONDS and step < steps:
            return
        self._drawn = now
        done = round(BAR_WIDTH * min(step / max(steps, 1), 1.0))
        told = "  ".join(f"{name} {value:.4g}" for name, value in metrics.items() if value is not None)
        bar = "█" * done + "·" * (BAR_WIDTH - done)
        self._stream.write(f"\r\x1b[K{bar} {step}/{steps}  {told}"[:160])
        self._stream.flush()


def read_progress(path: str | Path, offset: int = 0) -> tuple[list[JsonObject], int]:
    """The progress lines of `path` from byte `offset` on, and the offset to ask from next time.

    A last line that is still being written is left for the next call; a file that is not there yet has no
    lines.
    """
    try:
        with Path(path).open("rb") as stream:
            stream.seek(offset)
            data = stream.read()
    except FileNotFoundError:
        return [], offset
    whole = data[: data.rfind(b"\n") + 1]
    return [json.loads(line) for line in whole.splitlines() if line.strip()], offset + len(whole)
