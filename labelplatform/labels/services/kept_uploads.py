"""Uploads between the dry run and the import: kept by their digest, so that what is imported is what was looked at."""

import hashlib
import os
import re
import tempfile
import time
from pathlib import Path
from typing import IO, BinaryIO

from django.conf import settings

from labelplatform.accounts.models import Project

KEPT_SECONDS = 24 * 3600
CHUNK_BYTES = 1 << 20
DIGEST = re.compile(r"[0-9a-f]{64}")


class UploadGone(Exception):
    """An upload that is not (or no longer) kept."""


def keep(project: Project, upload: IO[bytes]) -> str:
    """Keep a copy that only this process's user can read; returns its sha256."""
    folder = _folder(project)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _forget_old(folder)
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=folder, prefix="coming-", delete=False) as copy:
        while chunk := upload.read(CHUNK_BYTES):
            digest.update(chunk)
            copy.write(chunk)
    Path(copy.name).replace(folder / digest.hexdigest())
    return digest.hexdigest()


def opened(project: Project, digest: str) -> BinaryIO:
    """The kept upload of that digest, after its bytes were found to be the same."""
    if not DIGEST.fullmatch(digest):
        raise UploadGone
    try:
        stream = (_folder(project) / digest).open("rb")
    except OSError:
        raise UploadGone from None
    if hashlib.file_digest(stream, "sha256").hexdigest() != digest:
        stream.close()
        raise UploadGone
    stream.seek(0)
    return stream


def forget(project: Project, digest: str) -> None:
    """Delete a kept upload."""
    (_folder(project) / digest).unlink(missing_ok=True)


def _folder(project: Project) -> Path:
    return Path(settings.LABELPLATFORM_DATA) / "uploads" / str(project.pk)


def _forget_old(folder: Path) -> None:
    oldest = time.time() - KEPT_SECONDS
    for entry in os.scandir(folder):
        try:
            if entry.stat().st_mtime < oldest:
                Path(entry.path).unlink(missing_ok=True)
        except FileNotFoundError:
            continue
