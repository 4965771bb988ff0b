"""What other apps look after every few seconds: each registers its own at the start, so jobs imports none of them."""

from collections.abc import Callable

_chores: dict[str, Callable[[], object]] = {}


def register(name: str, chore: Callable[[], object]) -> None:
    """Called from an AppConfig's `ready()`. A chore may run anywhere, any number of times, at the same time."""
    if _chores.setdefault(name, chore) is not chore:
        raise ValueError(f"chore {name!r} is registered twice")


def do_all() -> list[str]:
    """Does every chore once; their names in the order they were done."""
    for chore in _chores.values():
        chore()
    return list(_chores)
