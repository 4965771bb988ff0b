"""The dry run tells the truth, the import does what it told or nothing, and doing it twice adds nothing."""

import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.labels import queries, services
from labelplatform.labels.models import Campaign, Ranking
from labelplatform.labels.services import Note, Status, Wishes, kept_uploads
from tests.labelplatform.labels.bad_files import good, lines
from tests.labelplatform.labels.building import build_campaign, claimed, submit

SignIn = Callable[[User], Any]
PAIR = {"prompt": "Which?", "chosen": "first", "rejected": "second"}
TURNED = {"prompt": "Which?", "chosen": "second", "rejected": "first"}


def upload(*entries: object) -> io.BytesIO:
    return io.BytesIO(lines(*entries))


def dry(project: Project, *entries: object, target: str = "t", **wishes: Any) -> services.Preview:
    return services.preview_import(
        project=project, upload=upload(*entries), target=target, wishes=Wishes(**wishes)
    )


def wet(project: Project, *entries: object, target: str = "t", **told: Any) -> services.Preview:
    return services.import_labels(project=project, upload=upload(*entries), target=target, by=None, **told)


def statuses(preview: services.Preview) -> list[str]:
    return [row.status.value for row in preview.rows]


def test_the_dry_run_tells_what_the_import_does_and_writes_nothing(project: Project) -> None:
    entries = [good(1), good(2), good(1)]
    preview = dry(project, *entries)
    assert statuses(preview) == ["new", "new", "there"]
    assert preview.rows[2].notes == ((Note.REPEATS, "1"),)
    assert preview.rows[0].order == "1 > 2"
    assert not Campaign.objects.exists()
    done = wet(project, *entries, promise=preview.promise)
    assert done.promise == preview.promise
    assert Ranking.objects.count() == 2
    entry = AuditEntry.objects.get(verb="imported labels")
    assert (entry.detail["new"], entry.detail["there"]) == (2, 1)


@pytest.mark.parametrize("entry", [good(1), PAIR], ids=["ours", "foreign"])
def test_importing_again_adds_nothing_whatever_the_target_is_called(
    project: Project, entry: dict[str, Any]
) -> None:
    wet(project, entry)
    for target in ("t", "another"):
        assert statuses(dry(project, entry, target=target)) == ["there"]
        assert wet(project, entry, target=target).counts == {Status.THERE: 1}
    assert Ranking.objects.count() == 1
    assert Campaign.objects.count() == 1


def test_what_our_own_page_gave_is_there_already(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=1)
    submit(claimed(campaign, ada), ada)
    (line,) = queries.ranking_lines(project)
    assert statuses(dry(project, line)) == ["there"]
    changed = {**line, "tiers": list(reversed(line["tiers"]))}  # type: ignore[call-overload]
    (row,) = dry(project, changed).refused
    assert "is recorded in this project already" in row.refusal


def test_one_bad_line_and_nothing_is_written(project: Project) -> None:
    with pytest.raises(services.LabelsRefused, match="line 2: kind"):
        wet(project, good(1), good(2, kind="rating"))
    assert not Ranking.objects.exists()
    assert not Campaign.objects.exists()
    assert not AuditEntry.objects.filter(verb="imported labels").exists()


def test_a_bad_line_after_many_good_batches_takes_them_all_back(project: Project) -> None:
    with pytest.raises(services.LabelsRefused) as refusal:
        wet(project, *(good(number) for number in range(450)), good(451, tiers=[["c"]]))
    assert [row.number for row in refusal.value.preview.refused] == [451]
    assert not Ranking.objects.exists()
    assert not Campaign.objects.exists()


