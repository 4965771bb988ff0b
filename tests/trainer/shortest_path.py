"""A small world with exact truth: walks on a graph to one goal, the shorter the better.

Twenty places lead to a goal. A model pretrained on random walks is asked for a walk from a place; true optimality
(1 for a shortest walk, 0 for one that fails) ranks its answers. After trlx's random walks (2022), drawn anew here.
"""

import json
import random
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

PLACES = "abcdefghijklmnopqrstu"
GOAL = "a"
LONGEST_WALK = 8
ROADS_PER_PLACE = 3

Line = dict[str, object]


class World:
    """A directed graph drawn by a seed, in which every place leads to the goal within LONGEST_WALK steps."""

    def __init__(self, seed: int) -> None:
        drawn = random.Random(seed)
        self.seed = seed
        while True:
            self.roads = {
                place: sorted(drawn.sample([other for other in PLACES if other != place], ROADS_PER_PLACE))
                for place in PLACES
            }
            self.distance = self._distances()
            if len(self.distance) == len(PLACES) and max(self.distance.values()) < LONGEST_WALK:
                return

    @property
    def starts(self) -> list[str]:
        """All places but the goal."""
        return [place for place in PLACES if place != GOAL]

    def walk(self, start: str, drawn: random.Random) -> list[str]:
        """The places of a random walk after its start, up to the goal or LONGEST_WALK steps."""
        steps: list[str] = []
        while len(steps) < LONGEST_WALK and (steps or [start])[-1] != GOAL:
            steps.append(drawn.choice(self.roads[(steps or [start])[-1]]))
        return steps

    def optimality(self, start: str, response: str) -> float:
        """1 for a shortest walk to the goal, falling evenly to 0; 0 for what is no walk to the goal."""
        steps = response.split()
        here = start
        for place in steps:
            if here == GOAL or place not in self.roads[here]:
                return 0.0
            here = place
        if here != GOAL or len(steps) > LONGEST_WALK:
            return 0.0
        return (LONGEST_WALK + 1 - len(steps)) / (LONGEST_WALK + 1 - self.distance[start])

    def _distances(self) -> dict[str, int]:
        found, waiting = {GOAL: 0}, deque([GOAL])
        while waiting:
            place = waiting.popleft()
            for other in PLACES:
                if place in self.roads[other] and other not in found:
                    found[other] = found[place] + 1
                    waiting.append(other)
        return found


def write_lines(path: Path, lines: Iterable[Mapping[str, object]]) -> Path:
    """The path, after one JSON object a line was written to it."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def walk_documents(world: World, count: int, seed: int) -> list[Line]:
    """Conversations for pretraining: a start is asked, a random walk answers."""
    drawn = random.Random(seed)
    return [
        {
            "messages": [
                {"role": "user", "content": start},
                {"role": "assistant", "content": " ".join(world.walk(start, drawn))},
            ]
        }
        for start in (drawn.choice(world.starts) for _ in range(count))
    ]


def prompt_lines(world: World) -> list[Line]:
    """One prompt line a start; start and world stand in the line for functions that judge responses."""
    return [
        {
            "id": f"from-{start}",
            "prompt": [{"role": "user", "content": start}],
            "start": start,
            "world": world.seed,
        }
        for start in world.starts
    ]


def judged(responses: Sequence[Mapping[str, object]]) -> list[dict[str, float]]:
    """True optimality of each response line, and whether it arrives: a validation function of `trainer ppo`."""
    found = [
        _world(int(str(line["world"]))).optimality(str(line["start"]), str(line["response"]))
        for line in responses
    ]
    return [{"optimality": worth, "arrives": float(worth > 0)} for worth in found]


@cache
def _world(seed: int) -> World:
    return World(seed)


def ranking_lines(world: World, responses: Sequence[Line], per_ranking: int) -> list[Line]:
    """Rankings by true optimality of the response lines, `per_ranking` of one prompt in each; equals tie.

    Responses with one text stand once; what is then left with a single response is left out.
    """
    lines: list[Line] = []
    by_start: dict[str, list[str]] = {}
    for line in responses:
        by_start.setdefault(str(line["start"]), []).append(str(line["response"]))
    for start, texts in by_start.items():
        for number in range(0, len(texts), per_ranking):
            some = sorted(set(texts[number : number + per_ranking]))
            if len(some) > 1:
                lines.append(_ranking(world, start, some, number))
    return lines


def _ranking(world: World, start: str, texts: Sequence[str], number: int) -> Line:
    worth = {f"r{place}": world.optimality(start, text) for place, text in enumerate(texts)}
    levels = sorted(set(worth.values()), reverse=True)
    return {
        "id": f"{start}-{number}",
        "prompt": [{"role": "user", "content": start}],
        # One prompt is ranked many times here: held out is a ranking, not a start, of which there are few.
        "prompt_id": f"from-{start}-{number}",
        "responses": [{"id": f"r{place}", "text": text} for place, text in enumerate(texts)],
        "tiers": [[name for name in worth if worth[name] == level] for level in levels],
        "annotator": "true-length",
        "kind": "ranking",
        "source": "simulated",
        "flags": {name: ["arrives" if worth[name] else "fails"] for name in worth},
    }
