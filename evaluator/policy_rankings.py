"""Ranking lines as a leaderboard needs them: who stood in which tier, read fast, refused by the rules of `rankings`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from evaluator import json_lines
from evaluator.errors import BadInput
from evaluator.json_lines import kind_of
from evaluator.line_shapes import MOST_SHAPES, Shape, Treatment, shape_of
from evaluator.prompts import MODES, choice, text
from evaluator.rankings import Ranking, parse_ranking
from evaluator.statistics.rating_pairs import PolicyRanking
from evaluator.statistics.style import features

SLICES = ("domain", "language", "mode")
BLOCK_BYTES = 8 * 2**20
SAME = frozenset({"kind", "split", "source", "unacceptable", "margins", "ratings", "flags"})
CAUGHT = frozenset({"id", "annotator", "tiers", "shown_order", "item", "prompt_id", "mode", "at"})
Catch = tuple[str | int, ...]
Places = tuple[tuple[str, int | None], ...]


def read_policy_rankings(path: Path, *, style: bool = False) -> list[PolicyRanking]:
    """All rankings of a file, by policy: responses that name none are left out. `style` adds features of the texts.

    Refuses what `read_rankings` refuses, and slices and times that are not text.
    """
    reader = _Reader(path, style=style)
    found = [ranking for block in _blocks(path) for ranking in reader.read(block)]
    if not found:
        raise BadInput(f"{path}: found no line, wanted at least one ranking")
    return found


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


def _blocks(path: Path) -> Iterator[list[bytes]]:
    """The lines of the file in blocks, split at line feeds only; a last line without one counts."""
    rest = b""
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                *lines, rest = (rest + block).split(b"\n")
                yield lines
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}, wanted a file that can be read") from error
    if rest:
        yield [rest]


class _Reader:
    """Keeps the shapes seen, ids seen, and one copy of each different row of places."""

    def __init__(self, path: Path, *, style: bool) -> None:
        self._path = path
        self._style = style
        self._number = 0
        self._line_of: dict[str, int] = {}
        self._kept: dict[object, Places] = {}
        self._shapes: list[_Ranked] = []

    def read(self, lines: Sequence[bytes]) -> Iterator[PolicyRanking]:
        """The rankings of the next lines. Refuses an id that stood before."""
        line_of, shapes = self._line_of, self._shapes
        for raw in lines:
            self._number += 1
            found = None
            for at, shape in enumerate(shapes):
                found = shape.ranking(raw, self._kept)
                if found is not None:
                    if at:  # what came last comes next, mostly
                        shapes.insert(0, shapes.pop(at))
                    break
            if found is None:
                found = self._in_full(raw)
            first = line_of.setdefault(found.id, self._number)
            if first != self._number:
                again = f"found {kind_of(found.id)} again (first at {self._path}:{first})"
                raise BadInput(f"{self._path}:{self._number}: id: {again}, wanted unique ids")
            yield found

    def _in_full(self, raw: bytes) -> PolicyRanking:
        where = f"{self._path}:{self._number}"
        ranking = parse_ranking(json_lines.parse_object(raw, where), where)
        found = policy_ranking(ranking, style=self._style)
        if not self._style and len(self._shapes) < MOST_SHAPES:
            shape = shape_of(raw.decode(), _treatment)
            if shape is not None:
                self._shapes.append(_Ranked(shape))
        return found


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
        at = {path: number for number, path in enumerate(shape.caught)}
        self._match = shape.pattern.fullmatch
        self._id, self._annotator = at["id",], at["annotator",]
        responses = sorted(path[1] for path in at if path[0] == "responses" and path[2:] == ("id",))
        self._names = [at["responses", number, "id"] for number in responses]
        policies = [at.get(("responses", number, "policy")) for number in responses]
        self._policies = [(place, caught) for place, caught in enumerate(policies) if caught is not None]
        self._tiers = [(number, path[1]) for path, number in at.items() if path[0] == "tiers"]
        self._shown = [number for path, number in at.items() if path[0] == "shown_order"]
        self._slices = [(key, at[key,]) for key in SLICES if (key,) in at]
        self._at, self._mode = at.get(("at",)), at.get(("mode",))
        self._plain = not (self._slices or self._shown or self._at is not None)

    def ranking(self, raw: bytes, kept: dict[object, Places]) -> PolicyRanking | None:
        """The ranking of a line of this shape; None for another shape, and where a value is not as it should be."""
        try:
            match = self._match(raw.decode())
        except UnicodeDecodeError:
            return None
        if match is None:
            return None
        caught = match.groups()
        names = [caught[number] for number in self._names]
        tier_of = {caught[number]: tier for number, tier in self._tiers}
        if (
            len(tier_of) != len(self._tiers)
            or len(set(names)) != len(names)
            or not tier_of.keys() <= set(names)
        ):
            return None
        found = tuple([(caught[number], tier_of.get(names[place])) for place, number in self._policies])
        places = kept.setdefault(found, found)  # type: ignore[arg-type]
        if self._plain:
            return PolicyRanking(caught[self._id], places, caught[self._annotator])
        if self._mode is not None and caught[self._mode] not in MODES:
            return None
        if self._shown and {caught[number] for number in self._shown} != set(names):
            return None
        slices = tuple([(key, caught[number]) for key, number in self._slices])
        at = "" if self._at is None else caught[self._at]
        return PolicyRanking(caught[self._id], places, caught[self._annotator], slices, at)
