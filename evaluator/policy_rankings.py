"""Ranking lines as a leaderboard needs them: who stood in which tier, read fast, refused by the rules of `rankings`."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import cast

from evaluator import json_lines
from evaluator.errors import BadInput
from evaluator.json_lines import kind_of
from evaluator.line_shapes import MOST_SHAPES, Shape, Treatment, shape_of
from evaluator.pair_lines import Pairs, PairShape, Places, pairs_of
from evaluator.prompts import MODES, choice, text
from evaluator.rankings import Ranking, parse_ranking
from evaluator.statistics.rating_pairs import PolicyRanking
from evaluator.statistics.style import features

SLICES = ("domain", "language", "mode")
BLOCK_BYTES = 8 * 2**20
ID_OF: Callable[[PolicyRanking], str] = itemgetter(0)
SAME = frozenset({"kind", "split", "source", "unacceptable", "margins", "ratings", "flags"})
CAUGHT = frozenset({"id", "annotator", "tiers", "shown_order", "item", "prompt_id", "mode", "at"})
Catch = tuple[str | int, ...]


def read_policy_rankings(path: Path, *, style: bool = False) -> list[PolicyRanking]:
    """All rankings of a file, by policy: responses that name none are left out. `style` adds features of the texts.

    Refuses what `read_rankings` refuses, and slices and times that are not text.
    """
    reader = _Reader(path, style=style)
    found: list[PolicyRanking] = []
    with no_collection():
        for block in _blocks(path):
            found += reader.read(block)
    if not found:
        raise BadInput(f"{path}: found no line, wanted at least one ranking")
    return found


@contextmanager
def no_collection() -> Iterator[None]:
    """Python's collector of cycles rests: it would walk a million rows without a cycle again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def policy_ranking(ranking: Ranking, *, style: bool = False) -> PolicyRanking:
    """The ranking by policy, with what its line says of slices and time."""
    line, where = ranking.line, ranking.where
    named = [response for response in ranking.responses if response in ranking.policy_of]
    places = tuple((ranking.policy_of[response], ranking.tier_of.get(response)) for response in named)
    choice(line, "mode", MODES, where)
    slices = tuple((key, text(line, key, where, allow_empty=True)) for key in SLICES if key in line)
    at = text(line, "at", where) if "at" in line else ""
    looks: tuple[tuple[float, ...], ...] = ()
    if style:
        written = {one["id"]: one["text"] for one in line["responses"]}  # type: ignore[attr-defined]
        looks = tuple(features(written[response]) for response in named)
    return PolicyRanking(ranking.id, places, ranking.annotator, slices, at, looks)


def _blocks(path: Path) -> Iterator[bytes]:
    """The file in blocks of whole lines, without the last line feed of each; a last line without one counts."""
    rest = b""
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                whole, found, rest = (rest + block).rpartition(b"\n")
                if found:
                    yield whole
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}, wanted a file that can be read") from error
    if rest:
        yield rest


class _Reader:
    """Keeps the shapes seen, ids seen, and one copy of each different row of places."""

    def __init__(self, path: Path, *, style: bool) -> None:
        self._path = path
        self._style = style
        self._ids: list[str] = []
        self._different: set[str] = set()
        self._kept: dict[object, Places] = {}
        self._shapes: list[_Ranked] = []
        self._pairs: Pairs | None = None
        self._shapes_in_pairs = 0

    def read(self, block: bytes) -> list[PolicyRanking]:
        """The rankings of the next lines. Refuses an id that stood before."""
        found = self._at_once(block)
        if found is None:
            found = [self._line(line, len(self._ids) + n) for n, line in enumerate(_split(block), 1)]
        ids = [*map(ID_OF, found)]
        self._ids += ids
        self._different.update(ids)
        if len(self._different) < len(self._ids):
            raise self._twice()
        return found

    def _twice(self) -> BadInput:
        """What is the matter with the first id that stands twice."""
        first: dict[str, int] = {}
        number = next(n for n, name in enumerate(self._ids, 1) if first.setdefault(name, n) != n)
        name = self._ids[number - 1]
        again = f"found {kind_of(name)} again (first at {self._path}:{first[name]})"
        return BadInput(f"{self._path}:{number}: id: {again}, wanted unique ids")

    def _at_once(self, block: bytes) -> list[PolicyRanking] | None:
        """The rankings of a block of plain comparisons alone; None for any other."""
        if len(self._shapes) != self._shapes_in_pairs:
            self._shapes_in_pairs = len(self._shapes)
            self._pairs = pairs_of([one.pair for one in self._shapes if one.pair is not None])
        if self._pairs is None:
            return None
        try:
            read = self._pairs.rankings(block.decode(), self._kept)
        except UnicodeDecodeError:
            return None
        if read is None:
            self._pairs = (
                None  # other lines stand among them: until a new shape is seen, line by line is faster
            )
            return None
        if None not in read:
            return cast(list[PolicyRanking], read)
        lines = zip(read, _split(block), strict=True)
        return [one or self._line(line, len(self._ids) + n) for n, (one, line) in enumerate(lines, 1)]

    def _line(self, line: str | bytes, number: int) -> PolicyRanking:
        found = self._by_shape(line) if isinstance(line, str) else None
        return found or self._in_full(line, number)

    def _by_shape(self, line: str) -> PolicyRanking | None:
        shapes = self._shapes
        for at, shape in enumerate(shapes):
            found = shape.ranking(line, self._kept)
            if found is not None:
                if at:  # what came last comes next, mostly
                    shapes.insert(0, shapes.pop(at))
                return found
        return None

    def _in_full(self, line: str | bytes, number: int) -> PolicyRanking:
        where = f"{self._path}:{number}"
        raw = line.encode() if isinstance(line, str) else line
        ranking = parse_ranking(json_lines.parse_object(raw, where), where)
        found = policy_ranking(ranking, style=self._style)
        if not self._style and len(self._shapes) < MOST_SHAPES:
            shape = shape_of(raw.decode(), _treatment)
            if shape is not None:
                self._shapes.append(_Ranked(shape))
        return found._replace(places=self._kept.setdefault(found.places, found.places))


