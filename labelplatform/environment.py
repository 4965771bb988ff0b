"""Typed readers of the environment. Nonsense is refused by name, with what was wanted; nothing is guessed."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import ParseResult, parse_qsl, unquote, urlparse

from django.core.exceptions import ImproperlyConfigured


class Environment:
    """Reads one mapping (the process environment unless a test gives another)."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = os.environ if values is None else values

    def text(self, name: str, default: str = "") -> str:
        value = self._values.get(name, "").strip()
        if "\x00" in value or "\n" in value:
            raise ImproperlyConfigured(f"{name} holds a line break or NUL: give one plain line.")
        return value or default

    def boolean(self, name: str, default: bool) -> bool:
        value = self.text(name)
        if value not in {"", "True", "False"}:
            raise ImproperlyConfigured(f"{name}={value!r}: wanted True or False.")
        return value == "True" if value else default

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        value = self.text(name)
        if not value:
            return default
        if not value.isascii() or not value.isdecimal() or not low <= int(value) <= high:
            raise ImproperlyConfigured(f"{name}={value!r}: wanted a whole number from {low} to {high}.")
        return int(value)

    def words(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        words = [word.strip() for word in self.text(name).split(",")]
        if words == [""]:
            return list(default)
        if "" in words or any(" " in word for word in words):
            raise ImproperlyConfigured(
                f"{name}: wanted words separated by commas, found an empty or split one."
            )
        return words

    def folder(self, name: str, default: Path) -> Path:
        value = self.text(name)
        path = Path(value).expanduser().absolute() if value else default
        if path.exists() and not path.is_dir():
            raise ImproperlyConfigured(f"{name}={value!r}: wanted a folder, found a file.")
        return path

    def secret(self, name: str, default_file: Path) -> str:
        """The value of NAME, else the content of the file NAME_FILE, else of `default_file` if it is there."""
        given, file = self.text(name), self.text(f"{name}_FILE")
        if given and file:
            raise ImproperlyConfigured(f"Both {name} and {name}_FILE are set: keep one.")
        if given:
            return given
        path = Path(file) if file else default_file
        if not file and not path.exists():
            return ""
        try:
            content = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE={str(path)!r} cannot be read: {error}.") from error
        if not content:
            raise ImproperlyConfigured(
                f"{name}_FILE={str(path)!r} is empty: wanted the secret on its first line."
            )
        return content


# Threads rest between requests and keep their connection that long (labelplatform/serving.py).
CONNECTION_SECONDS = 600
SQLITE_OPTIONS: dict[str, object] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;"
        "PRAGMA mmap_size=2147418112;PRAGMA cache_size=-16384;PRAGMA journal_size_limit=67108864;"
    ),
}

# The statements of an annotator's requests are few and always the same: the server plans each once a connection, at its
# third use. ?prepare_threshold=never is for poolers that hand each transaction to another connection.
PREPARE_THRESHOLD = 2


def database(url: str) -> dict[str, object]:
    """Django's settings for `sqlite:///relative`, `sqlite:////absolute` or `postgres://user:password@host:port/name`."""
    parts = urlparse(url)
    if parts.scheme == "sqlite":
        return _sqlite(url, parts)
    if parts.scheme in {"postgres", "postgresql"}:
        return _postgres(parts)
    raise ImproperlyConfigured(
        f"DATABASE_URL begins with {parts.scheme!r}: wanted sqlite:///FILE or postgres://USER:PASSWORD@HOST/NAME."
    )


def _sqlite(url: str, parts: ParseResult) -> dict[str, object]:
    file = unquote(parts.path.removeprefix("/"))
    if parts.netloc or not file or file == ":memory:":
        raise ImproperlyConfigured(
            f"DATABASE_URL={url!r}: wanted sqlite:///FILE (web and workers share the file)."
        )
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(Path(file).absolute()),
        "CONN_MAX_AGE": CONNECTION_SECONDS,
        "OPTIONS": dict(SQLITE_OPTIONS),
        # Threads of one test share the file as processes do; Django's default would be private memory.
        "TEST": {"NAME": str(Path(file).absolute().with_suffix(".test.sqlite3"))},
    }


def _postgres(parts: ParseResult) -> dict[str, object]:
    try:
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured("DATABASE_URL: the port is not a number.") from error
    options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    prepared = options.pop("prepare_threshold", str(PREPARE_THRESHOLD))
    if prepared != "never" and not prepared.isdecimal():
        raise ImproperlyConfigured(
            f"DATABASE_URL: prepare_threshold is {prepared!r}: wanted a whole number, or never."
        )
    name = unquote(parts.path.removeprefix("/"))
    if not name:
        raise ImproperlyConfigured(
            "DATABASE_URL names no database: wanted postgres://USER:PASSWORD@HOST/NAME."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        # A unix socket's folder comes as ?host=/run/postgresql, as libpq itself reads it.
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(port or ""),
        "CONN_MAX_AGE": CONNECTION_SECONDS,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **options,
            "server_side_binding": True,
            "prepare_threshold": None if prepared == "never" else int(prepared),
        },
    }


def broker_url(url: str) -> str:
    """Celery's address of the broker; a unix socket is written `unix:///path/redis.sock`."""
    parts = urlparse(url)
    if parts.scheme in {"redis", "rediss"} and parts.hostname:
        return url
    if parts.scheme == "unix" and parts.path and not parts.netloc:
        return f"redis+socket://{parts.path}?virtual_host=0"
    raise ImproperlyConfigured(
        f"REDIS_URL begins with {parts.scheme!r}: wanted redis://HOST:PORT/N, rediss://… or unix:///PATH."
    )
