"""Bad files by the front door: each gets a report that names line and reason, nothing is written, nothing breaks."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.labels.models import Campaign, Item, Ranking
from labelplatform.prompts.models import Prompt, PromptSet, Response
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
