"""Every address × method × visitor in one table. An address without a row fails; so does a row without an address."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.house.tree import ROOT
from tests.labelplatform.world import SECRETS, Stock, build_stock

pytestmark = pytest.mark.django_db

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MEMBERS = ("annotator", "reviewer", "researcher", "administrator")
VISITORS = ("anonymous", "outsider", *MEMBERS)
Expected = dict[str, int]
Parts = Callable[[Stock], dict[str, object]]


def to(status: int, *roles: str, else_: int = 403) -> Expected:
    """Members with one of `roles` get `status`, other members `else_`; strangers are shown the door or nothing."""
    told = {role: status if role in roles else else_ for role in MEMBERS}
    return {"anonymous": 302, "outsider": 404, **told}


def research(status: int) -> Expected:
    return to(status, "researcher", "administrator")


def reviewing(status: int) -> Expected:
    return to(status, "reviewer", "researcher", "administrator")


def members(status: int) -> Expected:
    return to(status, *MEMBERS)


def administration(status: int) -> Expected:
    return to(status, "administrator")


def only_ada(status: int) -> Expected:
    """What a lease's token opens, for the person it was given to alone."""
    return to(status, "annotator", else_=404)


def anyone(status: int) -> Expected:
    return dict.fromkeys(VISITORS, status)


def signed_in(status: int) -> Expected:
    return {**anyone(status), "anonymous": 302}


@dataclass(frozen=True)
class Row:
    """One address: what each method answers to each visitor; a method that is not named answers 405 to all."""

    name: str
    get: Expected | None = None
    post: Expected | None = None
    parts: Parts | None = None
    body: Callable[[Stock], dict[str, Any]] = field(default=lambda _stock: {})
    json: bool = False

    def address(self, stock: Stock, slug: str) -> str:
        app = self.name.split(":")[0]
        inside = "slug" in SLUGGED.get(self.name, ())
        parts = self.parts(stock) if self.parts else {}
        assert app
        return reverse(self.name, kwargs={"slug": slug, **parts} if inside else parts)


def pk(choose: Callable[[Stock], Any], name: str = "pk") -> Parts:
    return lambda stock: {name: choose(stock).pk}


def token(stock: Stock) -> dict[str, object]:
    return {"token": stock.held.lease_token}


def member(stock: Stock) -> dict[str, object]:
    return {"pk": stock.project.memberships.get(user=stock.people["annotator"]).pk}


def first_item(stock: Stock) -> dict[str, object]:
    return {"pk": stock.evaluation.pk, "place": 0}


def talk(stock: Stock) -> dict[str, object]:
    return {"pk": stock.answer.turn.conversation_id}


def _report_of(stock: Stock) -> Any:
    assert stock.comparison is not None
    return stock.comparison.report


def unnamed(_stock: Stock) -> dict[str, Any]:
    """A form sent without what it asks for."""
    return {"name": ""}