def _split(block: bytes) -> Sequence[str | bytes]:
    """The lines as text; as bytes where the block is not UTF-8, so that the line at fault is found."""
    try:
        return block.decode().split("\n")
    except UnicodeDecodeError:
        return block.split(b"\n")


def _treatment(path: Catch) -> Treatment:
    """What other lines may have at a path: what rankings are made of is caught, what has few values is the same."""
    key = path[0]
    if key in CAUGHT or (key == "responses" and path[2:] in {("id",), ("policy",)}):
        return "catch"
    if key in {"domain", "language"}:
        return "catch-or-empty"
    if key in SAME or (key == "prompt" and path[2:] == ("role",)):
        return "same"
    return "positive" if key == "seconds" else "any"


class _Ranked:
    """Turns what a shape catches into a ranking, or None where the values need the full check."""

    def __init__(self, shape: Shape) -> None:
        at = {path: number for number, path in enumerate(shape.caught, 1)}
        self._match = shape.pattern.fullmatch
        responses = sorted(path[1] for path in at if path[0] == "responses" and path[2:] == ("id",))
        self._names = [at["responses", number, "id"] for number in responses]
        policies = [at.get(("responses", number, "policy")) for number in responses]
        self._policies = [(place, caught) for place, caught in enumerate(policies) if caught is not None]
        self._tiers = [(number, path[1]) for path, number in at.items() if path[0] == "tiers"]
        self._shown = [number for path, number in at.items() if path[0] == "shown_order"]
        self._slices = [(key, at[key,]) for key in SLICES if (key,) in at]
        self._at, self._mode = at.get(("at",)), at.get(("mode",))
        self._own = (at["id",], at["annotator",])
        tiers = [number for number, _ in self._tiers]
        self._rank = tuple(tier for _, tier in self._tiers)
        plain = not (self._slices or self._shown or self._at is not None)
        two = len(self._names) == len(self._policies) == len(tiers) == 2
        first, second = (int(tier) for tier in self._rank) if two else (0, 0)
        order = (*self._own, *self._names, *tiers, *(number for _, number in self._policies))
        self.pair = PairShape(shape.pattern, order, (first, second)) if plain and two else None

    def ranking(self, line: str, kept: dict[object, Places]) -> PolicyRanking | None:
        """The ranking of a line of this shape; None for another shape, and where a value is not as it should be."""
        match = self._match(line)
        if match is None:
            return None
        names = [match[number] for number in self._names]
        tier_of = {str(match[number]): int(tier) for number, tier in self._tiers}
        if (
            len(tier_of) != len(self._tiers)
            or len(set(names)) != len(names)
            or not tier_of.keys() <= set(names)
        ):
            return None
        if self._mode is not None and match[self._mode] not in MODES:
            return None
        if self._shown and {match[number] for number in self._shown} != set(names):
            return None
        found: Places = tuple(
            [(match[number], tier_of.get(names[place])) for place, number in self._policies]
        )
        slices = tuple([(key, match[number]) for key, number in self._slices])
        at = "" if self._at is None else match[self._at]
        name, annotator = match.group(*self._own)
        return PolicyRanking(name, kept.setdefault(found, found), annotator, slices, at)
