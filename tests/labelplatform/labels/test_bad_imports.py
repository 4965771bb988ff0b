"""Bad files by the front door: each gets a report that names line and reason, nothing is written, nothing breaks."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.labels.models import Campaign, Item, Ranking
from labelplatform.prompts.models import Prompt, PromptSet, Response
from tests.house.tree import ROOT
from tests.labelplatform.labels.bad_files import LARGE, SMALL, good, lines

WRITTEN = (Ranking, Item, Campaign, Prompt, PromptSet, Response)
LINE = re.compile(r'<th scope="row" class="num">(\d+)</th>\s*<td[^>]*><span class="badge badge--bad">')
SignIn = Callable[[User], Any]


def rows_written() -> int:
    return sum(model._default_manager.count() for model in WRITTEN) + User.objects.count()


def post(browser: Any, project: Project, content: bytes, **told: str) -> Any:
    upload = SimpleUploadedFile("labels.bin", content)
    return browser.post(f"/p/{project.slug}/labels/import/", {"file": upload, "target": "imported", **told})


def test_there_are_at_least_sixty() -> None:
    assert len(SMALL) + len(LARGE) >= 60


@pytest.mark.parametrize("name", SMALL)
def test_a_bad_file_is_reported_line_by_line(
    project: Project, rosa: User, sign_in: SignIn, name: str
) -> None:
    content, told, line = SMALL[name]
    before, audited = rows_written(), AuditEntry.objects.count()
    answer = post(sign_in(rosa), project, content)
    page = unescape(answer.content.decode())
    assert answer.status_code == 422
    assert told in page
    assert str(line) in LINE.findall(page)
    assert rows_written() == before
    # Sent as if it had been confirmed, it is refused just the same.
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', page)
    assert digest
    pressed = {"target": "imported", "digest": digest[1], "promise": "0" * 64}
    confirmed = sign_in(rosa).post(f"/p/{project.slug}/labels/import/", pressed)
    assert confirmed.status_code == 422
    assert told in unescape(confirmed.content.decode())
    assert (rows_written(), AuditEntry.objects.count()) == (before, audited)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lines(good(1), good(2)).replace(b"\n", b"\r\n", 1), id="CRLF mixed with LF"),
        pytest.param(lines(good(1), good(2))[:-1], id="no final newline"),
        pytest.param(
            lines(good(1), json.dumps(good(2, annotator="a\u2028b"), ensure_ascii=False).encode()),
            id="U+2028 inside a text",
        ),
        pytest.param(json.dumps([good(1), good(2)], indent=2).encode(), id="a JSON list"),
    ],
)
def test_what_is_unusual_but_whole_is_taken(
    project: Project, rosa: User, sign_in: SignIn, content: bytes
) -> None:
    answer = post(sign_in(rosa), project, content)
    assert answer.status_code == 200
    assert LINE.findall(answer.content.decode()) == []
    assert answer.context["counts"]["new"] == 2


def test_more_than_the_browser_may_send_is_413(
    project: Project, rosa: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelplatform.labels.in_and_out.UPLOAD_LIMIT_BYTES", 100)
    answer = post(sign_in(rosa), project, lines(good(1)))
    assert answer.status_code == 413
    assert "too large for the browser" in answer.content.decode()
    assert not Ranking.objects.exists()


def test_an_unknown_format_is_said(project: Project, rosa: User, sign_in: SignIn) -> None:
    assert post(sign_in(rosa), project, lines(good(1)), format="parquet").status_code == 422


CHILD = """
import io, os, resource, sys, tempfile
sys.path.insert(0, {root!r})
import django
django.setup()
from labelplatform.labels.exchange.formats import read
from tests.labelplatform.labels.bad_files import LARGE
blocks, told = LARGE[{name!r}]
with tempfile.TemporaryFile() as upload:
    for block in blocks({size}):
        upload.write(block)
    upload.seek(0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refusals, count = set(), 0
    for reading in read(upload):
        if reading.refusal:
            count += 1
            refusals.add(reading.refusal[:200])
    assert any(told in refusal for refusal in refusals), refusals
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("size", [20_000_000, pytest.param(1_000_000_000, marks=pytest.mark.large)])
@pytest.mark.parametrize("name", LARGE)
def test_large_files_are_read_in_little_memory(name: str, size: int) -> None:
    code = CHILD.format(root=str(ROOT), name=name, size=size)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 64 * 1024  # KiB


IMPORTER = """
import json, os, resource, sys
from pathlib import Path
sys.path.insert(0, {root!r})
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from labelplatform.accounts.services import create_project
from labelplatform.labels import services
from labelplatform.labels.models import Ranking
from tests.labelplatform.labels.bad_files import good_lines_then_a_bad_one, lines, good
project = create_project(name="p", slug="p", by=None)
path = Path({folder!r}) / "upload.jsonl"
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with path.open("wb") as out:
    for number in range({count}):
        out.write(lines(good(number)))
    out.write(b"broken" if {broken} else b"")
try:
    with path.open("rb") as upload:
        done = services.import_labels(project=project, upload=upload, target="t", by=None)
except services.LabelsRefused as refusal:
    assert {broken}
    assert [row.number for row in refusal.preview.refused] == [{count} + 1]
    assert not Ranking.objects.exists()
else:
    assert not {broken}
    assert Ranking.objects.count() == {count}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("count", [3_000, pytest.param(100_000, marks=pytest.mark.large)])
@pytest.mark.parametrize("broken", [True, False])
def test_a_long_file_is_imported_whole_or_not_at_all_in_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, broken: bool
) -> None:
    monkeypatch.setenv("LABELPLATFORM_DATA", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'own.sqlite3'}")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "labelplatform.settings")
    code = IMPORTER.format(root=str(ROOT), folder=str(tmp_path), count=count, broken=broken)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 256 * 1024  # KiB
