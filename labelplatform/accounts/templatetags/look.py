"""What every template may ask: figures, times and states in words, the theme, the bar on top of each page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from django import template
from django.http import HttpRequest
from django.template.context import RequestContext
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext, pgettext

from labelplatform.accounts import preferences, queries, skills
from labelplatform.accounts.models import Membership, Project, Role

register = template.Library()

THIN_SPACE = "\u202f"


@register.filter
def figure(value: float | int | str | None, digits: int | str = 3) -> str:
    """A number as people read it: thousands apart by a thin space, a true minus sign."""
    if value is None or value == "" or not math.isfinite(float(value)):
        return "–"
    places = int(digits) if digits not in ("", None) else 3
    if isinstance(value, int):
        places = 0
    return f"{float(value):,.{places}f}".replace(",", THIN_SPACE).replace("-", "\u2212")


@register.filter
def language_name(code: str) -> str:
    """A language in its own words: whoever looks for it may read no other."""
    return skills.language_name(code)


@register.filter
def plain(value: float | int | str) -> str:
    """A number for an attribute (width, value): a point as decimal mark whatever the language."""
    return f"{float(value):g}"


@register.filter
def half_width(low: float, high: float) -> float:
    """Half of an interval: the figure after ±."""
    return (high - low) / 2


@register.filter
def share(value: float | None, digits: int = 0) -> str:
    """0.731 as "73 %"."""
    return "–" if value is None else f"{figure(float(value) * 100, digits)}{THIN_SPACE}%"


@register.filter
def iso(at: datetime) -> str:
    """A moment for <time datetime>."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


@register.filter
def exact(at: datetime) -> str:
    """A moment in full, with its zone."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@register.filter
def ago(at: datetime, now: datetime | None = None) -> str:
    """A moment as people say it: "3 min ago"."""
    seconds = int(((now or timezone.now()) - at).total_seconds())
    if seconds < 45:
        return gettext("just now")
    if seconds < 3600:
        return gettext("%(n)s min ago") % {"n": max(1, round(seconds / 60))}
    if seconds < 86400:
        return gettext("%(n)s h ago") % {"n": round(seconds / 3600)}
    days = round(seconds / 86400)
    return ngettext("%(n)s day ago", "%(n)s days ago", days) % {"n": days}


@register.filter
def duration(seconds: float | None) -> str:
    """A length of time in at most two units."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    if whole < 60:
        return gettext("%(n)s s") % {"n": whole}
    if whole < 3600:
        return gettext("%(minutes)s min %(seconds)s s") % {"minutes": whole // 60, "seconds": whole % 60}
    return gettext("%(hours)s h %(minutes)s min") % {"hours": whole // 3600, "minutes": whole % 3600 // 60}


@register.filter
def state_name(state: str) -> str:
    """The state of a job as a word in the reader's language."""
    names = {
        "queued": pgettext("state", "waiting"),
        "running": pgettext("state", "running"),
        "succeeded": pgettext("state", "succeeded"),
        "failed": pgettext("state", "failed"),
        "cancelled": pgettext("state", "cancelled"),
        "lost": pgettext("state", "lost, will start again"),
        "refused": pgettext("state", "refused"),
        "open": pgettext("state", "open"),
        "paused": pgettext("state", "paused"),
        "closed": pgettext("state", "closed"),
    }
    return names.get(state, state)


@dataclass(frozen=True)
class Door:
    """One link of the bar; `here` when the page behind it, or a page of its room, is open."""

    title: str
    href: str
    here: bool
    exact: bool


@dataclass(frozen=True)
class Bar:
    """All that the top bar shows."""

    title: str
    home: str
    role: str
    rooms: list[Door]
    doors: list[Door]
    next_theme: str
    theme_title: str


@register.simple_tag(takes_context=True)
def theme(context: RequestContext) -> str:
    """auto, light or dark, for <html data-theme>."""
    request = context.get("request")
    return preferences.theme_of(request) if request is not None else preferences.AUTO


@register.simple_tag(takes_context=True)
def top_bar(context: RequestContext) -> Bar:
    """The bar for this reader: annotators get the project's name only, researchers the whole street."""
    request: HttpRequest | None = context.get("request")
    membership = _membership(request)
    project = membership.project if membership else None
    path = request.path if request is not None else "/"
    researches = membership is not None and membership.role in (Role.RESEARCHER, Role.ADMINISTRATOR)
    now = preferences.theme_of(request) if request is not None else preferences.AUTO
    following = preferences.next_theme(now)
    return Bar(
        title=project.name if project else "LabelPlatform",
        home=_home(project, researches),
        role=str(Role(membership.role).label) if membership else "",
        rooms=_doors(project, path, _rooms()) if project and researches else [],
        doors=_doors(project, path, _side_doors()) if project and researches else [],
        next_theme=following,
        theme_title=preferences.theme_switch_title(following),
    )


def _home(project: Project | None, researches: bool) -> str:
    if project is None:
        return reverse("accounts:root")
    return reverse("reports:home" if researches else "accounts:project", kwargs={"slug": project.slug})


def _rooms() -> list[tuple[str, str]]:
    """The street, in the order the data walks."""
    return [
        (gettext("Prompts"), "prompts:index"),
        (gettext("Labels"), "labels:index"),
        (gettext("Snapshots"), "snapshots:index"),
        (gettext("Training"), "training:index"),
        (gettext("Evaluations"), "evaluations:index"),
        (gettext("Reports"), "reports:index"),
    ]


def _side_doors() -> list[tuple[str, str]]:
    return [
        (gettext("Chat"), "chat:index"),
        (gettext("Jobs"), "jobs:index"),
        (gettext("People"), "accounts:people"),
    ]


def _doors(project: Project, path: str, names: list[tuple[str, str]]) -> list[Door]:
    doors = []
    for title, name in names:
        try:
            href = reverse(name, kwargs={"slug": project.slug})
        except NoReverseMatch:
            continue
        doors.append(Door(title, href, here=path.startswith(href), exact=path == href))
    return doors


def _membership(request: HttpRequest | None) -> Membership | None:
    """The reader's place in the project named in the address; pages of errors have neither."""
    user = getattr(request, "user", None)
    known: Membership | None = getattr(request, "membership", None)
    if known is not None:
        return known
    match = request.resolver_match if request is not None else None
    if match is None or user is None or not user.is_authenticated or "slug" not in match.kwargs:
        return None
    return queries.membership(user, match.kwargs["slug"])
