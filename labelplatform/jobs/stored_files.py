"""Files that people or a recipe bring along, stored once by content: corpora, demonstrations, questions."""

import hashlib
import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact
from labelplatform.jobs.services import register_artifact

Lines = Iterable[Mapping[str, object]]
Content = bytes | str | Lines


@transaction.atomic
def store_files(
    *, project: Project, kind: str, name: str, files: Mapping[str, Content], by: User
) -> Artifact:
    """One artifact that holds these files (text as it is, lines as JSON lines).

    The same files under the same name are stored once; other files under a name that is taken are refused."""
    if not files or any(Path(file).name != file or file.startswith(".") for file in files):
        raise ValidationError(
            _("The files are %(found)s, wanted plain names without folders.") % {"found": sorted(files)}
        )
    folder = _write_by_content({file: _encoded(content) for file, content in sorted(files.items())})
    known = Artifact.objects.filter(project=project, kind=kind, name=name).first()
    if known is not None:
        if known.folder != folder:
            raise ValidationError(
                _("%(kind)s %(name)s exists with other content: artifacts never change, choose another name.")
                % {"kind": known.get_kind_display(), "name": name}
            )
        return known
    detail = {"files": sorted(files)}
    return register_artifact(project=project, kind=kind, name=name, folder=folder, detail=detail, by=by)


def _encoded(content: Content) -> bytes:
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode("utf-8")
    lines = (json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in content)
    return "".join(lines).encode("utf-8")


def _write_by_content(files: Mapping[str, bytes]) -> str:
    """The folder (relative to ARTIFACTS_DIR) named after its content; written whole or not at all."""
    digest = hashlib.sha256()
    for file, content in files.items():
        digest.update(f"{file} {len(content)}\n".encode() + content)
    folder = f"stored/{digest.hexdigest()[:32]}"
    place = Path(settings.ARTIFACTS_DIR) / folder
    if place.is_dir():
        return folder
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".being-written-") as scratch:
        whole = Path(scratch) / "whole"
        whole.mkdir()
        for file, content in files.items():
            (whole / file).write_bytes(content)
        try:
            whole.rename(place)
        except OSError:
            # Another process stored the same content a moment earlier; anything else is a real failure.
            if not place.is_dir():
                raise
    return folder
