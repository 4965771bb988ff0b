"""Rating lines out and in again: the same, streamed, and never mixed with rankings."""

import io
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelplatform.accounts.models import Project, User
from labelplatform.labels import label_lines, services
from labelplatform.labels.models import Campaign, Item, Label
from labelplatform.labels.queries import ranking_lines
from labelplatform.prompts.models import PromptSet
from tests.labelplatform.labels.building import build_campaign, claimed, submit
from tests.labelplatform.labels.kind_building import build_label_campaign, give, said
from tests.labelplatform.labels.test_assignment import lapse
from trainer.ratings import parse_rating


def label_all(campaign: Campaign, *people: User) -> None:
    for person in people:
        while (slot := services.claim(campaign=campaign, annotator=person)) is not None:
            give(slot, person, said(campaign, helpful=1 + slot.item_id % 7))


def lines_of(project: Project, **told: Any) -> list[dict[str, Any]]:
    return list(label_lines.label_lines(project, "ratings", told))


def upload(lines: list[dict[str, Any]]) -> io.BytesIO:
    return io.BytesIO("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode())


@pytest.fixture
def labelled(project: Project, rosa: User, ada: User, ben: User) -> Campaign:
    campaign = build_label_campaign(project, rosa, overlap=2)
    label_all(campaign, ada, ben)
    return campaign


def test_a_rating_line_says_all_that_the_public_format_names(
    labelled: Campaign, project: Project, ada: User
) -> None:
    line = lines_of(project)[0]
    label = Label.objects.first()
    assert label is not None
    assert line == {
        "id": label.key,
        "item": label.item.key,
        "prompt": label.item.prompt.messages,
        "response": label.item.responses.get().text,
        "ratings": dict(sorted(label.body["ratings"].items())),
        "flags": [],
        "annotator": "ada",
        "kind": "rating",
        "prompt_id": label.item.prompt.key,
        "response_id": label.item.responses.get().key,
        "policy": "first-policy",
        "source": "campaign",
        "seconds": 9.5,
    }
    assert list(line["ratings"]) == ["harmless", "helpful", "honest"]
    assert parse_rating(line, "").to_line() == line


def test_export_then_import_is_the_identity(labelled: Campaign, project: Project, rosa: User) -> None:
    first = lines_of(project)
    elsewhere = Project.objects.create(name="Elsewhere", slug="elsewhere")
    done = services.import_labels(project=elsewhere, upload=upload(first), target="came in", by=rosa)
    assert done.counts == {services.Status.NEW: len(first)}
    assert [json.dumps(line) for line in lines_of(elsewhere)] == [json.dumps(line) for line in first]
    campaign = Campaign.objects.get(project=elsewhere)
    assert (campaign.kind, campaign.source, campaign.overlap) == ("rating", "import", 0)
    again = services.import_labels(project=elsewhere, upload=upload(first), target="came in", by=rosa)
    assert again.counts == {services.Status.THERE: len(first)}
    assert Label.objects.filter(item__campaign=campaign).count() == len(first)


def test_the_dry_run_says_what_the_import_does_and_writes_nothing(
    labelled: Campaign, project: Project, rosa: User
) -> None:
    first = lines_of(project)
    elsewhere = Project.objects.create(name="Elsewhere", slug="elsewhere")
    preview = services.preview_import(project=elsewhere, upload=upload(first), target="came in")
    assert preview.counts == {services.Status.NEW: len(first)}
    assert preview.rows[0].excerpt == "Question 0?"
    assert preview.rows[0].order.startswith("helpful ")
    assert preview.rows[0].order.endswith(" · harmless 4")
    assert preview.rows[0].annotator == "ada"
    assert not Campaign.objects.filter(project=elsewhere).exists()
    assert not Item.objects.filter(campaign__project=elsewhere).exists()
    assert not Label.objects.filter(item__campaign__project=elsewhere).exists()
    assert not PromptSet.objects.filter(project=elsewhere).exists()
    done = services.import_labels(
        project=elsewhere, upload=upload(first), target="came in", by=rosa, promise=preview.promise
    )
    assert done.promise == preview.promise
    with pytest.raises(services.LabelsRefused) as refusal:
        services.import_labels(
            project=elsewhere, upload=upload(first), target="came in", by=rosa, promise=preview.promise
        )
    assert refusal.value.changed


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said_lines=st.lists(
        st.tuples(
            st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=60),
            st.dictionaries(
                st.text(alphabet="abcd-é字", min_size=1, max_size=8),
                st.sampled_from([1, 2.5, 7]),
                min_size=1,
                max_size=4,
            ),
            st.lists(st.sampled_from(["x", "y-z", "hallucination"]), unique=True),
        ),
        min_size=1,
        max_size=8,
    )
)
@pytest.mark.django_db
def test_whatever_other_houses_say_comes_back_as_it_was(
    said_lines: list[tuple[str, dict[str, float], list[str]]],
) -> None:
    project = Project.objects.create(name="P", slug=f"p-{uuid.uuid4().hex[:12]}")
    told = [
        {
            "id": f"r{number}",
            "item": f"i{number}",
            "prompt": [{"role": "user", "content": text}],
            "response": text,
            "ratings": dict(sorted(ratings.items())),
            "flags": flags,
            "annotator": "somebody",
            "kind": "rating",
            "prompt_id": f"p{number}",
            "response_id": "a",
            "source": "import",
            "mood": {"a": [1, None]},
        }
        for number, (text, ratings, flags) in enumerate(said_lines)
    ]
    services.import_labels(project=project, upload=upload(told), target="in", by=None)
    assert lines_of(project) == told


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        ({"ratings": {"helpful": 8}}, "wanted a number, 1 to 7"),
        ({"kind": "honesty"}, "wanted rating"),
        ({"id": "first"}, "stands in line 1 already"),
        ({"annotator": "ada"}, "has labelled this item already"),
        ({"annotator": "eve", "response": "Another answer."}, "'a' is there already"),
        ({"annotator": "eve", "response": "No.", "response_id": "b"}, "another prompt or response"),
        ({"response": "\0"}, "NUL"),
        ({"item": "x" * 201}, "at most 200"),
        ({"seconds": 1e12}, "too large"),
    ],
)
def test_one_bad_line_refuses_them_all(
    project: Project, rosa: User, patch: dict[str, object], reason: str
) -> None:
    good = {
        "id": "first",
        "item": "i",
        "prompt": [{"role": "user", "content": "Why?"}],
        "response": "So.",
        "response_id": "a",
        "ratings": {"helpful": 3},
        "flags": [],
        "annotator": "ada",
    }
    bad = {**good, "id": "second", **patch}
    with pytest.raises(services.LabelsRefused, match=reason):
        services.import_labels(project=project, upload=upload([good, bad]), target="in", by=rosa)
    assert not Label.objects.exists()
    assert not Campaign.objects.exists()


