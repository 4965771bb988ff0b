"""What people bring along is stored once, by its content, and never changed."""

import json

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.jobs.models import Artifact
from labelplatform.jobs.stored_files import Content, store_files


def test_store_files_writes_lines_text_and_bytes(project: Project, rosa: User) -> None:
    files: dict[str, Content] = {
        "a.jsonl": [{"id": "é"}, {"id": "2"}],
        "b.txt": "text\n",
        "c.bin": b"\x00\x01",
    }
    artifact = store_files(project=project, kind="corpus", name="three", files=files, by=rosa)
    assert [
        json.loads(line) for line in (artifact.path / "a.jsonl").read_text("utf-8").splitlines()
    ] == files["a.jsonl"]
    assert (artifact.path / "b.txt").read_bytes() == b"text\n"
    assert (artifact.path / "c.bin").read_bytes() == b"\x00\x01"
    assert artifact.detail == {"files": ["a.jsonl", "b.txt", "c.bin"]}
    assert AuditEntry.objects.get(verb="register artifact").by == rosa


def test_store_files_of_the_same_content_is_the_same_artifact(project: Project, rosa: User) -> None:
    def store(name: str) -> Artifact:
        return store_files(project=project, kind="corpus", name=name, files={"a.txt": "one"}, by=rosa)

    first = store("corpus")
    assert store("corpus") == first
    second = store("by another name")
    assert (second.pk != first.pk, second.folder, second.digest) == (True, first.folder, first.digest)


def test_store_files_refuses_other_content_under_a_taken_name(project: Project, rosa: User) -> None:
    first = store_files(project=project, kind="corpus", name="corpus", files={"a.txt": "one"}, by=rosa)
    with pytest.raises(ValidationError, match="never change"):
        store_files(project=project, kind="corpus", name="corpus", files={"a.txt": "two"}, by=rosa)
    assert (first.path / "a.txt").read_text() == "one"
    assert Artifact.objects.count() == 1


@pytest.mark.parametrize("name", ["../a.txt", "/a.txt", "b/a.txt", ".hidden"])
def test_store_files_takes_plain_names_only(project: Project, rosa: User, name: str) -> None:
    with pytest.raises(ValidationError, match="plain names"):
        store_files(project=project, kind="corpus", name="corpus", files={name: "one"}, by=rosa)


def test_store_files_leaves_nothing_half_written(project: Project, rosa: User) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        store_files(
            project=project, kind="corpus", name="corpus", files={"a.jsonl": [{"x": float("nan")}]}, by=rosa
        )
    stored = settings.ARTIFACTS_DIR / "stored"
    assert not list(stored.glob(".being-written-*"))
    assert not Artifact.objects.exists()
