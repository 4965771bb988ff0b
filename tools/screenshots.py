"""Every page × width × language × theme, photographed in a real Chromium: `make screenshots OUT=DIR`.

The demo's data are shown where there are some (LABELPLATFORM_DATA, `var/` unless told); else a small made-up project.
Files are named PAGE-WIDTH-LANGUAGE-THEME.png. `--pages run,rank` takes only some pages.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
WIDTHS = {1440: 900, 390: 844}
LANGUAGES = {"en": "en", "zh-hans": "zh-CN"}
THEMES = ("light", "dark")
START_SECONDS = 40
# A researcher's rooms that are there in every project.
ROOMS = {
    "home": "reports:home",
    "prompts": "prompts:index",
    "labels": "labels:index",
    "campaign-add": "labels:add_campaign",
    "labels-import": "labels:import_labels",
    "labels-export": "labels:exports",
    "snapshots": "snapshots:index",
    "training": "training:index",
    "start-pretraining": "training:pretrain",
    "start-sft": "training:sft",
    "start-reward-model": "training:reward_model",
    "start-ppo": "training:ppo",
    "rounds": "training:series_list",
    "begin-series": "training:begin_series",
    "compare-runs": "training:compare",
    "evaluations": "evaluations:index",
    "pass-at-k": "evaluations:pass_at_k",
    "choose-suite": "evaluations:evaluate",
    "ladders": "ladders:index",
    "start-ladder": "ladders:start",
    "draw-emergence": "ladders:draw",
    "emergence": "reports:emergence",
    "reports": "reports:index",
    "jobs": "jobs:index",
    "people": "accounts:people",
}
CHROMIUM_FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Page:
    """One page: its name in the file's name, whose browser opens it (empty: nobody signed in), its address."""

    name: str
    visitor: str
    address: str


def prepare() -> Path | None:
    """Sets Django up on the demo's data; without any, on an empty folder of its own, which is returned."""
    sys.path.insert(0, str(ROOT))
    data = Path(os.environ.get("LABELPLATFORM_DATA", ROOT / "var"))
    made = None
    if not (data / "platform.sqlite3").exists() and "DATABASE_URL" not in os.environ:
        made = data = Path(tempfile.mkdtemp(prefix="labelplatform-screenshots-"))
        os.environ["SECRET_KEY"] = secrets.token_urlsafe(50)
    os.environ.update(
        LABELPLATFORM_DATA=str(data), HTTPS="False", DJANGO_SETTINGS_MODULE="labelplatform.settings"
    )
    django.setup()
    return made


def seed() -> None:
    """A small project with something in every room, for whoever has no demo yet."""
    from django.core.management import call_command

    from evaluator.plots.folder import draw_report
    from labelplatform.jobs.models import Artifact
    from labelplatform.ladders.models import EmergenceRun
    from tests.labelplatform.world import build_stock

    call_command("migrate", verbosity=0)
    build_stock("harbour")
    for report in Artifact.objects.filter(pk__in=EmergenceRun.objects.exclude(report=None).values("report")):
        draw_report(report.path)


