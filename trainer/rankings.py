"""Ranking lines: how people ordered K = 2 to 9 responses to one prompt, kept whole from the platform to the
loss.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from trainer import json_lines
from trainer.errors import BadInput
from trainer.json_lines import JsonObject, kind_of
from trainer.prompts import Message, choice, parse_messages, prompt_digest, refuse_repeats, text

KINDS = ("ranking", "comparison")
SPLITS = ("train", "heldout")
SOURCES = ("campaign", "regenerate", "battle", "import", "simulated")
FEWEST, MOST = 2, 9
ALWAYS = ("id", "prompt", "responses", "tiers", "annotator", "kind")
SOMETIMES = ("seconds", "split", "item", "prompt_id", "source", "weight", "unacceptable", "ratings", "flags")
KNOWN = frozenset((*ALWAYS, *SOMETIMES, "shown_order", "margins"))


@dataclass(frozen=True)
class RankedResponse:
    """One of the K responses; `policy` names the model that wrote it, None when not told."""

    id: str
    text: str
    policy: str | None = None
    extra: JsonObject = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Ranking:
    """One ranking line. `tiers` holds response ids, best tier first; a response in no tier is unranked
    (below all). `weight` scales its loss in training beside other rankings; None counts as 1.
    """

    id: str
    prompt: tuple[Message, ...]
    responses: tuple[RankedResponse, ...]
    tiers: tuple[tuple[str, ...], ...]
    annotator: str
    kind: str
    seconds: float | None = None
    shown_order: tuple[str, ...] | None = None
    split: str | None = None
    item: str | None = None
    prompt_id: str | None = None
    source: str | None = None
    weight: float | None = None
    margins: tuple[float, ...] | None = None
    unacceptable: bool | None = None
    ratings: dict[str, dict[str, float]] | None = field(default=None, hash=False)
    flags: dict[str, list[str]] | None = field(default=None, hash=False)
    extra: JsonObject = field(default_factory=dict, hash=False)

    @property
    def prompt_key(self) -> str:
        """`prompt_id`, or the digest of the prompt where the line names none: what splits go by."""
        return self.prompt_id or prompt_digest(self.prompt)

    @property
    def item_key(self) -> str:
        """`item`, or the digest of the prompt and the sorted response ids where the line names none."""
        if self.item:
            return self.item
        parts = [prompt_digest(self.prompt), *sorted(response.id for response in self.responses)]
        return hashlib.sha256(
            json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()
        ).hexdigest()


class Pair(NamedTuple):
    """Places in `ranking.responses` of the better and the worse response, and the margin between them (0 =
    none told).
    """

    chosen: int
    rejected: int
    margin: float


def parse_ranking(line: JsonObject, where: str) -> Ranking:
    """The ranking in `line`. `where` ("file:line") opens the error.

    Refuses: a missing or mistyped key, K outside 2 to 9, a comparison of more than two, repeated or unknown
    response
    ids, an empty tier, no tier at all (unless unacceptable), margins that are not one per tier gap in 1 to 3,
    a weight that is not above 0.
    """
    kind = choice(line, "kind", KINDS, where)
    if kind is None:
        raise BadInput(f"{where}: found no 'kind', wanted one of {', '.join(KINDS)}")
    responses = _responses(line.get("responses"), where)
    if kind == "comparison" and len(responses) != 2:
        raise BadInput(f"{where}: responses: found {len(responses)}, wanted 2 in a comparison")
    ids = [response.id for response in responses]
    unacceptable = _unacceptable(line, where)
    tiers = _tiers(line.get("tiers"), ids, where, allow_none=bool(unacceptable))
    return Ranking(
        id=text(line, "id", where),
        prompt=parse_messages(line.get("prompt"), where),
        responses=responses,
        tiers=tiers,
        annotator=text(line, "annotator", where),
        kind=kind,
        seconds=_seconds(line, where),
        shown_order=_shown_order(line, ids, where),
        split=choice(line, "split", SPLITS, where),
        item=text(line, "item", where) if "item" in line else None,
        prompt_id=text(line, "prompt_id", where) if "prompt_id" in line else None,
        source=choice(line, "source", SOURCES, where),
        weight=_weight(line, where),
        margins=_margins(line, len(tiers), where),
        unacceptable=unacceptable,
        ratings=_ratings(line, ids, where),
        flags=_flags(line, ids, where),
        extra={key: line[key] for key in line if key not in KNOWN},
    )


def to_line(ranking: Ranking) -> JsonObject:
    """The JSON object of `ranking`: `to_line(parse_ranking(line, where)) == line` for every line that is
    accepted.
    """
    line: JsonObject = {
        "id": ranking.id,
        "prompt": [message.to_line() for message in ranking.prompt],
        "responses": [_response_line(response) for response in ranking.responses],
        "tiers": [list(tier) for tier in ranking.tiers],
        "annotator": ranking.annotator,
        "kind": ranking.kind,
    }
    for name in SOMETIMES:
        if getattr(ranking, name) is not None:
            line[name] = getattr(ranking, name)
    if ranking.shown_order is not None:
        line["shown_order"] = list(ranking.shown_order)
    if ranking.margins is not None:
        line["margins"] = list(ranking.margins)
    return {**line, **ranking.extra}


def read_rankings(path: str | Path) -> list[Ranking]:
    """All rankings of the file `path`, in order. Refuses an empty file and two lines with one id."""
    rankings = [parse_ranking(line, f"{path}:{number}") for number, line in json_lines.read(path)]
    refuse_repeats([ranking.id for ranking in rankings], path)
    return rankings


def pairs(ranking: Ranking) -> list[Pair]:
    """All pairs the ranking decides: C(K, 2) less ties and less pairs of unranked responses.

    Ordered by tier of the better, then of the worse. The margin of two tiers is the sum of the gaps between
    them;
    an unranked response counts as standing directly at the last tier's foot, for no gap to it was told.
    """
    groups = _placed(ranking)
    gaps = ranking.margins or (0.0,) * max(len(ranking.tiers) - 1, 0)
    found: list[Pair] = []
    for above, below in combinations(range(len(groups)), 2):
        margin = float(sum(gaps[above:below]))
        found += [Pair(chosen, rejected, margin) for chosen in groups[above] for rejected in groups[below]]
    return found


def tied_pairs(ranking: Ranking) -> list[tuple[int, int]]:
    """Places in `ranking.responses` of every two responses that share a tier (unranked ones do not tie:
    unknown).
    """
    groups = _placed(ranking)[: len(ranking.tiers)]
    return [pair for group in groups for pair in combinations(group, 2)]


def _placed(ranking: Ranking) -> list[list[int]]:
    """Places of the responses of each tier, then, as a last group, of the unranked ones (perhaps empty)."""
    place = {response.id: number for number, response in enumerate(ranking.responses)}
    groups = [[place.pop(name) for name in tier] for tier in ranking.tiers]
    return [*groups, list(place.values())]


def _response_line(response: RankedResponse) -> JsonObject:
    line: JsonObject = {"id": response.id, "text": response.text}
    if response.policy is not None:
        line["policy"] = response.policy
    return {**line, **response.extra}


def _responses(value: object, where: str) -> tuple[RankedResponse, ...]:
    if not isinstance(value, list) or not FEWEST <= len(value) <= MOST:
        found = f"{len(value)} of them" if isinstance(value, list) else kind_of(value)
        raise BadInput(f"{where}: responses: found {found}, wanted a list of {FEWEST} to {MOST}")
    responses = []
    for number, entry in enumerate(value):
        place = f"{where}: responses[{number}]"
        if not isinstance(entry, dict):
            raise BadInput(f"{place}: found {kind_of(entry)}, wanted an object with id and text")
        policy = text(entry, "policy", place) if "policy" in entry else None
        extra = {key: entry[key] for key in entry if key not in ("id", "text", "policy")}
        content = text(entry, "text", place, allow_empty=True)
        responses.append(RankedResponse(text(entry, "id", place), content, policy, extra))
    _refuse_repeated([response.id for response in responses], f"{where}: responses")
    return tuple(responses)


def _tiers(value: object, ids: Sequence[str], where: str, *, allow_none: bool) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list) or not all(isinstance(tier, list) for tier in value):
        raise BadInput(f"{where}: tiers: found {kind_of(value)}, wanted a list of lists of response ids")
    if not all(value) or not (value or allow_none):
        raise BadInput(
            f"{where}: tiers: found an empty {'tier' if value else 'list'}, wanted at least one response id"
        )
    placed = [_known_id(name, ids, f"{where}: tiers") for tier in value for name in tier]
    _refuse_repeated(placed, f"{where}: tiers")
    return tuple(tuple(tier) for tier in value)


def _known_id(name: object, ids: Sequence[str], where: str) -> str:
    if not isinstance(name, str) or name not in ids:
        raise BadInput(f"{where}: found {kind_of(name)}, wanted one of the response ids")
    return name


def _refuse_repeated(names: Sequence[str], where: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"{where}: found {kind_of(name)} twice, wanted each response once")


def _number(value: object, low: float, high: float, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        bounds = f"at least {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"
        raise BadInput(f"{where}: found {kind_of(value)}, wanted a number, {bounds}")
    return value


def _seconds(line: JsonObject, where: str) -> float | None:
    return _number(line["seconds"], 0, math.inf, f"{where}: seconds") if "seconds" in line else None


def _weight(line: JsonObject, where: str) -> float | None:
    if "weight" not in line:
        return None
    value = line["weight"]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise BadInput(f"{where}: weight: found {kind_of(value)}, wanted a number above 0")
    return value


def _unacceptable(line: JsonObject, where: str) -> bool | None:
    value = line.get("unacceptable")
    if "unacceptable" in line and not isinstance(value, bool):
        raise BadInput(f"{where}: unacceptable: found {kind_of(value)}, wanted true")
    return value if isinstance(value, bool) else None


def _shown_order(line: JsonObject, ids: Sequence[str], where: str) -> tuple[str, ...] | None:
    if "shown_order" not in line:
        return None
    value = line["shown_order"]
    if not isinstance(value, list) or len(value) != len(ids):
        raise BadInput(f"{where}: shown_order: found {kind_of(value)}, wanted every response id once")
    shown = [_known_id(name, ids, f"{where}: shown_order") for name in value]
    _refuse_repeated(shown, f"{where}: shown_order")
    return tuple(shown)


def _margins(line: JsonObject, tiers: int, where: str) -> tuple[float, ...] | None:
    if "margins" not in line:
        return None
    value = line["margins"]
    wanted = max(tiers - 1, 0)
    if not isinstance(value, list) or len(value) != wanted:
        raise BadInput(f"{where}: margins: found {kind_of(value)}, wanted {wanted} (one per tier gap)")
    return tuple(_number(entry, 1, 3, f"{where}: margins[{number}]") for number, entry in enumerate(value))


def _ratings(line: JsonObject, ids: Sequence[str], where: str) -> dict[str, dict[str, float]] | None:
    if "ratings" not in line:
        return None
    found: dict[str, dict[str, float]] = {}
    for name, given in _by_response(line["ratings"], ids, f"{where}: ratings").items():
        if not isinstance(given, dict):
            raise BadInput(
                f"{where}: ratings: {name}: found {kind_of(given)}, wanted an object of numbers 1 to 7"
            )
        found[name] = {
            key: _number(value, 1, 7, f"{where}: ratings: {name}: {key}") for key, value in given.items()
        }
    return found


def _flags(line: JsonObject, ids: Sequence[str], where: str) -> dict[str, list[str]] | None:
    if "flags" not in line:
        return None
    found: dict[str, list[str]] = {}
    for name, given in _by_response(line["flags"], ids, f"{where}: flags").items():
        if not isinstance(given, list) or not all(isinstance(flag, str) and flag for flag in given):
            raise BadInput(f"{where}: flags: {name}: found {kind_of(given)}, wanted a list of names")
        found[name] = given
    return found


def _by_response(value: object, ids: Sequence[str], where: str) -> JsonObject:
    if not isinstance(value, dict):
        raise BadInput(f"{where}: found {kind_of(value)}, wanted an object by response id")
    for name in value:
        _known_id(name, ids, where)
    return value
