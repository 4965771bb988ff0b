"""What counts as a gain: recorded answers of made-up policies through the evaluator's own commands."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import demo_gain
from benchmarks.demo_gain import Chain, Change, failures_of
from labelplatform.demo import atlas
from labelplatform.demo.atlas import Size
from labelplatform.demo.recipe import Recipe

Line = dict[str, object]
SMALL = Recipe(size=Size(countries=6, often=12, rarely=6, never=12))
WORLD = atlas.build_world(0, SMALL.size)
QUESTIONS = atlas.question_lines(WORLD, "heldout")
RIGHT = {f"city-{city.key}": atlas.answer(city) for city in WORLD}


def tier(line: Line) -> str:
    slices = line["slices"]
    assert isinstance(slices, dict)
    return str(slices["tier"])


def honest(line: Line) -> str:
    return RIGHT[str(line["id"])] if tier(line) == "often" else atlas.ABSTENTION


def inventive(line: Line) -> str:
    return RIGHT[str(line["id"])] if tier(line) == "often" else "It is in Atlantis."


def abstaining(line: Line) -> str:
    return atlas.ABSTENTION


def forgetful(line: Line) -> str:
    """Honest, but a quarter of what it knew is gone."""
    return atlas.ABSTENTION if int(str(line["id"]).removeprefix("city-")) % 4 == 0 else honest(line)


def changed(folder: Path, before: Callable[[Line], str], after: Callable[[Line], str]) -> dict[str, Change]:
    chain = Chain(folder, 0)
    questions = chain.write("heldout.jsonl", QUESTIONS)
    reports = []
    for name, policy in (("before", before), ("after", after)):
        told = {"policy": name, "seed": 0, "sampling": {"temperature": 1.0}}
        lines = chain.write(f"{name}.jsonl", [{**q, "response": policy(q), **told} for q in QUESTIONS])
        reports.append(demo_gain.evaluate(chain, name, lines, questions, SMALL))
    return demo_gain.changes(chain, "both", *reports)


def test_a_policy_that_stops_inventing_is_a_gain(tmp_path: Path) -> None:
    found = changed(tmp_path, inventive, honest)
    assert failures_of(found) == []
    assert found["grade tier=often"].after == 1.0
    assert found["wrong"].after == 0.0
    assert found["right"].difference == 0.0
    assert found["grade"].difference == pytest.approx(0.5 * found["wrong"].before)


def test_a_policy_that_always_abstains_fails(tmp_path: Path) -> None:
    found = changed(tmp_path, inventive, abstaining)
    assert found["grade"].after == 0.5
    assert found["wrong"].high < 0
    reasons = "; ".join(failures_of(found))
    assert "forgetting" in reasons
    assert "always abstaining" in reasons


def test_forgetting_is_seen_although_the_grade_rises(tmp_path: Path) -> None:
    found = changed(tmp_path, inventive, forgetful)
    assert found["grade"].low > 0
    assert [reason.split(":")[0] for reason in failures_of(found)] == ["bought by forgetting"]


def test_rankings_are_whole_lines_of_the_public_format() -> None:
    from trainer.rankings import parse_ranking

    told = {"policy": "sft", "seed": 0, "sampling": {}}
    texts = ("It is in Atlantis.", atlas.ABSTENTION, "")
    question = QUESTIONS[0]
    lines = [{**question, "response": text or RIGHT[str(question["id"])], **told} for text in texts]
    ranking = parse_ranking(demo_gain.ranked(lines, 1)[0], "here")
    key = str(question["id"])
    assert [list(one) for one in ranking.tiers] == [[f"{key}-1-2"], [f"{key}-1-1"], [f"{key}-1-0"]]
    assert ranking.prompt_id == key
