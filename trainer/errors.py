"""What can go wrong, told in one line, and the exit codes.

Exception
├── BadInput           the caller can mend it: exit code 2
├── TrainingStopped    a run that cannot go on: exit code 1
│   └── NotFinite      … since a loss, a gradient or a weight is no finite number
└── AskedToEnd         a run that was asked to end and can be taken up again: exit code 143
"""

FINISHED, FAILED, REFUSED = 0, 1, 2
# What a shell tells of a process that SIGTERM ended: 128 + 15.
ENDED = 143


class BadInput(Exception):
    """An input that is refused. Its text is one line: where, what was found, what was wanted. Exit code 2."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class TrainingStopped(Exception):
    """A run that had to stop. Its text is one line: at which step, what was found, what to try.
    Exit code 1.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class NotFinite(TrainingStopped):
    """A figure of training that is NaN or infinite: `found` says which. Exit code 1, but before the first step, where
    the input is at fault and not what was learned (`stopped_batch`).
    """

    def __init__(self, found: str, *, advice: str, step: int | None = None) -> None:
        self.found = found
        place = "" if step is None else f"step {step}: "
        super().__init__(f"{place}found {found}, wanted a finite one: {advice}")


class AskedToEnd(Exception):
    """A run that was asked to end by SIGTERM, after the step in hand. Its text is one line: where the checkpoint is,
    how to go on. Exit code 143.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