ACCOUNTS = [
    Row("accounts:root", get=signed_in(302)),
    Row(
        "accounts:sign_in",
        get={**anyone(302), "anonymous": 200},
        post={**anyone(302), "anonymous": 422},
        body=lambda _: {"username": "ada", "password": "a guess"},
    ),
    Row("accounts:sign_out", post=anyone(302)),
    Row("accounts:preferences", get=anyone(200), post=anyone(302), body=lambda _: {"theme": "dark"}),
    Row("accounts:projects", get=signed_in(200)),
    Row("accounts:project", get=members(302)),
    Row("accounts:people", get=research(200)),
    Row("accounts:add_person", post=administration(422)),
    Row("accounts:my_languages", get=members(200), post=members(302)),
    Row("accounts:skills", get=administration(200), post=administration(302), parts=member),
    Row("accounts:set_role", post=administration(302), parts=member, body=lambda _: {"role": "reviewer"}),
]
LABELS = [
    Row("labels:index", get=research(200)),
    Row("labels:download", get=research(200)),
    Row("labels:lines", get=research(200), parts=lambda _: {"file": "ratings"}),
    Row("labels:import_labels", get=research(200), post=research(422), body=unnamed),
    Row("labels:exports", get=research(200)),
    Row("labels:export", get=research(200), parts=lambda _: {"name": "trl-preference"}),
    Row(
        "labels:ranking",
        get=to(200, "reviewer", "researcher", "administrator"),
        parts=pk(lambda s: s.ranking),
    ),
    Row("labels:add_campaign", get=research(200), post=research(422), body=unnamed),
    Row("labels:campaign", get=research(200), parts=pk(lambda s: s.campaign)),
    Row(
        "labels:set_state",
        post=research(302),
        parts=pk(lambda s: s.campaign),
        body=lambda _: {"state": "paused"},
    ),
    Row("labels:quality", get=reviewing(200), parts=pk(lambda s: s.campaign)),
    Row(
        "labels:annotator_quality",
        get=reviewing(200),
        parts=lambda s: {"pk": s.campaign.pk, "annotator": s.people["annotator"].pk},
    ),
    Row(
        "labels:qualify",
        post=research(302),
        parts=lambda s: {"pk": s.campaign.pk, "annotator": s.people["annotator"].pk},
    ),
    Row("labels:compute_reliability", post=research(302), parts=pk(lambda s: s.campaign)),
    Row("labels:disagreement", get=reviewing(200), parts=pk(lambda s: s.campaign)),
    Row(
        "labels:quality_settings",
        get=research(200),
        post=research(422),
        parts=pk(lambda s: s.campaign),
        body=lambda _: {"most_labels": 0},
    ),
    Row(
        "labels:edit_campaign",
        get=research(200),
        post=research(422),
        parts=pk(lambda s: s.campaign),
        body=unnamed,
    ),
    Row("labels:preview_campaign", get=research(302), parts=pk(lambda s: s.campaign)),
    Row("labels:preview", get=research(200), post=research(422), parts=pk(lambda s: s.held.item)),
    Row("labels:set_aside", get=reviewing(200), parts=pk(lambda s: s.campaign)),
    Row("labels:put_back", post=reviewing(302), parts=pk(lambda s: s.held.item)),
    Row("labels:put_all_back", post=reviewing(302), parts=pk(lambda s: s.campaign)),
    Row("labels:choose", get=research(200), post=research(422), parts=pk(lambda s: s.campaign), body=unnamed),
    Row("labels:queue_order", get=research(200), parts=pk(lambda s: s.order)),
    Row("labels:put_in_force", post=research(302), parts=pk(lambda s: s.order)),
    Row("labels:item", get=reviewing(200), parts=pk(lambda s: s.held.item)),
    Row("labels:ask_for_decision", post=reviewing(302), parts=pk(lambda s: s.decision.item)),
    Row("labels:decide", get=reviewing(200), post=reviewing(422), parts=pk(lambda s: s.decision.item)),
    Row("labels:adjudication", get=reviewing(200), parts=pk(lambda s: s.campaign)),
    Row("labels:reviews", get=reviewing(200), parts=pk(lambda s: s.campaign)),
    Row(
        "labels:draw_reviews",
        post=reviewing(302),
        parts=lambda s: {"pk": s.campaign.pk, "annotator": s.people["annotator"].pk},
        body=lambda _: {"share": "0.1"},
    ),
    Row("labels:review", get=reviewing(200), post=reviewing(422), parts=pk(lambda s: s.review)),
    Row("labels:feedback", get=members(200)),
    Row("labels:begin_again", post=members(404), parts=pk(lambda s: s.review)),
    Row("labels:again", get=members(404), post=members(404), parts=token),
    Row(
        "labels:again_draft", post=only_ada(200), parts=token, body=lambda _: {"places": {"A": 1}}, json=True
    ),
    Row("labels:again_stay", post=members(404), parts=token),
    Row("labels:gold", post=research(422), parts=pk(lambda s: s.held.item)),
    # Of a demonstration that was not written to qualify there is nothing to rate.
    Row("labels:score", get=reviewing(404), post=reviewing(404), parts=pk(lambda s: s.ranking)),
    Row("labels:guidelines", get=members(200), parts=pk(lambda s: s.campaign)),
    Row(
        "labels:confirm_guidelines",
        post=members(302),
        parts=pk(lambda s: s.campaign),
        body=lambda _: {"number": 1},
    ),
    Row("labels:guideline_history", get=members(200), parts=pk(lambda s: s.campaign)),
    Row(
        "labels:edit_guidelines",
        get=research(200),
        post=research(422),
        parts=pk(lambda s: s.campaign),
        body=lambda _: {"english": " "},
    ),
    Row("labels:start", post=members(302), parts=pk(lambda s: s.campaign)),
    Row("labels:keys", get=members(200), post=members(302)),
    Row("labels:queue", get=members(200)),
    Row("labels:rank", get=only_ada(200), post=only_ada(422), parts=token),
    Row("labels:draft", post=only_ada(200), parts=token, body=lambda _: {"places": {"A": 1}}, json=True),
    Row("labels:renew", post=only_ada(200), parts=token),
    Row("labels:prefetch", post=only_ada(200), parts=token),
    Row("labels:preview_text", post=only_ada(200), parts=token),
    Row("labels:leave", post=only_ada(204), parts=token),
    Row("labels:release", post=only_ada(302), parts=token),
    Row("labels:skip", get=only_ada(200), post=only_ada(422), parts=token),
]
TRAINING = [
    Row("training:index", get=research(200)),
    Row("training:pretrain", get=research(200), post=research(422), body=unnamed),
    Row("training:sft", get=research(200), post=research(422), body=unnamed),
    Row("training:reward_model", get=research(200), post=research(422), body=unnamed),
    Row("training:ppo", get=research(200), post=research(422), body=unnamed),
    Row("training:estimate", post=research(200), parts=lambda _: {"kind": "ppo"}),
    Row("training:compare", get=research(200)),
    Row("training:answers", get=research(200), parts=pk(lambda s: s.runs[1])),
    Row("training:run", get=research(200), parts=pk(lambda s: s.runs[1])),
    Row("training:live", get=research(200), parts=pk(lambda s: s.runs[1])),
    Row("training:cancel", post=research(302), parts=pk(lambda s: s.runs[1])),
    Row("training:series_list", get=research(200)),
    Row("training:begin_series", get=research(200), post=research(422), body=unnamed),
    Row("training:series", get=research(200), parts=pk(lambda s: s.round.series)),
    Row(
        "training:begin_round",
        get=research(200),
        post=research(422),
        parts=pk(lambda s: s.round.series),
        body=unnamed,
    ),
    Row("training:one_round", get=research(200), parts=pk(lambda s: s.round)),
    Row("training:round_live", get=research(200), parts=pk(lambda s: s.round)),
    Row("training:resume_round", post=research(302), parts=pk(lambda s: s.round)),
    Row("training:stop_round", post=research(302), parts=pk(lambda s: s.round)),
    Row("training:take_what_there_is", post=research(302), parts=pk(lambda s: s.round)),
]
EVALUATIONS = [
    Row("evaluations:index", get=research(200)),
    Row("evaluations:evaluate", get=research(200), post=research(422), body=unnamed),
    Row("evaluations:compare", get=research(200), post=research(422), body=unnamed),
    Row("evaluations:rate", get=research(200), post=research(422), body=unnamed),
    Row("evaluations:run", get=research(200), parts=pk(lambda s: s.evaluation)),
    Row("evaluations:items", get=research(200), parts=pk(lambda s: s.evaluation)),
    Row("evaluations:item", get=research(200), parts=first_item),
    Row("evaluations:spot_check", post=research(302), parts=first_item),
    Row("evaluations:live", get=research(200), parts=pk(lambda s: s.evaluation.job, "job")),
    Row("evaluations:pass_at_k", get=research(200)),
    Row("evaluations:problems", get=research(200), parts=pk(lambda s: s.code)),
    Row("evaluations:problem", get=research(200), parts=lambda s: {"pk": s.code.pk, "number": 0}),
]
REPORTS = [
    Row("reports:home", get=research(200)),
    Row("reports:home_live", get=research(200)),
    Row("reports:index", get=research(200)),
    Row("reports:leaderboard", get=research(200), parts=pk(lambda s: s.leaderboard)),
    Row("reports:comparison", get=research(200), parts=pk(lambda s: s.comparison)),
    Row("reports:lineage", get=research(200), parts=pk(lambda s: s.policies[0])),
    Row("reports:emergence", get=research(200)),
    Row("reports:emergence_report", get=research(200), parts=pk(lambda s: s.emergence)),
    Row("reports:emergence_live", get=research(200), parts=pk(lambda s: s.emergence)),
    Row(
        "reports:emergence_file",
        get=research(200),
        parts=lambda s: {"pk": s.emergence.pk, "filename": "points.csv"},
    ),
    Row("reports:rankings", get=research(200), parts=pk(lambda s: s.snapshot, "snapshot")),
    Row(
        "reports:figure",
        get=research(200),
        parts=lambda s: {"report": _report_of(s).pk, "file": "effects.csv"},
    ),
]
JOBS = [
    Row("jobs:index", get=research(200)),
    Row("jobs:index_live", get=research(200)),
    Row("jobs:job", get=research(200), parts=pk(lambda s: s.runs[1].job)),
    Row("jobs:job_live", get=research(200), parts=pk(lambda s: s.runs[1].job)),
    Row("jobs:cancel", post=research(302), parts=pk(lambda s: s.runs[1].job)),
    Row("jobs:resume", post=research(302), parts=pk(lambda s: s.runs[1].job)),
]
PROMPTS = [
    Row("prompts:index", get=research(200)),
    Row("prompts:add_prompt_set", get=research(200), post=research(422), body=unnamed),
    Row("prompts:prompt_set", get=research(200), parts=pk(lambda s: s.prompt_set)),
    Row("prompts:import_lines", post=research(422), parts=pk(lambda s: s.prompt_set), body=unnamed),
    Row("prompts:sample", post=research(422), parts=pk(lambda s: s.prompt_set), body=unnamed),
    Row("prompts:download", get=research(200), parts=pk(lambda s: s.prompt_set)),
]
SNAPSHOTS = [
    Row("snapshots:index", get=research(200)),
    Row("snapshots:freeze", get=research(200), post=research(422), body=unnamed),
    Row("snapshots:snapshot", get=research(200), parts=pk(lambda s: s.snapshot)),
    Row("snapshots:snapshot_live", get=research(200), parts=pk(lambda s: s.snapshot)),
    Row(
        "snapshots:download",
        get=research(200),
        parts=lambda s: {"pk": s.snapshot.pk, "filename": "rankings.jsonl"},
    ),
]
SNAPSHOTS.append(
    Row("snapshots:export", get=research(200), parts=lambda s: {"pk": s.snapshot.pk, "name": "rankings"})
)
CHAT = [
    Row("chat:index", get=members(200)),
    Row("chat:start", post=members(302)),
    Row("chat:conversation", get=only_ada(200), parts=talk),
    Row("chat:conversation_live", get=only_ada(200), parts=talk),
    Row("chat:send", post=only_ada(302), parts=talk),
    Row("chat:regenerate", post=only_ada(302), parts=lambda s: {**talk(s), "ordinal": 1}),
    Row("chat:compare", post=only_ada(302), parts=lambda s: {**talk(s), "answer": s.answer.pk}),
]
LADDERS = [
    Row("ladders:index", get=research(200)),
    Row("ladders:start", get=research(200), post=research(422), body=unnamed),
    Row("ladders:draw", get=research(200), post=research(422), body=unnamed),
    Row("ladders:ladder", get=research(200), parts=pk(lambda s: s.ladder)),
    Row("ladders:live", get=research(200), parts=pk(lambda s: s.ladder)),
    Row("ladders:go_on", post=research(302), parts=pk(lambda s: s.ladder)),
]
TABLE = [*PROMPTS, *SNAPSHOTS, *CHAT, *ACCOUNTS, *JOBS, *LABELS, *TRAINING, *EVALUATIONS, *LADDERS, *REPORTS]


