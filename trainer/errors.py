"""What can go wrong, told in one line.

Exception
├── BadInput          the caller can mend it: exit code 2
└── TrainingStopped   a run that cannot go on (a loss that is not finite): exit code 1
"""


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
