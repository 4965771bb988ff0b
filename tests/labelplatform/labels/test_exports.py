"""Labels in the formats of other houses: exactly the pairs that were said, nothing left out in silence."""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact
from labelplatform.labels import queries, services
from labelplatform.labels.exchange import outgoing
from labelplatform.snapshots.models import Snapshot
from tests.house.tree import ROOT
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.labels.building import build_campaign, claimed, submit
from tests.labelplatform.labels.line_builder import random_line
from tests.labelplatform.labels.test_assignment import lapse
from trainer.rankings import parse_ranking

SignIn = Callable[[User], Any]


def line(tiers: list[list[str]], answers: str = "abcd", **told: object) -> dict[str, Any]:
    responses = [{"id": name, "text": name.upper()} for name in answers]
    prompt = [{"role": "user", "content": "Q?"}]
    base = {"id": "r", "prompt": prompt, "responses": responses, "tiers": tiers}
    return {**base, "annotator": "ada", "kind": "ranking", **told}


def made(name: str, *lines: dict[str, Any], unacceptable: str = "") -> list[dict[str, Any]]:
    return [dict(one) for one in outgoing.converted(lines, outgoing.EXPORTS[name], unacceptable)]


def pairs(name: str, *lines: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["chosen"], one["rejected"]) for one in made(name, *lines)}


def test_preference_pairs_are_those_across_tiers() -> None:
    tied = line([["b"], ["a", "d"]])
    expected = {("B", "A"), ("B", "D"), ("B", "C"), ("A", "C"), ("D", "C")}
    assert pairs("trl-preference", tied) == expected
    assert pairs("trl-preference", line([["a"]])) == {("A", "B"), ("A", "C"), ("A", "D")}
    assert pairs("trl-preference", line([["a", "b", "c", "d"]])) == set()
    (first, *_rest) = made("trl-preference", line([["a"], ["b"]], "ab", margins=[3]))
    assert first == {"prompt": "Q?", "chosen": "A", "rejected": "B", "margin": 3.0, "ranking": "r"}


def test_every_ranking_gives_the_sum_over_its_tiers() -> None:
    chance = random.Random(3)
    for number in range(300):
        told = random_line(number, chance)
        sizes = [len(tier) for tier in told["tiers"]]
        unranked = len(told["responses"]) - sum(sizes)
        groups = [*sizes, unranked]
        expected = sum(groups[i] * groups[j] for i in range(len(groups)) for j in range(i + 1, len(groups)))
        for name in ("trl-preference", "trl-conversational"):
            assert len(made(name, told)) == expected


def test_conversational_pairs_keep_their_messages() -> None:
    prompt = [{"role": "system", "content": "S"}, {"role": "user", "content": "Q?"}]
    (one,) = made("trl-conversational", line([["b"], ["a"]], "ab", prompt=prompt))
    assert one == {
        "prompt": prompt,
        "chosen": [{"role": "assistant", "content": "B"}],
        "rejected": [{"role": "assistant", "content": "A"}],
        "ranking": "r",
    }
    (text,) = made("trl-preference", line([["b"], ["a"]], "ab", prompt=prompt))
    assert text["prompt"] == "System: S\n\nUser: Q?\n\nAssistant: "


@pytest.mark.parametrize(
    ("told", "labels"),
    [
        (line([["a"], ["b"], ["c", "d"]]), {"A": True, "C": False, "D": False}),
        (line([["a", "b"], ["c"]]), {"A": True, "B": True, "D": False}),
        (line([["a", "b", "c", "d"]]), {}),
        (line([["a"], ["b"]], "ab", unacceptable=True), {"A": False, "B": False}),
        (line([], "ab", unacceptable=True), {"A": False, "B": False}),
    ],
)
def test_unpaired_lines_are_the_best_and_the_worst(told: dict[str, Any], labels: dict[str, bool]) -> None:
    found = made("trl-unpaired", told)
    assert {one["completion"]: one["label"] for one in found} == labels
    assert len(found) == len(labels)


def test_messages_to_imitate_are_the_best_tiers() -> None:
    found = made("sft", line([["a", "b"], ["c"]]))
    assert [one["messages"][-1] for one in found] == [
        {"role": "assistant", "content": "A"},
        {"role": "assistant", "content": "B"},
    ]
    assert found[0]["messages"][0] == {"role": "user", "content": "Q?"}


@pytest.mark.parametrize("name", outgoing.EXPORTS)
def test_unacceptable_rankings_are_kept_or_left_out_as_the_file_says(name: str) -> None:
    refused = line([["a"], ["b"]], "ab", unacceptable=True)
    export = outgoing.EXPORTS[name]
    assert made(name, refused, unacceptable="leave-out") == []
    assert made(name, refused, unacceptable="keep") != []
    assert (made(name, refused) == []) == (name == "sft")
    assert ("without-unacceptable" in outgoing.file_name(export)) == (name == "sft")
    assert "without-unacceptable" in outgoing.file_name(export, "leave-out")
    assert ("formula-safe" in outgoing.file_name(export)) == (name == "csv")


@pytest.fixture
def imported(project: Project, rosa: User) -> list[dict[str, Any]]:
    chance = random.Random(4)
    campaign = services.create_campaign(project=project, name="first", by=rosa, source="import", overlap=0)
    lines = [random_line(number, chance) for number in range(12)]
    services.record_rankings(campaign=campaign, rankings=lines, by=rosa)
    return lines