def addresses() -> Iterator[tuple[str, URLPattern]]:
    """(name, pattern) of every address the resolver knows."""

    def walk(entries: list[URLPattern | URLResolver], space: str) -> Iterator[tuple[str, URLPattern]]:
        for entry in entries:
            if isinstance(entry, URLResolver):
                yield from walk(entry.url_patterns, entry.namespace or space)
            else:
                yield f"{space}:{entry.name}" if space else str(entry.name), entry

    return walk(get_resolver().url_patterns, "")


SLUGGED = {name: tuple(pattern.pattern.converters) for name, pattern in addresses()}


@dataclass(frozen=True)
class World:
    """A project, another one, and a browser for each visitor."""

    here: Stock
    elsewhere: Stock
    browsers: dict[str, Client]

    def ask(self, visitor: str, method: str, row: Row, parts_of: Stock | None = None) -> int:
        """The status of one request, whose effects are undone."""
        address = row.address(parts_of or self.here, self.here.project.slug)
        body = row.body(self.here) if method == "POST" else {}
        options = {"content_type": "application/json"} if row.json and method == "POST" else {}
        browser = Client()
        browser.cookies = copy(self.browsers[visitor].cookies)
        with transaction.atomic():
            response = getattr(browser, method.lower())(address, body, **options)
            transaction.set_rollback(True)
        assert_safe(response)
        return int(response.status_code)


