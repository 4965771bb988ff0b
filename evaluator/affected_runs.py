"""Which training runs an annotator's labels went into: read from what the runs say they were told, never guessed."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluator import json_lines
from evaluator.errors import BadInput
from evaluator.json_lines import kind_of

SPEC = "spec.json"


@dataclass(frozen=True)
class AffectedRun:
    """A run folder that labels of the annotator went into, directly or by a model of another such run (`through`).

    `command` trains it again from its own spec into a new folder; the labels it names must first be without them.
    `lines` counts the annotator's lines in its data; None where its data cannot be read here: nothing is known then.
    """

    folder: Path
    verb: str
    lines: int | None
    through: tuple[Path, ...]
    command: str


def affected_runs(folders: Sequence[Path], annotator: str) -> list[AffectedRun]:
    """The runs that are affected, or of which it cannot be told, in the order given. Refuses one without spec.json."""
    specs = {folder.resolve(): _spec(folder) for folder in folders}
    lines = {folder: _lines(spec, annotator) for folder, spec in specs.items()}
    touched = {folder for folder, count in lines.items() if count}
    while True:
        through = {
            folder: [one for one in touched if _names(spec, one, folder)] for folder, spec in specs.items()
        }
        more = {folder for folder, found in through.items() if found} - touched
        if not more:
            break
        touched |= more
    return [
        AffectedRun(
            folder,
            str(spec["verb"]),
            lines[folder],
            tuple(sorted(through[folder])),
            f"python -m trainer {spec['verb']} --spec {shlex.quote(str(folder / SPEC))} --out NEW_FOLDER",
        )
        for folder, spec in specs.items()
        if folder in touched or lines[folder] is None
    ]


def _spec(folder: Path) -> Mapping[str, object]:
    path = folder / SPEC
    if not path.is_file():
        raise BadInput(f"--runs {folder}: found no {SPEC}, wanted a run folder of the trainer")
    spec = json_lines.read_object(path)
    if not isinstance(spec.get("verb"), str):
        raise BadInput(f"{path}: verb: found {kind_of(spec.get('verb'))}, wanted the verb of the trainer")
    return spec


def _lines(spec: Mapping[str, object], annotator: str) -> int | None:
    """How many lines of the run's label files are the annotator's; None where a file it names is not there."""
    count = 0
    for key in ("rankings", "demonstrations"):
        told = spec.get(key)
        if not isinstance(told, str):
            continue
        path = Path(told)
        files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
        if not path.exists():
            return None
        count += sum(
            line.get("annotator") == annotator for file in files for _, line in json_lines.read(file)
        )
    return count


def _names(spec: Mapping[str, object], folder: Path, own: Path) -> bool:
    """Whether a spec names `folder`, or something in it, as what it starts from."""
    if folder == own:
        return False
    paths = (Path(one).resolve() for told in spec.values() for one in _texts(told))
    return any(path == folder or folder in path.parents for path in paths)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from (one for one in value.split(",") if one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
