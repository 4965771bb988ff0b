"""Items with their responses' scores by several reward models: files that `trainer score` wrote, one a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluator.errors import BadInput
from evaluator.json_lines import kind_of
from evaluator.prompts import Line, parse_response, placed_lines, text

FEWEST_RESPONSES = 2


@dataclass(frozen=True)
class ScoredItem:
    """One item: its response ids, and each one's scores in the order of the files."""

    id: str
    scores: dict[str, list[float]]


@dataclass
class _Member:
    """What one file says: the score and the place of each (item, response), in the file's order."""

    path: Path
    scores: dict[tuple[str, str], float]
    where: dict[tuple[str, str], str]


def read_scored_items(paths: Sequence[Path]) -> list[ScoredItem]:
    """The items of the first file, each response with its score from every file.

    A line belongs to the item it names under `item`, else to its prompt's `id`; its response is known by `response_id`,
    else by its place among the item's lines. Refuses an empty file, a line that is no scored response line, a response
    that stands twice, one that a file lacks or has beyond the first file, and an item of one response.
    """
    members = [_read(path) for path in paths]
    first = members[0]
    for member in members[1:]:
        _refuse_others(first, member)
    items: dict[str, dict[str, list[float]]] = {}
    for item, response in first.scores:
        scores = [member.scores[item, response] for member in members]
        items.setdefault(item, {})[response] = scores
    for (item, _response), where in first.where.items():
        if len(items[item]) < FEWEST_RESPONSES:
            raise BadInput(f"{where}: found one response of item {item!r}, wanted two or more to compare")
    return [ScoredItem(item, scores) for item, scores in items.items()]


def _read(path: Path) -> _Member:
    member = _Member(path, {}, {})
    seen: dict[str, int] = {}
    for where, line in placed_lines(path):
        parse_response(line, where)
        item = text(line, "item" if "item" in line else "id", where)
        seen[item] = seen.get(item, 0) + 1
        name = text(line, "response_id", where) if "response_id" in line else str(seen[item])
        key = (item, name)
        if key in member.scores:
            raise BadInput(
                f"{where}: response_id: found {name!r} of item {item!r} again (first at {member.where[key]}), "
                "wanted each response once"
            )
        member.scores[key], member.where[key] = _score(line, where), where
    if not member.scores:
        raise BadInput(f"{path}: found no line, wanted at least one")
    return member


def _score(line: Line, where: str) -> float:
    score = line.get("score")
    if isinstance(score, bool) or not isinstance(score, int | float):
        found = kind_of(score) if "score" in line else "none"
        raise BadInput(f"{where}: score: found {found}, wanted a number: lines that `trainer score` wrote")
    return float(score)


def _refuse_others(first: _Member, other: _Member) -> None:
    for (item, response), where in first.where.items():
        if (item, response) not in other.scores:
            raise BadInput(
                f"{other.path}: found no score of response {response!r} of item {item!r} (at {where}), "
                "wanted the same responses in every file"
            )
    for (item, response), where in other.where.items():
        if (item, response) not in first.scores:
            raise BadInput(
                f"{where}: found response {response!r} of item {item!r}, which {first.path} does not score, "
                "wanted the same responses in every file"
            )
