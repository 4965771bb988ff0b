"""Pages that say no: kind, clear, in the reader's language, and with the same bar as all others."""

from collections.abc import Callable

import pytest
from django.test import Client, RequestFactory
from django.utils import translation
from django.views.defaults import server_error

from labelplatform.accounts.models import Project, User

SignIn = Callable[[User], Client]


@pytest.mark.parametrize(
    ("language", "said"), [("en", "There is no such page for you"), ("zh-hans", "没有你能打开的这个页面")]
)
def test_what_is_not_there(client: Client, db: None, language: str, said: str) -> None:
    answer = client.get("/nowhere/", headers={"Accept-Language": language})
    assert answer.status_code == 404
    assert said in answer.content.decode()


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Your role does not open this page"), ("zh-hans", "你的角色不能打开这个页面")],
)
def test_what_another_role_opens(
    project: Project, ada: User, sign_in: SignIn, language: str, said: str
) -> None:
    ada.language = language
    ada.save()
    answer = sign_in(ada).get("/p/harbour/training/")
    assert answer.status_code == 403
    assert said in answer.content.decode()


def test_a_page_that_was_open_too_long(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in/", {"username": "ada"})
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "nothing was changed" in page
    assert "<style" not in page


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Something broke on our side"), ("zh-hans", "是我们这边出了问题")]
)
def test_what_broke_here_needs_neither_database_nor_person(language: str, said: str) -> None:
    """No database fixture: a page of a broken site must not ask the database anything."""
    with translation.override(language):
        answer = server_error(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert said in answer.content.decode()
