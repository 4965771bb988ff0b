"""What a ranking line says of when it was given and what its prompt is about, for slices of a leaderboard."""

from collections.abc import Sequence

from labelplatform.labels.models import Campaign, Ranking

NAMES = ("domain", "language", "mode")
# What a line needs of its item, the prompt's names for NAMES last.
ITEM_COLUMNS = ("pk", "key", "prompt__key", "prompt__messages", *(f"prompt__{name}" for name in NAMES))


def sliced(line: dict[str, object], ranking: Ranking, about: Sequence[str]) -> dict[str, object]:
    """The line with domain, language, mode (where the prompt says) and time behind all its other keys.

    Imported rankings say of it what they said when they came, or nothing: when they were imported is not when they
    were given. Keys that the line has already stand, so that a line that comes back leaves as the same bytes.
    """
    if ranking.source == Campaign.Source.IMPORT:
        return line
    told = {name: value for name, value in zip(NAMES, about, strict=True) if value}
    for name, value in {**told, "at": ranking.at.isoformat()}.items():
        line.setdefault(name, value)
    return line
