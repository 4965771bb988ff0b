"""The one error a caller can cause."""


class BadInput(Exception):
    """Input that cannot be used. Its text is one line: where, what was found, what was wanted. Exit code 2."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
