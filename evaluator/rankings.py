"""Ranking lines as measurements read them, refused by the same rules as everywhere (the public format)."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from evaluator.errors import BadInput
from evaluator.json_lines import kind_of
from evaluator.prompts import Line, choice, parse_messages, placed_lines, text

KINDS = ("ranking", "comparison")
SPLITS = ("train", "heldout")
SOURCES = ("campaign", "regenerate", "battle", "import", "simulated")
FEWEST, MOST = 2, 9


@dataclass(frozen=True)
class Ranking:
    """One ranking: response ids in order shown in the line, the tier (from 0) of each ranked one, the whole line."""

    id: str
    annotator: str
    responses: tuple[str, ...]
    tier_of: dict[str, int] = field(hash=False)
    policy_of: dict[str, str] = field(hash=False)
    flags: dict[str, list[str]] = field(hash=False)
    line: Line = field(hash=False)
    where: str = ""

    @property
    def prompt_key(self) -> str:
        """`prompt_id`, or the digest of the roles and contents of the prompt where the line names none."""
        return text(self.line, "prompt_id", self.where) if "prompt_id" in self.line else self._prompt_digest()

    @property
    def item_key(self) -> str:
        """`item`, or the digest of the prompt's digest and the sorted response ids where the line names none."""
        if "item" in self.line:
            return text(self.line, "item", self.where)
        return _digest([self._prompt_digest(), *sorted(self.responses)])

    def _prompt_digest(self) -> str:
        messages = parse_messages(self.line["prompt"], self.where)
        return _digest([[message.role, message.content] for message in messages])

    def pairs(self) -> list[tuple[str, str]]:
        """(better, worse) response ids of all pairs the ranking decides: C(K, 2) less ties, unranked ones below all
        ranked and mutually unknown.
        """
        lowest = len(self.tier_of)
        tiers = [(self.tier_of.get(response, lowest), response) for response in self.responses]
        ordered = sorted(tiers, key=lambda entry: entry[0])
        return [(a, b) for (tier_a, a), (tier_b, b) in combinations(ordered, 2) if tier_a < tier_b]


def read_rankings(path: Path) -> list[Ranking]:
    """All rankings of a file. Refuses an empty file and two lines with one id."""
    rankings = [parse_ranking(line, where) for where, line in placed_lines(path)]
    if not rankings:
        raise BadInput(f"{path}: found no line, wanted at least one ranking")
    first: dict[str, str] = {}
    for ranking in rankings:
        if ranking.id in first:
            again = f"found {kind_of(ranking.id)} again (first at {first[ranking.id]})"
            raise BadInput(f"{ranking.where}: id: {again}, wanted unique ids")
        first[ranking.id] = ranking.where
    return rankings


def parse_ranking(line: Line, where: str) -> Ranking:
    """The ranking of one line.

    Refuses a missing or mistyped key, K outside 2 to 9, a comparison of more than two, repeated or unknown response
    ids, an empty tier, no tier at all (unless unacceptable), margins that are not one per tier gap in 1 to 3.
    """
    kind = choice(line, "kind", KINDS, where)
    if kind is None:
        raise BadInput(f"{where}: found no 'kind', wanted one of {', '.join(KINDS)}")
    policy_of: dict[str, str] = {}
    ids = _responses(line.get("responses"), where, policy_of)
    if kind == "comparison" and len(ids) != 2:
        raise BadInput(f"{where}: responses: found {len(ids)}, wanted 2 in a comparison")
    unacceptable = line.get("unacceptable", False)
    if not isinstance(unacceptable, bool):
        raise BadInput(f"{where}: unacceptable: found {kind_of(unacceptable)}, wanted true")
    tiers = _tiers(line.get("tiers"), ids, where, allow_none=unacceptable)
    parse_messages(line.get("prompt"), where)
    _check_optional(line, ids, len(tiers), where)
    tier_of = {response: number for number, tier in enumerate(tiers) for response in tier}
    flags = _by_response(line.get("flags", {}), ids, f"{where}: flags")
    named = {name: _flag_names(given, f"{where}: flags: {name}") for name, given in flags.items()}
    return Ranking(
        text(line, "id", where),
        text(line, "annotator", where),
        tuple(ids),
        tier_of,
        policy_of,
        named,
        line,
        where,
    )


