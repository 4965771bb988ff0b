"""The end of a job's log as it may be shown: last lines, no terminal codes, no secret of ours."""

import os
import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from labelplatform.jobs.processes import SECRET_ENDINGS

TAIL_BYTES = 8000
HIDDEN = "••••••"
SHORTEST_SECRET = 8
_terminal_codes = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_controls = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def tail(log: Path) -> str:
    """The last lines of the file; a progress bar that was redrawn in one line counts as its last drawing."""
    try:
        with log.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - TAIL_BYTES))
            text = stream.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    if size > TAIL_BYTES:
        text = text.partition("\n")[2] or text
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in _terminal_codes.sub("", text).split("\n")]
    return redact(_controls.sub("", "\n".join(lines)))


def redact(text: str) -> str:
    """The text without our secrets, should a command have printed one."""
    for secret in _secrets():
        text = text.replace(secret, HIDDEN)
    return text


@cache
def _secrets() -> tuple[str, ...]:
    known = [settings.SECRET_KEY, str(settings.DATABASES["default"].get("PASSWORD") or "")]
    known.append(urlsplit(settings.CELERY_BROKER_URL).password or "")
    known += [value for name, value in os.environ.items() if name.endswith(SECRET_ENDINGS)]
    return tuple(sorted({value for value in known if len(value) >= SHORTEST_SECRET}, key=len, reverse=True))
