"""A person's own keys: what can be chosen, what is refused, where they are kept, who sees them."""

import html
import json
import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from labelplatform.accounts.models import Project, User
from labelplatform.accounts.services import set_keys
from labelplatform.labels.own_keys import PAGES, RANKING, SINGLE, SPANS
from tests.labelplatform.labels.building import build_campaign, claimed

SignIn = Callable[[User], Client]


def refused(page: str, **told: str) -> dict[str, str]:
    found: dict[str, str] = {}
    PAGES[page].check(told, lambda name, what: found.update({name: what}))
    return found


def test_usual_keys_are_no_choice_and_differ() -> None:
    for page in PAGES.values():
        assert page.check({}, lambda *told: pytest.fail(str(told))) == {}
        usual = [one.usual for one in page.commands]
        assert len(set(usual)) == len(usual)


@pytest.mark.parametrize("key", ["a", "i", "A", "I", "1", "0", "9"])
def test_answers_and_values_keep_their_keys_where_there_are_answers(key: str) -> None:
    assert set(refused("ranking", compare=key)) == {"compare"}


@pytest.mark.parametrize("key", ["xy", "\x07", "\u200b", " \u2028"])
def test_a_key_is_one_sign_that_can_be_seen(key: str) -> None:
    wrong = refused("ranking", compare=key)
    assert set(wrong) == ({"compare"} if key.strip() else set())


def test_where_there_are_no_letters_of_answers_they_are_free_but_digits_are_not() -> None:
    assert refused("single", skip="b") == {}
    assert set(refused("single", skip="3")) == {"skip"}
    assert "letters" not in refused("spans", link="3")["link"]


def test_two_commands_never_share_a_key_but_may_change_places() -> None:
    # Whichever of the two comes later on the page is told so.
    assert set(refused("ranking", compare="l")) == {"layout"}
    assert set(refused("ranking", layout="x")) == {"layout"}
    assert refused("ranking", compare="l", layout="x") == {}
    assert set(refused("ranking", compare="y", layout="y")) == {"layout"}


def test_an_empty_box_is_the_usual_key() -> None:
    assert RANKING.check({"compare": " ", "layout": "y"}, lambda *_told: None) == {"layout": "y"}


def test_scripts_are_told_by_the_usual_keys_and_guidelines_move_with_both_of_theirs() -> None:
    kept = {"ranking": {"compare": "y", "guidelines": "z", "gone": "q"}, "spans": {"guidelines": "z"}}
    assert RANKING.by_usual(kept) == {"x": "y", "g": "z", "G": "z"}
    assert SPANS.by_usual(kept) == {"g": "z"}
    assert SINGLE.by_usual(kept) == {}
    assert RANKING.by_usual({"ranking": "y"}) == {} == RANKING.by_usual(None)


def page(project: Project) -> str:
    return reverse("labels:keys", args=[project.slug])


def test_they_are_kept_with_the_person_and_shown_again(
    project: Project, ada: User, ben: User, sign_in: SignIn
) -> None:
    browser = sign_in(ada)
    answer = browser.post(page(project), {"ranking-compare": "y", "spans-link": "L"})
    assert answer.status_code == 302
    ada.refresh_from_db()
    assert ada.keys == {"ranking": {"compare": "y"}, "spans": {"link": "L"}}
    told = browser.get(page(project), HTTP_ACCEPT="application/json").json()
    assert told == {"ranking": {"x": "y"}, "single": {}, "spans": {"l": "L"}}
    shown = browser.get(page(project)).content.decode()
    assert re.search(r'name="ranking-compare" value="y"', shown)
    assert "usually x" in shown
    ben.refresh_from_db()
    assert ben.keys == {}


def test_doubles_are_refused_beside_their_box_and_nothing_is_kept(
    project: Project, ada: User, sign_in: SignIn
) -> None:
    answer = sign_in(ada).post(page(project), {"ranking-compare": "y", "ranking-flags": "y"})
    assert answer.status_code == 422
    shown = html.unescape(answer.content.decode())
    assert "“y” is the key for “compare with the neighbour above” already" in shown
    assert re.search(r'name="ranking-flags" value="y"[^>]*aria-invalid="true"', shown)
    ada.refresh_from_db()
    assert ada.keys == {}


def test_all_as_usual_again(project: Project, ada: User, sign_in: SignIn) -> None:
    set_keys(user=ada, keys={"ranking": {"compare": "y"}})
    assert sign_in(ada).post(page(project), {"reset": "1", "ranking-compare": "z"}).status_code == 302
    ada.refresh_from_db()
    assert ada.keys == {}


def test_the_page_of_an_item_tells_its_script_the_readers_own_keys(
    project: Project, rosa: User, ada: User, ben: User, sign_in: SignIn
) -> None:
    set_keys(user=ada, keys={"ranking": {"compare": "y"}})
    campaign = build_campaign(project, rosa, prompts=2, overlap=2)
    for person, own in ((ada, {"x": "y"}), (ben, {})):
        slot = claimed(campaign, person)
        shown = sign_in(person).get(reverse("labels:rank", args=[project.slug, slot.lease_token]))
        told = re.search(r'data-own-keys="([^"]*)" data-keys-of="ranking"', shown.content.decode())
        assert told
        assert json.loads(html.unescape(told[1])) == own