@pytest.mark.parametrize("name", outgoing.EXPORTS)
def test_a_download_is_what_the_command_writes(
    project: Project, rosa: User, imported: list[dict[str, Any]], sign_in: SignIn, tmp_path: Path, name: str
) -> None:
    answer = sign_in(rosa).get(f"/p/{project.slug}/labels/export/{name}/")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="harbour-all-')
    out = tmp_path / "out"
    call_command("export_labels", project=project.slug, format=name, out=out)
    assert out.read_bytes() == b"".join(answer.streaming_content)


def test_the_command_goes_on_behind_a_ranking_and_takes_one_campaign(
    project: Project, rosa: User, imported: list[dict[str, Any]], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    other = build_campaign(project, rosa, name="empty")
    whole, rest, none = (tmp_path / name for name in ("whole", "rest", "none"))
    call_command("export_labels", project=project.slug, out=whole)
    call_command("export_labels", project=project.slug, out=rest, after="line-4")
    call_command("export_labels", project=project.slug, out=none, campaign=other.pk)
    written = [json.loads(one) for one in whole.read_text("utf-8").split("\n") if one]
    assert written == imported
    assert rest.read_bytes() == b"".join(whole.read_bytes().splitlines(keepends=True)[5:])
    assert none.read_bytes() == b""
    marked = sum(bool(one.get("unacceptable")) for one in imported)
    assert f"{marked} of them are marked all unacceptable: kept" in capsys.readouterr().err


@pytest.mark.parametrize(
    "told",
    [
        {"project": "nowhere"},
        {"project": "harbour", "after": "unknown"},
        {"project": "harbour", "campaign": 9999},
    ],
)
def test_a_wrong_question_leaves_no_file(
    project: Project, imported: list[dict[str, Any]], tmp_path: Path, told: dict[str, Any]
) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("export_labels", out=tmp_path / "out", **told)
    assert ended.value.code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_frozen_snapshot_leaves_by_the_same_converters(
    project: Project, rosa: User, sign_in: SignIn, tmp_path: Path
) -> None:
    chance = random.Random(8)
    frozen = [random_line(number, chance) for number in range(5)]
    content = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in frozen)
    artifact = build_artifact(project, Artifact.Kind.SNAPSHOT, files={"rankings.jsonl": content})
    snapshot = Snapshot.objects.create(project=project, name="Frozen", artifact=artifact)
    address, browser = f"/p/harbour/snapshots/{snapshot.pk}/export", sign_in(rosa)
    answer = browser.get(f"{address}/trl-preference/")
    assert "frozen-trl-preference.jsonl" in answer.headers["Content-Disposition"]
    found = [json.loads(one) for one in b"".join(answer.streaming_content).split(b"\n") if one]
    assert found == made("trl-preference", *frozen)
    assert len(found) > 0
    out = tmp_path / "out"
    call_command("export_labels", snapshot=artifact.path, format="rankings", out=out, after="line-0")
    assert out.read_bytes() == b"".join(content.encode().splitlines(keepends=True)[1:])
    assert browser.get(f"{address}/parquet/").status_code == 404
    assert browser.get(f"{address}/sft/?unacceptable=perhaps").status_code == 404


def test_the_streamed_lines_are_those_of_the_one_definition(
    project: Project, imported: list[dict[str, Any]]
) -> None:
    slow = [queries.ranking_line(one) for one in queries.with_content(queries.rankings(project))]
    assert list(queries.ranking_lines(project)) == slow == imported
    assert [parse_ranking(one, "").id for one in slow] == [one["id"] for one in imported]


def test_items_are_forgotten_when_they_fill_the_memory(
    project: Project, imported: list[dict[str, Any]]
) -> None:
    memory = queries.LineMemory(characters=1)
    pks = list(queries.rankings(project).values_list("pk", flat=True))
    assert [one["id"] for pk in pks for one in queries.lines_of([pk], memory)] == [
        one["id"] for one in imported
    ]
    assert memory.remembered == 0
    roomy = queries.LineMemory()
    assert list(queries.lines_of(pks, roomy)) == list(queries.lines_of(pks, roomy)) == imported
    assert roomy.remembered == len(imported)


def test_the_benchmark_says_what_it_measured(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "export_rankings.py"), "--items", "5,20"]
    ran = subprocess.run(
        [*command, "--seconds", "100", "--growth-mb", "100"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert [run["lines"] for run in told["runs"]] == [15, 60]
    assert told["passed"] is True


def test_late_rankings_leave_only_when_asked_for_and_say_so(
    project: Project, ada: User, ben: User, rosa: User, tmp_path: Path
) -> None:
    slot = claimed(build_campaign(project, rosa, prompts=1), ada)
    lapse(slot)
    submit(claimed(slot.campaign, ben), ben)
    late = submit(slot, ada)
    plain, all_of_them = tmp_path / "plain.jsonl", tmp_path / "all.jsonl"
    call_command("export_labels", project=project.slug, out=plain)
    call_command("export_labels", project=project.slug, out=all_of_them, surplus=True)
    told = [json.loads(line) for line in all_of_them.read_text("utf-8").splitlines()]
    assert [(line["id"] == late.key, line.get("surplus")) for line in told] == [(False, None), (True, True)]
    assert [json.loads(line)["id"] for line in plain.read_text("utf-8").splitlines()] == [told[0]["id"]]
