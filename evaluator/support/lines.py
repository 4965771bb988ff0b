"""Lines that `detect` reads and writes."""

from collections.abc import Sequence
from pathlib import Path

from evaluator.errors import BadInput
from evaluator.prompts import Line, placed_lines, text
from evaluator.support.detector import Pair, Support


def read_pair_lines(path: Path) -> list[tuple[str, Pair]]:
    """(id, pair) of each line `{"id","context","response"}`.

    Refuses an empty file, an absent or mistyped key and an id that stands twice; an empty text is for the detector to
    say that it cannot be measured.
    """
    found: list[tuple[str, Pair]] = []
    first: dict[str, str] = {}
    for where, line in placed_lines(path):
        name, pair = parse_pair(line, where)
        if name in first:
            raise BadInput(f"{where}: id: found {name!r} again (first at {first[name]}), wanted unique ids")
        first[name] = where
        found.append((name, pair))
    if not found:
        raise BadInput(f"{path}: found no line, wanted at least one with id, context and response")
    return found


def parse_pair(line: Line, where: str) -> tuple[str, Pair]:
    """The id and the pair of one line; other keys are passed over."""
    name = text(line, "id", where)
    context = text(line, "context", where, allow_empty=True)
    return name, Pair(context, text(line, "response", where, allow_empty=True))


def support_line(name: str, support: Support) -> dict[str, object]:
    """The line that tells the support of a response; `support` is null, with the `reason`, where it is not measured."""
    sentences = [{"text": told, "support": value} for told, value in support.sentences]
    line: dict[str, object] = {"id": name, "support": support.value, "sentences": sentences}
    return line if support.reason is None else {**line, "reason": support.reason}


def support_lines(named: Sequence[tuple[str, Pair]], found: Sequence[Support]) -> list[dict[str, object]]:
    """The lines of all responses, in order."""
    return [support_line(name, one) for (name, _pair), one in zip(named, found, strict=True)]
