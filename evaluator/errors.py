"""The one error a caller can cause."""


class BadInput(Exception):
    """Input that cannot be used. Its text is one line: where, what was found, what was wanted. Exit code 2."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class SubjectUnavailable(Exception):
    """A subject that does not answer though nothing is wrong with the input. One line; exit code 1; may be resumed."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