@contextmanager
def served() -> Iterator[str]:
    """A web process on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "labelplatform.asgi:application", "--port", str(port)]
    process = subprocess.Popen([*command, "--log-level", "warning"], cwd=ROOT)
    address = f"http://127.0.0.1:{port}"
    try:
        _await(f"{address}/sign-in/", process)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _await(address: str, process: subprocess.Popen[bytes]) -> None:
    for _attempt in range(START_SECONDS * 5):
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except urllib.error.URLError:
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
            sys.exit("screenshots: the web process ended; its words are above")
        return
    sys.exit("screenshots: the web process does not answer")


def newest(query: Any) -> Any:
    """The newest row, or nothing."""
    return query.order_by("-pk").first()


def pages() -> list[Page]:
    """What is there to be photographed in this database."""
    from django.db.models import Count

    from labelplatform.accounts.models import Project, Role

    project = Project.objects.annotate(size=Count("training_runs")).order_by("-size", "pk").first()
    if project is None:
        sys.exit(
            "screenshots: the database holds no project; run `make demo` first, or unset LABELPLATFORM_DATA"
        )
    ranks = [Role.ADMINISTRATOR, Role.RESEARCHER]
    researcher = project.memberships.filter(role__in=ranks, user__kind="person").first()
    annotator = project.memberships.filter(role=Role.ANNOTATOR, user__kind="person").first()
    found = [Page("sign-in", "", "/sign-in/"), Page("not-found", "", "/nowhere/")]
    if annotator is not None:
        found += _annotators_pages(project, annotator.user)
    if researcher is not None:
        found += _researchers_pages(project, researcher.user.username)
    return found


def _annotators_pages(project: Any, user: Any) -> list[Page]:
    from django.urls import reverse

    from labelplatform.labels.services import claim

    who = user.username
    found = [
        Page("projects", who, reverse("accounts:projects")),
        Page("preferences", who, reverse("accounts:preferences")),
        Page("queue", who, reverse("labels:queue", args=[project.slug])),
        Page("languages", who, reverse("accounts:my_languages", args=[project.slug])),
        Page("feedback", who, reverse("labels:feedback", args=[project.slug])),
        Page("keys", who, reverse("labels:keys", args=[project.slug])),
        Page("chat", who, reverse("chat:index", args=[project.slug])),
    ]
    talk = newest(project.conversations.filter(member=user))
    if talk is not None:
        found.append(Page("conversation", who, reverse("chat:conversation", args=[project.slug, talk.pk])))
    seen = set()
    for campaign in project.campaigns.filter(source="campaign", state="open"):
        name = "rank" if campaign.gives_rankings else f"label-{campaign.kind}"
        slot = None if name in seen else claim(campaign=campaign, annotator=user)
        if slot is None:
            continue
        seen.add(name)
        found.append(Page(name, who, reverse("labels:rank", args=[project.slug, slot.lease_token])))
        if name == "rank":
            guidelines = reverse("labels:guidelines", args=[project.slug, campaign.pk])
            found.append(Page("guidelines", who, guidelines))
            found.append(Page("skip", who, reverse("labels:skip", args=[project.slug, slot.lease_token])))
            history = reverse("labels:guideline_history", args=[project.slug, campaign.pk])
            found.append(Page("guideline-history", who, history))
    return found


def _researchers_pages(project: Any, who: str) -> list[Page]:
    from django.urls import reverse

    from labelplatform.evaluations.code_models import JudgedSubmission
    from labelplatform.evaluations.models import MeasuredItem

    found = [Page(name, who, reverse(view, args=[project.slug])) for name, view in ROOMS.items()]
    for name, view, row in (*_objects(project), *_runs(project), *_rounds(project)):
        if row is not None:
            found.append(Page(name, who, reverse(view, args=[project.slug, row.pk])))
    submission = newest(JudgedSubmission.objects.filter(run__project=project))
    if submission is not None:
        one = [project.slug, submission.run_id, submission.number]
        found.append(Page("code-problems", who, reverse("evaluations:problems", args=one[:2])))
        found.append(Page("code-problem", who, reverse("evaluations:problem", args=one)))
    item = newest(MeasuredItem.objects.filter(run__project=project))
    if item is not None:
        place = reverse("evaluations:item", args=[project.slug, item.run_id, item.place])
        found.append(Page("evaluation-item", who, place))
    return found


def _largest(prompt_sets: Any) -> Any:
    from django.db.models import Count

    return prompt_sets.annotate(size=Count("prompts")).order_by("-size", "pk").first()


def _objects(project: Any) -> list[tuple[str, str, Any]]:
    from labelplatform.labels.models import Item, Label, QueueOrder, Ranking, Review
    from labelplatform.snapshots.models import Snapshot

    labelled = newest(project.campaigns.filter(items__rankings__isnull=False).distinct())
    single = newest(project.campaigns.filter(items__labels__isnull=False).distinct())
    written = Label.objects.filter(item__campaign__project=project, item__gold__isnull=False, surplus=False)
    written = written.filter(kind="demonstration")
    decided = Item.objects.filter(campaign=labelled).exclude(adjudication=None)
    return [
        ("prompt-set", "prompts:prompt_set", _largest(project.prompt_sets)),
        ("campaign", "labels:campaign", labelled or newest(project.campaigns)),
        ("label-campaign", "labels:campaign", single),
        ("label-quality", "labels:quality", single),
        ("label-item", "labels:item", newest(Item.objects.filter(labels__isnull=False, campaign=single))),
        ("quality", "labels:quality", labelled),
        ("score", "labels:score", newest(written)),
        ("quality-spans", "labels:quality", newest(project.campaigns.filter(kind="spans"))),
        ("quality-settings", "labels:quality_settings", labelled),
        ("disagreement", "labels:disagreement", labelled),
        ("campaign-settings", "labels:edit_campaign", labelled),
        ("campaign-labelled", "labels:campaign", labelled),
        ("set-aside", "labels:set_aside", labelled),
        ("preview", "labels:preview", newest(Item.objects.filter(campaign=labelled))),
        ("choose", "labels:choose", labelled),
        ("queue-order", "labels:queue_order", newest(QueueOrder.objects.filter(campaign__project=project))),
        ("guidelines-edit", "labels:edit_guidelines", labelled),
        ("adjudication", "labels:adjudication", labelled),
        ("decide", "labels:decide", newest(decided)),
        ("reviews", "labels:reviews", labelled),
        ("review", "labels:review", newest(Review.objects.filter(ranking__item__campaign=labelled))),
        ("item", "labels:item", newest(Item.objects.filter(campaign=labelled))),
        ("ranking", "labels:ranking", newest(Ranking.objects.filter(item__campaign__project=project))),
        ("snapshot", "snapshots:snapshot", Snapshot.objects.filter(project=project).order_by("pk").first()),
    ]


def _runs(project: Any) -> list[tuple[str, str, Any]]:
    """What was trained and measured of what people said."""
    return [
        ("run-reward-model", "training:run", newest(project.training_runs.filter(kind="reward-model"))),
        ("run-ppo", "training:run", newest(project.training_runs.filter(kind="ppo"))),
        ("answers", "training:answers", newest(project.training_runs.filter(kind="ppo"))),
        ("evaluation", "evaluations:run", newest(project.evaluation_runs)),
        ("evaluation-items", "evaluations:items", newest(project.evaluation_runs)),
        ("leaderboard", "reports:leaderboard", newest(project.leaderboard_runs)),
        ("ladder", "ladders:ladder", newest(project.ladders)),
        ("emergence-report", "reports:emergence_report", newest(project.emergence_runs)),
        ("comparison", "reports:comparison", newest(project.comparison_runs)),
        ("lineage", "reports:lineage", newest(project.artifacts.filter(kind="policy"))),
        ("job", "jobs:job", newest(project.jobs)),
    ]


def _rounds(project: Any) -> list[tuple[str, str, Any]]:
    series = newest(project.round_series)
    found = [("series", "training:series", series)]
    return [*found, ("round", "training:one_round", newest(series.rounds))] if series else found


def session(username: str) -> str:
    """A signed-in session's key, made without a password."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from labelplatform.accounts.models import User
    from labelplatform.accounts.sessions import SessionStore

    user = User.objects.get(username=username)
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return str(store.session_key)


