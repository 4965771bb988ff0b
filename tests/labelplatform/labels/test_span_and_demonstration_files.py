"""Spans and demonstrations on their way out: files of their own, messages to train on, and frozen folders."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from labelplatform.accounts.models import Project, User
from labelplatform.labels import services
from labelplatform.labels.exchange import outgoing
from labelplatform.labels.label_lines import label_lines, lines_for
from labelplatform.labels.models import Campaign, Label, Ranking
from labelplatform.prompts.services import create_prompt_set, import_responses
from labelplatform.snapshots.services import freeze_snapshot
from tests.labelplatform.labels.building import build_campaign, claimed, submit
from trainer.snapshots import read_snapshot

pytestmark = pytest.mark.django_db

ANSWER, WRITTEN = "Lima is in Chile.", "In Peru."
SPAN = {"start": 8, "end": 16, "kind": "contradicts"}


def build(project: Project, by: User, kind: str) -> Campaign:
    prompt_set = create_prompt_set(project=project, name=f"prompts of {kind}", by=by)
    line = {"id": kind, "prompt": [{"role": "user", "content": "Where?"}], "context": "Lima is in Peru."}
    written = {"response": ANSWER, "policy": "somebody", "seed": 0, "sampling": {}}
    import_responses(prompt_set=prompt_set, lines=[{**line, **written}], by=by)
    prompts = prompt_set.prompts.prefetch_related("responses")
    return services.create_campaign_over(prompts=prompts, project=project, name=kind, by=by, kind=kind)


def give(campaign: Campaign, by: User, body: dict[str, Any]) -> Label:
    slot = claimed(campaign, by)
    assert slot.lease_token is not None
    return services.submit_label(
        slot=slot,
        lease_token=slot.lease_token,
        submission=uuid.uuid4(),
        body=body,
        seconds=2.0,
        by=by,
    )


@pytest.fixture
def demonstrated(project: Project, rosa: User, ada: User) -> Campaign:
    """A project with a ranking, a demonstration and a label of spans; the campaign of the demonstration."""
    submit(claimed(build_campaign(project, rosa, prompts=1), ada), ada)
    give(build(project, rosa, "spans"), ada, {"spans": [SPAN]})
    campaign = build(project, rosa, "demonstration")
    give(campaign, ada, {"response": WRITTEN})
    return campaign


def sft(lines: Any) -> list[dict[str, Any]]:
    return [dict(one) for one in outgoing.converted(lines, outgoing.EXPORTS["sft"])]


def test_messages_hold_rankings_and_then_demonstrations(project: Project, demonstrated: Campaign) -> None:
    found = sft(lines_for(project, "sft"))
    assert [sorted(one) for one in found] == [["messages", "ranking"], ["demonstration", "messages"]]
    assert found[-1] == {
        "messages": [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": WRITTEN}],
        "demonstration": str(Label.objects.get(kind="demonstration").key),
    }
    # Other formats compare answers: a demonstration has nothing to be compared with.
    for name in ("rankings", "trl-preference"):
        assert all("tiers" in one for one in lines_for(project, name))


def test_messages_go_on_behind_either(project: Project, demonstrated: Campaign) -> None:
    ranking, label = Ranking.objects.get(), Label.objects.get(kind="demonstration")
    assert len(sft(lines_for(project, "sft", after=ranking.key))) == 1
    assert sft(lines_for(project, "sft", after=label.key)) == []
    with pytest.raises(Label.DoesNotExist):
        list(lines_for(project, "sft", after="nothing"))
    with pytest.raises(Ranking.DoesNotExist):
        list(lines_for(project, "rankings", after=label.key))


def test_the_page_offers_what_there_is(
    project: Project, demonstrated: Campaign, rosa: User, client: Client
) -> None:
    client.force_login(rosa)
    page = client.get(reverse("labels:exports", args=[project.slug]) + f"?campaign={demonstrated.pk}")
    address = reverse("labels:export", args=[project.slug, "sft"]) + f"?campaign={demonstrated.pk}"
    assert address in page.content.decode()
    answer = client.get(address)
    (line,) = [json.loads(one) for one in b"".join(answer.streaming_content).splitlines()]  # type: ignore[attr-defined]
    assert line["messages"][-1]["content"] == WRITTEN
    spans = Campaign.objects.get(kind="spans")
    refused = reverse("labels:export", args=[project.slug, "sft"]) + f"?campaign={spans.pk}"
    assert client.get(refused).status_code == 302
    preference = reverse("labels:export", args=[project.slug, "trl-preference"])
    assert client.get(f"{preference}?campaign={demonstrated.pk}").status_code == 302


def test_the_command_writes_each_file(project: Project, demonstrated: Campaign, tmp_path: Path) -> None:
    def written(name: str, *more: str) -> list[dict[str, Any]]:
        out = tmp_path / f"{name}.jsonl"
        call_command("export_labels", "--project", project.slug, "--format", name, "--out", str(out), *more)
        return [json.loads(line) for line in out.read_text("utf-8").splitlines()]

    assert [one["spans"] for one in written("spans")] == [[SPAN]]
    assert [one["response"] for one in written("demonstrations")] == [WRITTEN]
    assert len(written("sft")) == 2
    assert len(written("sft", "--campaign", str(demonstrated.pk))) == 1
    with pytest.raises(SystemExit):
        written("rankings", "--campaign", str(demonstrated.pk))


def test_a_frozen_folder_holds_both_and_gives_messages(
    project: Project, demonstrated: Campaign, rosa: User, tmp_path: Path
) -> None:
    snapshot = freeze_snapshot(project=project, name="all", by=rosa)
    spec = tmp_path / "spec.json"
    assert snapshot.job is not None
    spec.write_text(json.dumps(snapshot.job.spec))
    folder = tmp_path / "frozen"
    call_command("write_snapshot", "--spec", str(spec), "--out", str(folder))
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert {"spans.jsonl", "demonstrations.jsonl", "rankings.jsonl"} == set(manifest["files"])
    assert (manifest["counts"]["spans"], manifest["counts"]["demonstrations"]) == (1, 1)
    (told,) = [json.loads(line) for line in (folder / "spans.jsonl").read_text("utf-8").splitlines()]
    side = told.pop("split")
    assert side in ("train", "heldout")
    assert told == next(iter(label_lines(project, "spans")))
    assert [one.response for one in read_snapshot(folder).demonstrations] == [WRITTEN]
    out = tmp_path / "sft.jsonl"
    call_command("export_labels", "--snapshot", str(folder), "--format", "sft", "--out", str(out))
    assert [sorted(json.loads(line)) for line in out.read_text("utf-8").splitlines()] == [
        ["messages", "ranking"],
        ["demonstration", "messages"],
    ]
