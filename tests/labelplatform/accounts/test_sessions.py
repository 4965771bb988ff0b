"""Who is signed in is read by statements of our own: they end when Django's own would."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labelplatform.accounts.models import Project, User

pytestmark = pytest.mark.django_db
HOME = "accounts:projects"


@pytest.fixture
def browser(project: Project, ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    assert client.get(reverse(HOME)).wsgi_request.user == ada
    return client


def whose(browser: Client) -> object:
    return browser.get(reverse(HOME)).wsgi_request.user


def test_a_session_whose_time_is_up_is_nobodys(browser: Client) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert whose(browser) == AnonymousUser()


def test_who_was_switched_off_is_signed_out_everywhere(browser: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert whose(browser) == AnonymousUser()


def test_a_new_password_ends_the_sessions_of_the_old_one(browser: Client, ada: User) -> None:
    ada.set_password("another long secret")
    ada.save()
    assert whose(browser) == AnonymousUser()


def test_an_unknown_key_is_nobodys_and_is_not_kept(browser: Client) -> None:
    browser.cookies["sessionid"] = "x" * 32
    assert whose(browser) == AnonymousUser()
    assert not Session.objects.filter(session_key="x" * 32).exists()


def test_signing_out_ends_it(browser: Client) -> None:
    key = browser.cookies["sessionid"].value
    browser.post(reverse("accounts:sign_out"))
    browser.cookies["sessionid"] = key
    assert whose(browser) == AnonymousUser()