def assert_safe(response: Any) -> None:
    """Every page says what may run in it; nothing may be put into another site's frame."""
    if response.headers.get("Content-Type", "").startswith("text/html"):
        policy = response.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "style-src 'self'" in policy
        assert "unsafe" not in policy
    assert response.headers["X-Frame-Options"] == "DENY"


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        here, elsewhere = build_stock("harbour"), build_stock("elsewhere", "other-")
        visitors = {role: here.people[role] for role in MEMBERS}
        visitors["outsider"] = elsewhere.people["annotator"]
        browsers = {"anonymous": Client()}
        for name, user in visitors.items():
            browsers[name] = Client()
            browsers[name].force_login(user)
        yield World(here, elsewhere, browsers)
        transaction.set_rollback(True)


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    known, rows = {name for name, _pattern in addresses()}, [row.name for row in TABLE]
    assert sorted(known - set(rows)) == []
    assert sorted(set(rows) - known) == []
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_who_may_do_what(world: World, row: Row) -> None:
    wanted, found = {}, {}
    for method in METHODS:
        expected = {"GET": row.get, "POST": row.post}.get(method) or anyone(405)
        for visitor in VISITORS:
            wanted[method, visitor] = expected[visitor]
            found[method, visitor] = world.ask(visitor, method, row)
    different = {key: (found[key], wanted[key]) for key in wanted if found[key] != wanted[key]}
    assert different == {}, "found, wanted"


