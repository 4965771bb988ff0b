"""The one error a caller can cause."""


class BadInput(Exception):
    """Input that cannot be used. Its text is one line: file, line, what was found, what was wanted. Exit code 2."""