def test_rankings_and_labels_never_share_a_campaign(
    labelled: Campaign, project: Project, rosa: User, ada: User
) -> None:
    ratings = lines_of(project)
    ranked = build_campaign(project, rosa, name="orders")
    submit(claimed(ranked, ada), ada)
    elsewhere = Project.objects.create(name="Elsewhere", slug="elsewhere")
    services.import_labels(project=elsewhere, upload=upload(ratings), target="ratings", by=rosa)
    rankings = list(ranking_lines(project))
    with pytest.raises(services.CampaignRefused, match="another kind"):
        services.import_labels(project=elsewhere, upload=upload(rankings), target="ratings", by=rosa)
    services.import_labels(project=elsewhere, upload=upload(rankings), target="rankings", by=rosa)
    with pytest.raises(services.CampaignRefused, match="orders of answers"):
        services.import_labels(project=elsewhere, upload=upload(ratings), target="rankings", by=rosa)


def test_late_labels_leave_only_when_asked_for(project: Project, rosa: User, ada: User, ben: User) -> None:
    campaign = build_label_campaign(project, rosa, prompts=1, answers=1)
    slot = claimed(campaign, ada)
    lapse(slot)
    give(claimed(campaign, ben), ben)
    give(slot, ada)
    assert [line["annotator"] for line in lines_of(project)] == ["ben"]
    late = lines_of(project, surplus=True)[1]
    assert (late["annotator"], late["surplus"]) == ("ada", True)