# The part of these addresses names a format, a file or a kind, not an object of a project.
OF_NO_OBJECT = {"labels:export", "labels:lines", "training:estimate"}


@pytest.mark.parametrize(
    "row", [row for row in TABLE if row.parts and row.name not in OF_NO_OBJECT], ids=lambda row: row.name
)
def test_an_object_of_another_project_is_not_there(world: World, row: Row) -> None:
    for visitor in MEMBERS:
        for method in ("GET", "POST"):
            expected = row.get if method == "GET" else row.post
            if expected is not None and expected[visitor] not in (403, 404):
                assert world.ask(visitor, method, row, parts_of=world.elsewhere) == 404, (method, visitor)


FOUND = re.compile(r"(?:href|src|action|data-[a-z-]+)=\"(/[^\"#]*)", re.IGNORECASE)


def crawl(browser: Client, starts: list[str], most: int = 400) -> Iterator[tuple[str, Any]]:
    """(address, answer) of everything that can be fetched from these pages on, following every address in them."""
    waiting, seen = list(starts), set(starts)
    while waiting:
        address = waiting.pop()
        answer = browser.get(address)
        yield address, answer
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        for found in map(html.unescape, FOUND.findall(answer.content.decode())):
            if found not in seen and not found.startswith("/static/") and len(seen) < most:
                seen.add(found)
                waiting.append(found)