def test_what_storing_alone_refuses_names_its_line_too(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelplatform.labels.services.known_labels.KnownLabels.has_ranked", lambda *_: False)
    with pytest.raises(services.LabelsRefused, match="line 2: annotator"):
        wet(project, good(1), good(2, prompt=good(1)["prompt"]))
    assert not Ranking.objects.exists()


def test_an_import_that_would_do_otherwise_than_it_told_does_nothing(project: Project) -> None:
    promise = dry(project, good(1), good(2)).promise
    wet(project, good(1))
    with pytest.raises(services.LabelsRefused) as refusal:
        wet(project, good(1), good(2), promise=promise)
    assert refusal.value.changed
    assert Ranking.objects.count() == 1


def test_labels_are_never_mixed_into_a_campaign_of_people(project: Project, rosa: User) -> None:
    build_campaign(project, rosa, name="people")
    for act in (dry, wet):
        with pytest.raises(services.CampaignRefused):
            act(project, good(1), target="people")


def test_two_orders_of_one_pair_by_nobody_are_kept_apart(project: Project) -> None:
    preview = wet(project, PAIR, TURNED, PAIR)
    assert statuses(preview) == ["new", "new", "there"]
    assert preview.rows[1].notes == ((Note.DISAGREES, "trl-preference-2"),)
    told = {line["annotator"] for line in queries.ranking_lines(project)}
    assert told == {"trl-preference", "trl-preference-2"}
    assert statuses(dry(project, TURNED, PAIR)) == ["there", "there"]


LONG = "Write a story about a lighthouse keeper who finds a letter in a bottle, far from home, one winter night: "


def similar(number: int, text: str) -> dict[str, Any]:
    return good(number, prompt=[{"role": "user", "content": text}])


def test_prompts_that_begin_alike_are_flagged_and_left_out_by_wish(project: Project) -> None:
    entries = [
        similar(1, LONG + "sad"),
        similar(2, LONG + "glad"),
        similar(3, LONG + "sad") | {"annotator": "b"},
    ]
    preview = dry(project, *entries)
    assert [row.notes for row in preview.rows] == [(), ((Note.SIMILAR, "1"),), ()]
    assert preview.noted[Note.SIMILAR] == 1
    assert statuses(preview) == ["new", "new", "new"]
    assert statuses(dry(project, *entries, leave_out_similar=True)) == ["new", "left-out", "new"]
    assert statuses(dry(project, *entries, leave_out_named=True)) == ["new", "new", "new"]


def test_answers_that_name_a_model_are_flagged_and_left_out_by_wish(project: Project) -> None:
    named = [{"id": "a", "text": "I am ChatGPT."}, {"id": "b", "text": "two"}]
    entries = [good(1), good(2, responses=named)]
    preview = dry(project, *entries)
    assert preview.rows[1].notes == ((Note.NAMES_MODEL, "ChatGPT"),)
    assert statuses(preview) == ["new", "new"]
    wet(project, *entries, wishes=Wishes(leave_out_named=True))
    assert [line["id"] for line in queries.ranking_lines(project)] == ["line-1"]
    assert statuses(dry(project, *entries, leave_out_similar=True)) == ["there", "new"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"prompt_id": "p", "prompt": [{"role": "user", "content": "other"}]}, "with another prompt"),
        (
            {"prompt_id": "p", "responses": [{"id": "a", "text": "X"}, {"id": "c", "text": "Y"}],
             "tiers": [["a"], ["c"]]},
            "with another text",
        ),
        (
            {"item": "i", "responses": [{"id": "c", "text": "X"}, {"id": "d", "text": "Y"}],
             "tiers": [["c"], ["d"]]},
            "with other responses",
        ),
        ({}, "has ranked this item already"),
    ],
)  # fmt: skip
def test_what_contradicts_the_database_is_refused_in_the_dry_run(
    project: Project, changes: dict[str, Any], told: str
) -> None:
    first = good(1, item="i", prompt_id="p")
    wet(project, first)
    later = {**first, "id": "later", **changes}
    if "item" not in changes and changes:
        del later["item"]
    (row,) = dry(project, later).refused
    assert told in row.refusal
    with pytest.raises(services.LabelsRefused, match=told):
        wet(project, later)


def test_the_look_takes_the_same_statements_for_few_and_many(
    project: Project, django_assert_max_num_queries: Any
) -> None:
    wet(project, *(good(number) for number in range(390)))
    for count in (2, 390):
        with django_assert_max_num_queries(14):
            assert dry(project, *(good(number) for number in range(count))).counts == {Status.THERE: count}


def press(browser: Any, project: Project, **told: Any) -> Any:
    return browser.post(f"/p/{project.slug}/labels/import/", told)


def hidden(answer: Any) -> dict[str, str]:
    """What the second press sends."""
    chosen = answer.context["form"].cleaned_data
    told = {"digest": answer.context["digest"], "promise": answer.context["preview"].promise}
    return {**told, "target": chosen["target"], "format": chosen["format"]}


def test_two_presses_import_a_file(project: Project, rosa: User, sign_in: SignIn) -> None:
    browser = sign_in(rosa)
    looked = press(browser, project, file=SimpleUploadedFile("My labels.jsonl", lines(good(1), good(2))))
    assert looked.status_code == 200
    assert not Ranking.objects.exists()
    assert hidden(looked)["target"] == "My labels"
    done = press(browser, project, **hidden(looked))
    campaign = Campaign.objects.get(name="My labels")
    assert done.status_code == 302
    assert done.url == f"/p/{project.slug}/labels/campaigns/{campaign.pk}/"
    assert Ranking.objects.count() == 2
    again = press(browser, project, **hidden(looked))
    assert again.status_code == 422
    assert "no longer kept" in again.content.decode()