def _digest(value: Sequence[object]) -> str:
    told = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()


def number(value: object, low: float, high: float, where: str) -> float:
    """A number within bounds. Refuses anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        bounds = f"at least {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"
        raise BadInput(f"{where}: found {kind_of(value)}, wanted a number, {bounds}")
    return value


def _responses(value: object, where: str, policy_of: dict[str, str]) -> list[str]:
    if not isinstance(value, list) or not FEWEST <= len(value) <= MOST:
        found = f"{len(value)} of them" if isinstance(value, list) else kind_of(value)
        raise BadInput(f"{where}: responses: found {found}, wanted a list of {FEWEST} to {MOST}")
    ids = []
    for position, entry in enumerate(value):
        place = f"{where}: responses[{position}]"
        if not isinstance(entry, dict):
            raise BadInput(f"{place}: found {kind_of(entry)}, wanted an object with id and text")
        name = text(entry, "id", place)
        text(entry, "text", place, allow_empty=True)
        if "policy" in entry:
            policy_of[name] = text(entry, "policy", place)
        ids.append(name)
    _refuse_repeated(ids, f"{where}: responses")
    return ids


def _tiers(value: object, ids: Sequence[str], where: str, *, allow_none: bool) -> list[list[str]]:
    if not isinstance(value, list) or not all(isinstance(tier, list) for tier in value):
        raise BadInput(f"{where}: tiers: found {kind_of(value)}, wanted a list of lists of response ids")
    if not all(value) or not (value or allow_none):
        empty = "tier" if value else "list"
        raise BadInput(f"{where}: tiers: found an empty {empty}, wanted at least one response id")
    _refuse_repeated(
        [_known(name, ids, f"{where}: tiers") for tier in value for name in tier], f"{where}: tiers"
    )
    return value


def _check_optional(line: Line, ids: Sequence[str], tiers: int, where: str) -> None:
    choice(line, "split", SPLITS, where)
    choice(line, "source", SOURCES, where)
    for key in ("item", "prompt_id"):
        if key in line:
            text(line, key, where)
    if "seconds" in line:
        number(line["seconds"], 0, math.inf, f"{where}: seconds")
    if "weight" in line:
        _check_weight(line["weight"], f"{where}: weight")
    if "shown_order" in line:
        _check_shown_order(line["shown_order"], ids, f"{where}: shown_order")
    if "margins" in line:
        _check_margins(line["margins"], max(tiers - 1, 0), f"{where}: margins")
    for name, given in _by_response(line.get("ratings", {}), ids, f"{where}: ratings").items():
        if not isinstance(given, dict):
            raise BadInput(
                f"{where}: ratings: {name}: found {kind_of(given)}, wanted an object of numbers 1 to 7"
            )
        for key, value in given.items():
            number(value, 1, 7, f"{where}: ratings: {name}: {key}")


def _check_shown_order(value: object, ids: Sequence[str], where: str) -> None:
    if not isinstance(value, list) or len(value) != len(ids):
        raise BadInput(f"{where}: found {kind_of(value)}, wanted every response id once")
    _refuse_repeated([_known(name, ids, where) for name in value], where)


def _check_weight(value: object, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise BadInput(f"{where}: found {kind_of(value)}, wanted a number above 0")


def _check_margins(value: object, gaps: int, where: str) -> None:
    if not isinstance(value, list) or len(value) != gaps:
        raise BadInput(f"{where}: found {kind_of(value)}, wanted {gaps} (one per tier gap)")
    for position, margin in enumerate(value):
        number(margin, 1, 3, f"{where}[{position}]")


def _flag_names(value: object, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(flag, str) and flag for flag in value):
        raise BadInput(f"{where}: found {kind_of(value)}, wanted a list of names")
    return value


def _by_response(value: object, ids: Sequence[str], where: str) -> Line:
    if not isinstance(value, dict):
        raise BadInput(f"{where}: found {kind_of(value)}, wanted an object by response id")
    for name in value:
        _known(name, ids, where)
    return value


def _known(name: object, ids: Sequence[str], where: str) -> str:
    if not isinstance(name, str) or name not in ids:
        raise BadInput(f"{where}: found {kind_of(name)}, wanted one of the response ids")
    return name


def _refuse_repeated(names: Sequence[str], where: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"{where}: found {kind_of(name)} twice, wanted each response once")