def told(answer: Any) -> bytes:
    """All that a browser is given: headers, cookies and body."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return repr(sorted(answer.headers.items())).encode() + str(answer.cookies).encode() + bytes(body)


def secrets_in(answer: Any) -> list[str]:
    given = told(answer).lower()
    return [secret for secret in SECRETS if secret.encode() in given]


def test_an_annotator_is_told_no_policy_no_gold_and_nobody_elses_label(world: World) -> None:
    browser = Client()
    browser.cookies = copy(world.browsers["annotator"].cookies)
    slug, fetched, leaks = world.here.project.slug, set(), {}
    singles = [reverse("labels:rank", args=[slug, one.lease_token]) for one in world.here.singles.values()]
    starts = ["/", *(row.address(world.here, slug) for row in TABLE if row.get is not None), *singles]
    for address, answer in crawl(browser, starts):
        fetched.add(address)
        if secrets_in(answer):
            leaks[address] = secrets_in(answer)
    assert leaks == {}
    assert set(singles) <= fetched
    opened = {row.name for row in TABLE if row.get is not None and row.address(world.here, slug) in fetched}
    assert {"labels:rank", "labels:queue", "chat:conversation"} <= opened


def test_what_an_annotator_sends_is_not_answered_with_secrets(world: World) -> None:
    slug, leaks = world.here.project.slug, {}
    for row in (row for row in TABLE if row.post is not None):
        browser = Client()
        browser.cookies = copy(world.browsers["annotator"].cookies)
        for kind in ("text/html", "application/json"):
            options: dict[str, Any] = {"content_type": "application/json"} if row.json else {}
            with transaction.atomic():
                address = row.address(world.here, slug)
                answer = browser.post(address, row.body(world.here), headers={"Accept": kind}, **options)
                if secrets_in(answer):
                    leaks[row.name, kind] = secrets_in(answer)
                transaction.set_rollback(True)
    assert leaks == {}


def test_the_crawl_would_see_a_secret(world: World) -> None:
    """The same look at what a researcher may open finds every kind of secret that pages hold."""
    browser = Client()
    browser.cookies = copy(world.browsers["researcher"].cookies)
    starts = [row.address(world.here, world.here.project.slug) for row in TABLE if row.get is not None]
    seen = {secret for _address, answer in crawl(browser, starts, most=120) for secret in secrets_in(answer)}
    assert {"secretpolicy", "secretperson", "secretgold", "secretanswer"} <= seen


RESOLVE_ALL = """
import sys, django
django.setup()
from django.urls import get_resolver
def walk(entries):
    for entry in entries:
        if hasattr(entry, "url_patterns"):
            yield from walk(entry.url_patterns)
        else:
            yield entry.callback
assert len(list(walk(get_resolver().url_patterns))) > 30
import labelplatform.asgi
print(sorted({name.split(".")[0] for name in sys.modules} & {"torch", "transformers", "evaluate", "datasets"}))
"""


def test_the_web_process_imports_no_model_library() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", RESOLVE_ALL], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.returncode) == ("[]\n", 0), ran.stderr[-2000:]
