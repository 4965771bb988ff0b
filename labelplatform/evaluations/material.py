"""What a suite asks, as one stored file: the prompts of a set as they stand now, or a file that somebody brings.

A brought file is read here as the evaluator will read it, so that a bad one is refused before a job is promised.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from evaluator.code_problems.problems import read_problems
from evaluator.errors import BadInput
from evaluator.json_lines import dump, read
from evaluator.prompts import read_prompts
from evaluator.truthfulqa.questions import read_questions
from labelplatform.accounts.models import Project, User
from labelplatform.evaluations.suites import CODE, IN_CONTEXT, TRUTHFULNESS
from labelplatform.jobs.models import Artifact
from labelplatform.jobs.stored_files import store_files
from labelplatform.prompts.models import PromptSet
from labelplatform.prompts.queries import export_prompt_lines

LONGEST_NAME = 100
Reader = Callable[[Path], Any]
ENDINGS: dict[str, tuple[str, ...]] = {
    TRUTHFULNESS.name: (".csv", ".json"),
    CODE.name: (".jsonl", ".jsonl.gz"),
}
LINES = (".jsonl",)


def _read_objects(path: Path) -> int:
    """How many lines there are; BadInput where one is no object, or there is none."""
    found = sum(1 for _number, _line in read(path))
    if not found:
        raise BadInput(f"{path}: found no line, wanted at least one")
    return found


READERS: dict[str, Reader] = {
    TRUTHFULNESS.name: read_questions,
    CODE.name: read_problems,
    # What its lines must hold is read with the model libraries at hand; here, that they are lines.
    IN_CONTEXT.name: _read_objects,
}


def questions_of_set(*, prompt_set: PromptSet, by: User) -> Artifact:
    """The prompts of a set as questions; a set that has grown since gives other questions under another name."""
    lines = list(export_prompt_lines(prompt_set))
    if not lines:
        raise ValidationError(_("The prompt set %(name)s is empty.") % {"name": prompt_set.name})
    digest = _digest(dump(line).encode() for line in lines)
    return store_files(
        project=prompt_set.project,
        kind=Artifact.Kind.QUESTIONS,
        name=f"{prompt_set.name[:LONGEST_NAME]} · {digest}",
        files={"questions.jsonl": lines},
        by=by,
    )


def questions_of_file(*, project: Project, suite: str, name: str, content: bytes, by: User) -> Artifact:
    """A file of questions as the suite reads it. Refuses (ValidationError) one that the suite would refuse."""
    ending = next((one for one in ENDINGS.get(suite, LINES) if name.lower().endswith(one)), None)
    if ending is None:
        wanted = {"name": name, "wanted": ", ".join(ENDINGS.get(suite, LINES))}
        raise ValidationError(_("The file %(name)s ends otherwise than %(wanted)s.") % wanted)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"questions{ending}"
        path.write_bytes(content)
        try:
            READERS.get(suite, read_prompts)(path)
        except BadInput as error:
            raise ValidationError(str(error).replace(str(path), name)) from error
    stem = name[: -len(ending)][:LONGEST_NAME]
    return store_files(
        project=project,
        kind=Artifact.Kind.QUESTIONS,
        name=f"{stem} · {_digest([content])}",
        files={f"questions{ending}": content},
        by=by,
    )


def _digest(parts: Iterable[bytes]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part + b"\n")
    return found.hexdigest()[:8]
