"""Exported ranking lines say what they are about and when they were given, and come back as the same bytes."""

import io
import json
import random
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from evaluator.cli import main
from labelplatform.accounts.models import Project, User
from labelplatform.labels import queries, services
from labelplatform.labels.models import Campaign, Ranking
from labelplatform.prompts.services import create_prompt_set, import_prompts, import_responses
from tests.labelplatform.labels.building import claimed, submit
from tests.labelplatform.labels.line_builder import random_line
from tests.labelplatform.labels.test_round_trip import exported

ABOUT: list[dict[str, str]] = [
    {"domain": "law", "language": "en", "mode": "knowledge-seeking"},
    {"domain": "law", "language": "zh-Hans"},
    {},
]


@pytest.fixture
def campaign(project: Project, ada: User, rosa: User) -> Campaign:
    """Six rankings of two policies' answers; of two prompts something is known."""
    prompt_set = create_prompt_set(project=project, name="questions", by=rosa)
    for number in range(6):
        prompt: dict[str, Any] = {
            "id": f"q{number}",
            "prompt": [{"role": "user", "content": f"Question {number}?"}],
            **ABOUT[number % 3],
        }
        import_prompts(prompt_set=prompt_set, lines=[prompt], by=rosa)
        told = {"seed": 0, "sampling": {}}
        lines = [{**prompt, "response": f"{name} {number}", "policy": name, **told} for name in ("a", "b")]
        import_responses(prompt_set=prompt_set, lines=lines, by=rosa)
    campaign = services.create_campaign(project=project, name="first", by=rosa)
    services.add_items(campaign=campaign, prompts=prompt_set.prompts.all(), by=rosa)
    for number in range(6):
        slot = claimed(campaign, ada)
        places = list(slot.item.placed_responses.values_list("response", flat=True))
        submit(slot, ada, [[one] for one in (places if number % 3 else places[::-1])])
    return campaign


def test_a_line_says_what_its_prompt_is_about_and_when_it_was_given(campaign: Campaign) -> None:
    lines = list(queries.ranking_lines(campaign.project))
    assert lines == [
        queries.ranking_line(one) for one in queries.with_content(queries.rankings(campaign.project))
    ]
    for line in lines:
        about = ABOUT[int(str(line["prompt_id"])[1:]) % 3]
        assert {name: line[name] for name in ("domain", "language", "mode") if name in line} == about
        stored = Ranking.objects.get(key=line["id"])
        assert datetime.fromisoformat(str(line["at"])) == stored.at
        assert list(line)[-1 - len(about) :] == [*about, "at"]


@pytest.mark.parametrize("name", ["rankings", "csv"])
def test_they_come_back_as_the_same_bytes(
    campaign: Campaign, other_project: Project, olga: User, name: str
) -> None:
    first = exported(campaign.project, name)
    services.import_labels(project=other_project, upload=io.BytesIO(first), target="again", by=olga)
    assert exported(other_project, name) == first


def test_imported_lines_that_tell_no_time_get_none(campaign: Campaign, rosa: User) -> None:
    imports = services.create_campaign(
        project=campaign.project, name="imports", by=rosa, source="import", overlap=0
    )
    line = random_line(1, random.Random(1))
    services.record_rankings(campaign=imports, rankings=[line], by=rosa)
    (back,) = queries.ranking_lines(campaign.project, {"campaigns": [imports.pk]})
    assert back == line
    assert "at" not in back


def test_a_time_that_the_line_told_stands(project: Project, rosa: User) -> None:
    simulated = services.create_campaign(
        project=project, name="simulated", by=rosa, source="simulated", overlap=0
    )
    prompt_set = create_prompt_set(project=project, name="questions", by=rosa)
    prompt: dict[str, Any] = {"id": "q", "prompt": [{"role": "user", "content": "Where?"}], "domain": "law"}
    import_prompts(prompt_set=prompt_set, lines=[prompt], by=rosa)
    told = {"seed": 0, "sampling": {}}
    lines = [{**prompt, "response": name, "policy": name, **told} for name in ("a", "b")]
    import_responses(prompt_set=prompt_set, lines=lines, by=rosa)
    services.add_items(campaign=simulated, prompts=prompt_set.prompts.all(), by=rosa)
    (item,) = queries.unranked_items(simulated)
    names = [str(one["id"]) for one in item.responses]
    line = {
        "id": "r",
        "prompt": item.prompt,
        "responses": item.responses,
        "tiers": [[one] for one in names],
        "annotator": "rule",
        "kind": "ranking",
        "item": item.item,
        "prompt_id": item.prompt_id,
        "at": "2020-01-02T03:04:05+00:00",
    }
    services.record_rankings(campaign=simulated, rankings=[line], by=rosa)
    (back,) = queries.ranking_lines(project)
    assert (back["at"], back["domain"]) == ("2020-01-02T03:04:05+00:00", "law")


def test_a_leaderboard_is_cut_by_what_they_say(campaign: Campaign, tmp_path: Path) -> None:
    file = tmp_path / "rankings.jsonl"
    file.write_bytes(exported(campaign.project, "rankings"))
    words = ["leaderboard", str(file), "--by", "domain", "--resamples", "20", "--progress", "none"]
    assert main([*words, "--since", "2000-01-01", "--out", str(tmp_path / "all")]) == 0
    content = json.loads((tmp_path / "all" / "report.json").read_text("utf-8"))
    assert content["items"]["measured"] == 6
    cut = [one for one in content["metrics"] if isinstance(one.get("slice"), dict)]
    assert {one["slice"]["domain"] for one in cut} == {"law"}
