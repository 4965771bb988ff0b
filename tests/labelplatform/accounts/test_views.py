"""Doors and switches as browsers use them: signing in, language, colours, people."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from labelplatform.accounts.models import Membership, Project, Role, User
from tests.labelplatform.builders import PASSWORD, build_membership, build_project

SignIn = Callable[[User], Client]


def test_sign_in_with_the_right_password_goes_where_one_wanted_to_go(client: Client, ada: User) -> None:
    asked = client.get("/preferences/")
    assert asked.status_code == 200
    answer = client.post("/sign-in/", {"username": "ada", "password": PASSWORD, "next": "/preferences/"})
    assert (answer.status_code, answer["Location"]) == (302, "/preferences/")


def test_sign_in_refuses_without_telling_which_was_wrong(client: Client, ada: User) -> None:
    wrong_password = client.post("/sign-in/", {"username": "ada", "password": "guess"})
    wrong_name = client.post("/sign-in/", {"username": "nobody", "password": PASSWORD})
    assert wrong_password.status_code == wrong_name.status_code == 422
    said = "This name and password do not belong together."
    assert said in wrong_password.content.decode()
    assert said in wrong_name.content.decode()


@pytest.mark.parametrize(
    "following", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"]
)
def test_sign_in_never_leads_to_another_site(client: Client, ada: User, following: str) -> None:
    answer = client.post("/sign-in/", {"username": "ada", "password": PASSWORD, "next": following})
    assert answer["Location"] == "/"


def test_sign_out_ends_the_session_and_only_by_post(project: Project, ada: User, sign_in: SignIn) -> None:
    browser = sign_in(ada)
    assert browser.get("/sign-out/").status_code == 405
    browser.post("/sign-out/")
    assert browser.get("/projects/").status_code == 302


def test_root_leads_an_annotator_to_the_queue_and_a_researcher_to_the_overview(
    project: Project, ada: User, rosa: User, sign_in: SignIn
) -> None:
    assert sign_in(ada).get("/", follow=True).redirect_chain[-1][0] == reverse(
        "labels:queue", args=["harbour"]
    )
    assert sign_in(rosa).get("/", follow=True).redirect_chain[-1][0] == reverse(
        "reports:home", args=["harbour"]
    )


def test_root_offers_the_choice_between_several_projects(
    project: Project, other_project: Project, ada: User, sign_in: SignIn
) -> None:
    build_membership(other_project, ada, Role.ANNOTATOR)
    page = sign_in(ada).get("/", follow=True)
    assert page.redirect_chain[-1][0] == "/projects/"
    assert "Harbour" in page.content.decode()
    assert "Elsewhere" in page.content.decode()


def test_language_switch_is_kept_on_the_person(project: Project, ada: User, sign_in: SignIn) -> None:
    browser = sign_in(ada)
    browser.post("/preferences/", {"language": "zh-hans", "next": "/projects/"})
    ada.refresh_from_db()
    assert ada.language == "zh-hans"
    page = sign_in(ada).get("/projects/").content.decode()
    assert '<html lang="zh-Hans"' in page
    assert "我的项目" in page


def test_language_switch_works_before_signing_in(client: Client, db: None) -> None:
    client.post("/preferences/", {"language": "zh-hans", "next": "/sign-in/"})
    assert "登录" in client.get("/sign-in/").content.decode()


@pytest.mark.parametrize("signed", [True, False])
def test_theme_switch_is_kept(project: Project, ada: User, sign_in: SignIn, signed: bool) -> None:
    browser = sign_in(ada) if signed else Client()
    page = browser.get("/preferences/").content.decode()
    assert 'data-theme="auto"' in page
    browser.post("/preferences/", {"theme": "dark"})
    assert 'data-theme="dark"' in browser.get("/preferences/").content.decode()
    ada.refresh_from_db()
    assert ada.theme == ("dark" if signed else "auto")


@pytest.mark.parametrize("wrong", [{"language": "tlh"}, {"theme": "neon"}])
def test_unknown_preferences_are_refused(
    project: Project, ada: User, sign_in: SignIn, wrong: dict[str, str]
) -> None:
    assert sign_in(ada).post("/preferences/", wrong).status_code == 400
    ada.refresh_from_db()
    assert (ada.language, ada.theme) == ("", "auto")


def test_an_administrator_lets_a_new_person_in_and_sees_the_password_once(
    project: Project, olga: User, sign_in: SignIn
) -> None:
    build_membership(project, olga, Role.ADMINISTRATOR)
    browser = sign_in(olga)
    page = browser.post(
        "/p/harbour/people/add/", {"username": "nina", "role": "reviewer"}, follow=True
    ).content.decode()
    password = page.split("nina can sign in with the password ")[1].split(". It is shown")[0]
    assert Client().login(username="nina", password=password)
    assert password not in browser.get("/p/harbour/people/").content.decode()
    assert Membership.objects.get(user__username="nina", project=project).role == Role.REVIEWER


def test_an_account_that_exists_keeps_its_password(
    project: Project, other_project: Project, olga: User, sign_in: SignIn
) -> None:
    build_membership(project, olga, Role.ADMINISTRATOR)
    build_project("third")
    page = sign_in(olga).post("/p/harbour/people/add/", {"username": "ben", "role": "annotator"}, follow=True)
    assert "password" not in page.content.decode().lower()
    assert Client().login(username="ben", password=PASSWORD)


def test_nobody_changes_their_own_role(project: Project, olga: User, sign_in: SignIn) -> None:
    own = build_membership(project, olga, Role.ADMINISTRATOR)
    sign_in(olga).post(f"/p/harbour/people/{own.pk}/role/", {"role": "annotator"})
    own.refresh_from_db()
    assert own.role == Role.ADMINISTRATOR


def test_an_administrator_changes_roles_in_their_own_project_only(
    project: Project, other_project: Project, olga: User, ada: User, sign_in: SignIn
) -> None:
    build_membership(project, olga, Role.ADMINISTRATOR)
    theirs = Membership.objects.get(project=project, user=ada)
    foreign = build_membership(other_project, ada, Role.ANNOTATOR)
    browser = sign_in(olga)
    browser.post(f"/p/harbour/people/{theirs.pk}/role/", {"role": "researcher"})
    theirs.refresh_from_db()
    assert theirs.role == Role.RESEARCHER
    assert browser.post(f"/p/harbour/people/{foreign.pk}/role/", {"role": "researcher"}).status_code == 404
    assert (
        browser.post(f"/p/harbour/people/{theirs.pk}/role/", {"role": "owner"}, follow=True).status_code
        == 200
    )
    theirs.refresh_from_db()
    assert theirs.role == Role.RESEARCHER


def test_only_administrators_let_people_in_and_only_researchers_see_who_is_in(
    project: Project, ada: User, rosa: User, sign_in: SignIn
) -> None:
    somebody = {"username": "nina", "role": "annotator"}
    assert sign_in(rosa).post("/p/harbour/people/add/", somebody).status_code == 403
    assert sign_in(rosa).get("/p/harbour/people/").status_code == 200
    assert sign_in(ada).get("/p/harbour/people/").status_code == 403
    assert not User.objects.filter(username="nina").exists()


def test_one_switch_leaves_the_other_choice_alone(project: Project, ada: User, sign_in: SignIn) -> None:
    browser = sign_in(ada)
    browser.post("/preferences/", {"language": "zh-hans"})
    browser.post("/preferences/", {"theme": "dark"})
    ada.refresh_from_db()
    assert (ada.language, ada.theme) == ("zh-hans", "dark")


def test_the_theme_switch_walks_through_all_three(project: Project, ada: User, sign_in: SignIn) -> None:
    browser = sign_in(ada)
    walked = []
    for _press in range(3):
        page = browser.get("/projects/").content.decode()
        following = page.split('<button name="theme" value="')[1].split('"')[0]
        browser.post("/preferences/", {"theme": following})
        walked.append(following)
    assert walked == ["light", "dark", "auto"]


def test_an_annotator_has_no_street_to_get_lost_in(
    project: Project, ada: User, rosa: User, sign_in: SignIn
) -> None:
    queue = reverse("labels:queue", args=["harbour"])
    assert '<nav class="street"' not in sign_in(ada).get(queue).content.decode()
    assert '<nav class="street"' in sign_in(rosa).get(queue).content.decode()