@dataclass(frozen=True)
class Look:
    """One way to look at a page."""

    width: int
    language: str
    theme: str


def photograph(
    browser: Browser, site: str, wanted: list[Page], out: Path, tell: Callable[[str], None]
) -> int:
    """Takes all the pictures; returns how many pages could not be opened or are wider than their window."""
    sessions = {page.visitor: session(page.visitor) for page in wanted if page.visitor}
    looks = [Look(width, language, theme) for width in WIDTHS for language in LANGUAGES for theme in THEMES]
    faults = 0
    for look in looks:
        for visitor in ("", *sessions):
            context = browser.new_context(
                viewport={"width": look.width, "height": WIDTHS[look.width]},
                color_scheme=look.theme,  # type: ignore[arg-type]
                locale=LANGUAGES[look.language],
            )
            if visitor:
                context.add_cookies([{"name": "sessionid", "value": sessions[visitor], "url": site}])
            tab = context.new_page()
            for page in (page for page in wanted if page.visitor == visitor):
                answer = tab.goto(site + page.address, wait_until="load")
                tab.wait_for_timeout(150)
                name = f"{page.name}-{look.width}-{look.language}-{look.theme}.png"
                tab.screenshot(path=str(out / name), full_page=True)
                status = answer.status if answer else 0
                wide = tab.evaluate("document.documentElement.scrollWidth") > look.width
                if (status >= 400 and page.name != "not-found") or wide:
                    faults += 1
                    tell(f"{name}: answered {status}{', wider than its window' if wide else ''}")
            context.close()
    return faults


def chromium() -> str | None:
    """The browser on this machine; None leaves the choice to playwright."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def main() -> int:
    """Prepares, serves, photographs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--pages", default="", help="names of pages, separated by commas; all unless told")
    told = parser.parse_args()
    made = prepare()
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = (
        "true"  # playwright's loop runs in this thread; nothing here is async
    )
    try:
        if made is not None:
            seed()
        only = set(filter(None, told.pages.split(",")))
        wanted = [page for page in pages() if not only or page.name in only]
        told.out.mkdir(parents=True, exist_ok=True)
        from playwright.sync_api import sync_playwright

        flags = [*CHROMIUM_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        with served() as site, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=flags)
            faults = photograph(browser, site, wanted, told.out, print)
            browser.close()
        print(f"screenshots: {len(wanted)} pages, each in 8 looks, in {told.out}; {faults} faults")
        return 1 if faults else 0
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
