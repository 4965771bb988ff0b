"""Who is signed in is read by statements of our own: they end when Django's own would."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from labelplatform.accounts import queries
from labelplatform.accounts.models import Membership, Project, Role, Session, User
from labelplatform.accounts.sessions import PLACES_READ

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


def test_the_door_asks_nothing_more_of_who_has_few_projects(
    browser: Client, project: Project, django_assert_num_queries: Any
) -> None:
    user = browser.get(reverse(HOME)).wsgi_request.user
    with django_assert_num_queries(0):
        found = queries.membership(user, project.slug)
        assert found is not None
        assert found.project == project
        assert queries.membership(user, "elsewhere") is None


def test_who_has_many_projects_finds_each_of_them(browser: Client, ada: User) -> None:
    for number in range(PLACES_READ + 5):
        other = Project.objects.create(name=f"Other {number}", slug=f"other-{number}")
        Membership.objects.create(project=other, user=ada, role=Role.REVIEWER)
    user = browser.get(reverse(HOME)).wsgi_request.user
    for number in (0, PLACES_READ - 2, PLACES_READ + 4):
        found = queries.membership(user, f"other-{number}")
        assert found is not None
        assert (found.project.slug, found.role) == (f"other-{number}", Role.REVIEWER)
    assert queries.membership(user, "elsewhere") is None


def test_who_is_in_no_project_is_signed_in_all_the_same() -> None:
    olga = User.objects.create_user(username="olga-alone")
    client = Client()
    client.force_login(olga)
    assert whose(client) == olga


def test_a_membership_that_is_taken_away_is_gone_with_the_next_request(
    browser: Client, ada: User, project: Project
) -> None:
    Membership.objects.filter(user=ada).delete()
    assert browser.get(reverse("labels:queue", args=[project.slug])).status_code == 404


def test_one_statement_says_who_it_is_and_where_they_belong(
    browser: Client, project: Project, django_assert_num_queries: Any
) -> None:
    with CaptureQueriesContext(connection) as statements:
        browser.get(reverse("labels:queue", args=[project.slug]))
    told = [one["sql"] for one in statements if '"accounts_' in one["sql"]]
    assert len(told) == 1


def test_the_row_of_a_session_says_whose_it_is(browser: Client, ada: User) -> None:
    row = Session.objects.get()
    assert row.person == ada
    browser.post(reverse("accounts:sign_out"))
    assert not Session.objects.filter(person=ada).exists()


def test_a_session_counts_for_whom_its_signed_data_names_and_for_nobody_else(
    browser: Client, ada: User, ben: User
) -> None:
    Session.objects.update(person=ben)
    user = browser.get(reverse(HOME)).wsgi_request.user
    assert user == ada
    assert user.places is None


def test_who_is_deleted_leaves_no_session(browser: Client, ada: User) -> None:
    session = Session.objects.get()
    ada.delete()
    assert not Session.objects.filter(pk=session.pk).exists()
    assert whose(browser) == AnonymousUser()