def test_a_second_press_after_a_change_shows_the_new_state(
    project: Project, rosa: User, sign_in: SignIn
) -> None:
    browser = sign_in(rosa)
    looked = press(browser, project, file=SimpleUploadedFile("f.jsonl", lines(good(1), good(2))), target="t")
    wet(project, good(1))
    answer = press(browser, project, **hidden(looked))
    assert answer.status_code == 422
    assert "have changed since" in answer.content.decode()
    assert Ranking.objects.count() == 1
    assert press(browser, project, **hidden(answer)).status_code == 302
    assert Ranking.objects.count() == 2


def test_a_kept_file_can_be_read_in_another_way(project: Project, rosa: User, sign_in: SignIn) -> None:
    browser = sign_in(rosa)
    entries = lines(similar(1, LONG + "a"), similar(2, LONG + "b"))
    looked = press(browser, project, file=SimpleUploadedFile("f.jsonl", entries), target="t")
    digest = looked.context["digest"]
    answer = press(browser, project, digest=digest, target="t", leave_out_similar="on")
    assert answer.context["counts"] == {"new": 1, "there": 0, "left_out": 1, "refused": 0}
    wrong = press(browser, project, digest=digest, target="t", format="argilla")
    assert wrong.status_code == 422


@pytest.mark.parametrize("digest", ["0" * 64, "../../../etc/passwd", "x", ""])
def test_a_digest_that_is_not_kept_opens_nothing(
    project: Project, rosa: User, sign_in: SignIn, digest: str
) -> None:
    answer = press(sign_in(rosa), project, digest=digest, target="t")
    assert answer.status_code == 422


def test_a_file_without_a_name_wants_one_for_its_campaign(
    project: Project, rosa: User, sign_in: SignIn
) -> None:
    answer = press(sign_in(rosa), project, digest="0" * 64)
    assert "Name the campaign" in answer.content.decode()


def test_kept_uploads_are_private_whole_and_forgotten_after_a_day(
    project: Project, other_project: Project
) -> None:
    digest = kept_uploads.keep(project, io.BytesIO(b"content"))
    path = Path(settings.LABELPLATFORM_DATA) / "uploads" / str(project.pk) / digest
    assert path.stat().st_mode & 0o077 == 0
    with kept_uploads.opened(project, digest) as stream:
        assert stream.read() == b"content"
    with pytest.raises(kept_uploads.UploadGone):
        kept_uploads.opened(other_project, digest)
    with pytest.raises(kept_uploads.UploadGone):
        kept_uploads.opened(project, "no\0path")
    path.write_bytes(b"changed")
    with pytest.raises(kept_uploads.UploadGone):
        kept_uploads.opened(project, digest)
    old = time.time() - kept_uploads.KEPT_SECONDS - 10
    os.utime(path, (old, old))
    other = kept_uploads.keep(project, io.BytesIO(b"newer"))
    assert not path.exists()
    kept_uploads.forget(project, other)
    with pytest.raises(kept_uploads.UploadGone):
        kept_uploads.opened(project, other)


def test_the_command_imports_what_the_page_would(
    project: Project, rosa: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_bytes(lines(good(1), PAIR, good(2)))
    told = ["--project", project.slug, "--into", "t", "--by", "rosa", "--format", "rankings"]
    with pytest.raises(SystemExit) as ended:
        call_command("import_labels", str(file), *told)
    assert ended.value.code == 2
    assert f"{file}:2: " in capsys.readouterr().err
    file.write_bytes(lines(good(1), good(2)))
    call_command("import_labels", str(file), *told, "--dry-run")
    assert not Ranking.objects.exists()
    call_command("import_labels", str(file), *told)
    assert "2 new, 0 there" in capsys.readouterr().out
    assert AuditEntry.objects.get(verb="imported labels").by == rosa
    with pytest.raises(SystemExit):
        call_command("import_labels", str(file), "--project", "nowhere", "--into", "t")


def test_an_import_keeps_what_the_label_was_first(project: Project) -> None:
    wet(project, good(1, source="simulated", kind="comparison"))
    (line,) = queries.ranking_lines(project)
    assert (line["source"], line["kind"]) == ("simulated", "comparison")
    assert Ranking.objects.get().source == "import"
    assert json.dumps(line).count("simulated") == 1
