"""Language and theme: kept on the person, and in a cookie for whoever has not signed in."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext

AUTO, LIGHT, DARK = "auto", "light", "dark"
THEMES = (AUTO, LIGHT, DARK)
THEME_COOKIE = "theme"
COOKIE_SECONDS = 365 * 24 * 3600


def theme_of(request: HttpRequest) -> str:
    """auto, light or dark; what is neither is taken as auto."""
    user = getattr(request, "user", None)
    chosen = (
        user.theme if user is not None and user.is_authenticated else request.COOKIES.get(THEME_COOKIE, AUTO)
    )
    return chosen if chosen in THEMES else AUTO


def next_theme(theme: str) -> str:
    """What one press of the switch leads to."""
    return THEMES[(THEMES.index(theme) + 1) % len(THEMES)]


def theme_switch_title(following: str) -> str:
    """What the switch says it will do."""
    titles = {
        AUTO: gettext("Colours: as the system has them"),
        LIGHT: gettext("Colours: light"),
        DARK: gettext("Colours: dark"),
    }
    return titles[following]


def languages() -> list[str]:
    """The languages that pages are written in."""
    return [code for code, _name in settings.LANGUAGES]


def remember(response: HttpResponseBase, *, language: str = "", theme: str = "") -> None:
    """Keeps a choice in this browser; an empty one is not touched."""
    for name, value in ((settings.LANGUAGE_COOKIE_NAME, language), (THEME_COOKIE, theme)):
        if value:
            response.set_cookie(
                name,
                value,
                max_age=COOKIE_SECONDS,
                samesite="Lax",
                httponly=True,
                secure=settings.SESSION_COOKIE_SECURE,
            )
