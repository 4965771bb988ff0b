"""Contamination: which items share a long run of words with training text (Brown et al. 2020, appendix C: 13-grams)."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from evaluator.metrics.normalisation import words

LONGEST_RUN = 13


def shared_runs(
    items: Mapping[str, str], texts: Iterable[str], *, length: int = LONGEST_RUN
) -> dict[str, tuple[int, int]]:
    """(n-grams of the item that a text has too, n-grams of the item) by item; n = `length`, all words of a shorter one.

    Words are normalised (case, accents, punctuation and articles apart). An item without a word has (0, 0). Memory
    grows with the items, never with the texts.
    """
    own: dict[str, set[bytes]] = {}
    wanted: dict[int, set[bytes]] = {}
    for name, item in items.items():
        spoken = words(item)
        size = min(length, len(spoken))
        own[name] = _runs(spoken, size)
        if size:
            wanted.setdefault(size, set()).update(own[name])
    seen: set[bytes] = set()
    for text in texts:
        spoken = words(text)
        for size, looked_for in wanted.items():
            seen |= _runs(spoken, size) & looked_for
    return {name: (len(runs & seen), len(runs)) for name, runs in own.items()}


def _runs(spoken: list[str], size: int) -> set[bytes]:
    if not size:
        return set()
    starts = range(len(spoken) - size + 1)
    return {
        blake2b("\x00".join(spoken[start : start + size]).encode(), digest_size=12).digest()
        for start in starts
    }