def test_filters_narrow(labelled: Campaign, project: Project, rosa: User, ada: User) -> None:
    other = build_label_campaign(project, rosa, name="other", prompts=1, answers=1)
    label_all(other, ada)
    assert len(lines_of(project, campaigns=[other.pk])) == 1
    assert len(lines_of(project, campaigns=[labelled.pk])) == 8
    assert lines_of(project, sources=["import"]) == []
    last = Label.objects.order_by("pk")[2]
    assert len(lines_of(project, last_label=last.pk)) == 3
    assert len(lines_of(project, until=last.at)) == 3


def test_the_command_writes_and_goes_on_where_it_stopped(
    labelled: Campaign, project: Project, tmp_path: Path
) -> None:
    told: dict[str, Any] = {"project": project.slug, "format": "ratings"}
    call_command("export_labels", out=tmp_path / "all.jsonl", **told)
    lines = (tmp_path / "all.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == lines_of(project)
    third = json.loads(lines[2])["id"]
    call_command("export_labels", out=tmp_path / "rest.jsonl", after=third, **told)
    assert (tmp_path / "rest.jsonl").read_text().splitlines() == lines[3:]


@pytest.mark.parametrize(("format_name", "after"), [("rankings", ""), ("csv", ""), ("ratings", "nobody")])
def test_the_command_says_why_it_cannot(
    labelled: Campaign,
    project: Project,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    format_name: str,
    after: str,
) -> None:
    told: dict[str, Any] = {"project": project.slug, "campaign": labelled.pk, "format": format_name}
    with pytest.raises(SystemExit) as stop:
        call_command("export_labels", out=tmp_path / "out", after=after, **told)
    assert stop.value.code == 2
    assert ("wanted the id" if after else "they leave as ratings") in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_imports_what_it_finds(
    labelled: Campaign, project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = lines_of(project)
    (tmp_path / "in.jsonl").write_bytes(upload(first).getvalue())
    elsewhere = Project.objects.create(name="Elsewhere", slug="elsewhere")
    call_command("import_labels", str(tmp_path / "in.jsonl"), project="elsewhere", into="in", dry_run=True)
    assert not Label.objects.filter(item__campaign__project=elsewhere).exists()
    call_command("import_labels", str(tmp_path / "in.jsonl"), project="elsewhere", into="in")
    assert lines_of(elsewhere) == first
    assert "8 new" in capsys.readouterr().out


def test_statements_do_not_grow_with_labels(
    labelled: Campaign, project: Project, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(5):
        assert len(lines_of(project)) == 8


def test_simulated_labels_fill_slots(project: Project, rosa: User, ada: User) -> None:
    campaign = build_label_campaign(project, rosa, prompts=1, answers=1)
    item = campaign.items.get()
    line = {
        "id": "s1",
        "item": item.key,
        "prompt": item.prompt.messages,
        "response": item.responses.get().text,
        "ratings": {"helpful": 2},
        "flags": [],
        "annotator": "rule",
    }
    assert services.record_labels(campaign=campaign, lines=[line], by=rosa, annotator=ada) == 1
    assert services.record_labels(campaign=campaign, lines=[line], by=rosa, annotator=ada) == 0
    assert campaign.slots.filter(state="done", annotator=ada).count() == 1
    with pytest.raises(services.LabelLinesRefused, match="another content"):
        services.record_labels(
            campaign=campaign, lines=[{**line, "ratings": {"helpful": 3}}], by=rosa, annotator=ada
        )
    with pytest.raises(services.LabelLinesRefused, match="not in this campaign"):
        services.record_labels(campaign=campaign, lines=[{**line, "id": "s2", "item": "?"}], by=rosa)
