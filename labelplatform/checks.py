"""System checks with ids: a start that would be unsafe or could not work is refused, with the remedy."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

SECRET_KEY_CHARACTERS = 50


@register(Tags.security)
def check_secret_key(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    # Read without Django's own guard, which raises before the remedy could be told.
    key = getattr(settings._wrapped, "SECRET_KEY", "")
    remedy = (
        "Set SECRET_KEY, or SECRET_KEY_FILE to a private file: "
        "`python -c 'import secrets; print(secrets.token_urlsafe(50))'` makes one. "
        "`python manage.py demo` makes its own. On your own machine, DEBUG=True needs none."
    )
    if not key:
        return [Error("There is no secret key.", hint=remedy, id="labelplatform.E001")]
    if len(key) < SECRET_KEY_CHARACTERS or len(set(key)) < 8:
        return [
            Error(
                f"The secret key is too weak ({len(key)} characters).", hint=remedy, id="labelplatform.E002"
            )
        ]
    return []


@register(Tags.security)
def check_hosts(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if not settings.DEBUG and "*" in settings.ALLOWED_HOSTS:
        hint = "Name the hosts that people type: ALLOWED_HOSTS=label.example.org"
        return [Error("ALLOWED_HOSTS admits every host.", hint=hint, id="labelplatform.E003")]
    return []


@register(Tags.security)
def check_debug(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    local = {"127.0.0.1", "localhost", "[::1]", "testserver"}
    if settings.DEBUG and not set(settings.ALLOWED_HOSTS) <= local:
        hint = (
            "DEBUG=True shows source and settings to visitors: keep it to ALLOWED_HOSTS=127.0.0.1,localhost."
        )
        return [Error("DEBUG is on for a public host.", hint=hint, id="labelplatform.E004")]
    return []


def refuse_unsafe_start() -> None:
    """For servers that run no `manage.py check` first (uvicorn): the same findings, raised."""
    findings = [*check_secret_key(None), *check_hosts(None), *check_debug(None)]
    if findings:
        raise ImproperlyConfigured(" ".join(f"{found.id}: {found.msg} {found.hint}" for found in findings))
