"""Freezing: the promise names its last ranking, the child writes the folder, collecting makes the artifact."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.jobs.models import Artifact, Job
from labelplatform.labels.models import Campaign, Ranking
from labelplatform.snapshots import freezing, queries
from labelplatform.snapshots.models import Snapshot
from labelplatform.snapshots.services import SnapshotRefused, freeze_snapshot
from tests.labelplatform.labels.building import build_campaign, claimed, submit
from tests.labelplatform.labels.kind_building import build_label_campaign, give
from trainer import json_lines
from trainer.errors import BadInput
from trainer.rankings import pairs
from trainer.snapshots import read_snapshot, split_of, verify_snapshot, write_snapshot

SignIn = Callable[[User], Client]


@pytest.fixture
def campaign(project: Project, ada: User, rosa: User) -> Campaign:
    """Ten rankings of four answers each."""
    campaign = build_campaign(project, rosa, prompts=12)
    for _ranking in range(10):
        submit(claimed(campaign, ada), ada)
    return campaign


def run(snapshot: Snapshot) -> Path:
    """What the worker does: the spec beside it, the child, the collecting."""
    job = snapshot.job
    assert job is not None
    folder = Path(settings.ARTIFACTS_DIR) / "attempts" / uuid4().hex
    json_lines.write_json_atomically(folder / "spec.json", job.spec)
    command = freezing.command(job, folder)
    call_command(*command[2:], stdout=StringIO())
    freezing.collect(job, folder)
    snapshot.refresh_from_db()
    return folder / "out"


def test_a_snapshot_holds_every_ranking_of_its_moment_split_by_prompt(
    campaign: Campaign, ada: User, rosa: User
) -> None:
    snapshot = freeze_snapshot(project=campaign.project, name="first", by=rosa)
    submit(claimed(campaign, ada), ada)
    folder = run(snapshot)
    frozen = read_snapshot(folder)
    assert len(frozen.rankings) == 10
    assert sum(len(pairs(ranking)) for ranking in frozen.rankings) == 60
    assert snapshot.counts["rankings"] == 10
    assert snapshot.counts["train"] + snapshot.counts["heldout"] == 10
    assert snapshot.artifact is not None
    assert (snapshot.artifact.kind, snapshot.artifact.name) == (Artifact.Kind.SNAPSHOT, "first")
    assert snapshot.artifact.made_by == snapshot.job
    assert AuditEntry.objects.filter(verb="froze snapshot", by=rosa).count() == 1


def test_a_second_attempt_writes_the_same_bytes(
    campaign: Campaign, ada: User, rosa: User, tmp_path: Path
) -> None:
    snapshot = freeze_snapshot(project=campaign.project, name="first", by=rosa)
    assert snapshot.job is not None
    json_lines.write_json_atomically(tmp_path / "spec.json", snapshot.job.spec)
    written = []
    for attempt in ("one", "two"):
        call_command("write_snapshot", spec=tmp_path / "spec.json", out=tmp_path / attempt, stdout=StringIO())
        written.append({path.name: path.read_bytes() for path in (tmp_path / attempt).iterdir()})
        submit(claimed(campaign, ada), ada)
    assert written[0] == written[1]


def test_one_ranking_reversed_is_another_snapshot(
    campaign: Campaign, ada: User, rosa: User, tmp_path: Path
) -> None:
    snapshot = freeze_snapshot(project=campaign.project, name="first", by=rosa)
    assert snapshot.job is not None
    json_lines.write_json_atomically(tmp_path / "spec.json", snapshot.job.spec)
    call_command("write_snapshot", spec=tmp_path / "spec.json", out=tmp_path / "before", stdout=StringIO())
    for placement in Ranking.objects.order_by("pk")[0].placements.all():
        placement.tier = 5 - (placement.tier or 0)
        placement.save()
    call_command("write_snapshot", spec=tmp_path / "spec.json", out=tmp_path / "after", stdout=StringIO())
    assert (tmp_path / "before/rankings.jsonl").read_bytes() != (
        tmp_path / "after/rankings.jsonl"
    ).read_bytes()


def test_the_same_wish_is_the_same_snapshot_and_another_wish_needs_another_name(
    campaign: Campaign, rosa: User
) -> None:
    project = campaign.project
    first = freeze_snapshot(project=project, name="first", by=rosa)
    assert freeze_snapshot(project=project, name="first", by=rosa) == first
    with pytest.raises(SnapshotRefused):
        freeze_snapshot(project=project, name="first", filters={"campaigns": [campaign.pk]}, by=rosa)
    assert Job.objects.filter(kind="snapshot").count() == 1


def test_after_a_failure_the_same_wish_is_a_new_job_for_the_same_rankings(
    campaign: Campaign, ada: User, rosa: User
) -> None:
    first = freeze_snapshot(project=campaign.project, name="first", by=rosa)
    assert first.job is not None
    Job.objects.filter(pk=first.job.pk).update(state="failed", finished_at=first.created_at)
    submit(claimed(campaign, ada), ada)
    again = freeze_snapshot(project=campaign.project, name="first", by=rosa)
    assert again == first
    assert again.job != first.job
    assert again.job is not None
    assert again.job.spec == first.job.spec


def test_nothing_to_freeze_and_foreign_campaigns_are_refused(
    project: Project, other_project: Project, rosa: User, olga: User
) -> None:
    with pytest.raises(SnapshotRefused):
        freeze_snapshot(project=project, name="first", by=rosa)
    theirs = build_campaign(other_project, olga)
    for filters in ({"campaigns": [theirs.pk]}, {"annotators": [1]}):
        with pytest.raises(ValidationError):
            freeze_snapshot(project=project, name="first", filters=filters, by=rosa)
    assert not Snapshot.objects.exists()


def test_filters_narrow_what_is_frozen(campaign: Campaign, ada: User, rosa: User) -> None:
    other = build_campaign(campaign.project, rosa, name="other")
    submit(claimed(other, ada), ada)
    snapshot = freeze_snapshot(
        project=campaign.project, name="other", filters={"campaigns": [other.pk]}, by=rosa
    )
    run(snapshot)
    assert snapshot.counts["rankings"] == 1
    assert list(queries.campaigns_in(snapshot)) == [other]


def test_a_folder_that_was_touched_is_not_collected(campaign: Campaign, rosa: User, tmp_path: Path) -> None:
    snapshot = freeze_snapshot(project=campaign.project, name="first", by=rosa)
    assert snapshot.job is not None
    json_lines.write_json_atomically(tmp_path / "spec.json", snapshot.job.spec)
    call_command("write_snapshot", spec=tmp_path / "spec.json", out=tmp_path / "out", stdout=StringIO())
    with (tmp_path / "out/rankings.jsonl").open("a", encoding="utf-8") as stream:
        stream.write("{}\n")
    with pytest.raises(Exception, match="sha256"):
        freezing.collect(snapshot.job, tmp_path)


def test_a_bad_spec_is_one_line_and_exit_2(tmp_path: Path, project: Project) -> None:
    told = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("write_snapshot", spec=tmp_path / "missing.json", out=tmp_path / "out", stderr=told)
    assert end.value.code == 2
    assert len(told.getvalue().splitlines()) == 1


def test_the_pages_from_wish_to_download(campaign: Campaign, rosa: User, sign_in: SignIn) -> None:
    browser = sign_in(rosa)
    index = reverse("snapshots:index", args=["harbour"])
    assert "10 rankings are in no snapshot yet." in browser.get(index).content.decode()
    asked = browser.post(
        reverse("snapshots:freeze", args=["harbour"]), {"name": "first", "campaigns": [campaign.pk]}
    )
    snapshot = Snapshot.objects.get()
    assert asked.headers["Location"] == reverse("snapshots:snapshot", args=["harbour", snapshot.pk])
    live = reverse("snapshots:snapshot_live", args=["harbour", snapshot.pk])
    assert browser.get(live).headers["X-Live"] == "on"
    download = reverse("snapshots:download", args=["harbour", snapshot.pk, "rankings.jsonl"])
    assert browser.get(download).status_code == 404
    run(snapshot)
    page = browser.get(asked.headers["Location"]).content.decode()
    assert snapshot.artifact is not None
    assert snapshot.artifact.digest in page
    assert campaign.name in page
    answer = browser.get(download)
    lines = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]  # type: ignore[attr-defined]
    assert len(lines) == 10
    assert "first" in browser.get(index).content.decode()


@pytest.mark.parametrize("name", ["planted.txt", "..", "manifest.json.bak", "%2e%2e"])
def test_only_the_files_of_the_format_are_served(
    campaign: Campaign, rosa: User, sign_in: SignIn, name: str
) -> None:
    snapshot = freeze_snapshot(project=campaign.project, name="first", by=rosa)
    (run(snapshot) / "planted.txt").write_text("no file of the format", encoding="utf-8")
    answer = sign_in(rosa).get(f"/p/harbour/snapshots/{snapshot.pk}/files/{name}")
    assert answer.status_code == 404


def test_who_may_see_and_freeze(
    campaign: Campaign, ada: User, rosa: User, olga: User, other_project: Project, sign_in: SignIn
) -> None:
    snapshot = freeze_snapshot(project=campaign.project, name="first", by=rosa)
    run(snapshot)
    pages: list[tuple[str, list[Any]]] = [
        ("index", []),
        ("freeze", []),
        ("snapshot", [snapshot.pk]),
        ("snapshot_live", [snapshot.pk]),
        ("download", [snapshot.pk, "manifest.json"]),
    ]
    for name, arguments in pages:
        here = reverse(f"snapshots:{name}", args=["harbour", *arguments])
        there = reverse(f"snapshots:{name}", args=["elsewhere", *arguments])
        assert sign_in(rosa).get(here).status_code == 200
        assert sign_in(ada).get(here).status_code == 403
        assert sign_in(olga).get(here).status_code == 404
        assert sign_in(olga).get(there).status_code == (404 if arguments else 200)
        assert "/sign-in/" in Client().get(here).headers["Location"]
    assert sign_in(ada).post(reverse("snapshots:freeze", args=["harbour"]), {"name": "x"}).status_code == 403
    assert Snapshot.objects.count() == 1


def test_labels_of_single_answers_are_frozen_beside_the_rankings(
    campaign: Campaign, ada: User, rosa: User
) -> None:
    project = campaign.project
    rated = build_label_campaign(project, rosa, prompts=12, answers=1)
    for _label in range(10):
        give(claimed(rated, ada), ada)
    snapshot = freeze_snapshot(project=project, name="both", by=rosa)
    give(claimed(rated, ada), ada)
    folder = run(snapshot)
    lines = [line for _number, line in json_lines.read(folder / "ratings.jsonl")]
    assert len(lines) == snapshot.counts["ratings"] == 10
    manifest = verify_snapshot(folder)
    assert set(manifest.files) == {"rankings.jsonl", "ratings.jsonl"}
    assert manifest.counts["rankings"] == 10
    assert {line["split"] for line in lines} == {"train", "heldout"}
    assert all(line["split"] == split_of(str(line["prompt_id"])) for line in lines)
    assert list(queries.campaigns_in(snapshot)) == [campaign, rated]
    assert queries.rankings_waiting(project) == 1
    assert freeze_snapshot(project=project, name="both", by=rosa) == snapshot


def test_labels_alone_are_frozen_too_and_older_snapshots_hold_none(
    project: Project, ada: User, rosa: User
) -> None:
    with pytest.raises(SnapshotRefused):
        freeze_snapshot(project=project, name="none", by=rosa)
    rated = build_label_campaign(project, rosa)
    give(claimed(rated, ada), ada)
    snapshot = freeze_snapshot(project=project, name="alone", by=rosa)
    folder = run(snapshot)
    assert snapshot.counts["rankings"] == 0
    assert read_snapshot(folder).rankings == []
    assert queries.other_labels(project, {"last_ranking": 5}) == {}


def test_a_prompts_labels_stand_on_the_side_that_its_rankings_name(tmp_path: Path) -> None:
    prompt = [{"role": "user", "content": "Why?"}]
    side = "train" if split_of("p") == "heldout" else "heldout"
    answers = [{"id": name, "text": name} for name in "ab"]
    ranking = {"id": "r", "prompt": prompt, "prompt_id": "p", "responses": answers, "tiers": [["a"], ["b"]],
               "annotator": "ada", "kind": "comparison", "split": side}  # fmt: skip
    rating = {"id": "1", "prompt": prompt, "prompt_id": "p", "response": "So.", "ratings": {"overall": 5},
              "flags": [], "annotator": "ada"}  # fmt: skip
    told: dict[str, Any] = {"filters": {}, "split_rule": {"by": "prompt"}, "guideline_version": "1"}
    write_snapshot(tmp_path / "one", rankings=[ranking], labels={"ratings": [rating]}, **told)
    (line,) = [line for _number, line in json_lines.read(tmp_path / "one" / "ratings.jsonl")]
    assert line == {**rating, "split": side}
    with pytest.raises(BadInput, match="wanted one of ratings"):
        write_snapshot(tmp_path / "two", rankings=[ranking], labels={"moods": [rating]}, **told)
    with pytest.raises(BadInput, match="ratings 1: ratings"):
        write_snapshot(
            tmp_path / "three", rankings=[], labels={"ratings": [{**rating, "ratings": {}}]}, **told
        )
    assert not (tmp_path / "three" / "manifest.json").exists()
