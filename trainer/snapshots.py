"""Snapshot folders: an immutable, digested set of labels, split by prompt; and digests of folders and
prompts.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path

from trainer import json_lines
from trainer.errors import BadInput
from trainer.json_lines import JsonObject, kind_of
from trainer.prompts import (
    Demonstration,
    Message,
    parse_demonstration,
    parse_messages,
    prompt_digest,
    read_demonstrations,
    text,
)
from trainer.rankings import Ranking, parse_ranking, read_rankings, to_line
from trainer.ratings import parse_rating

__all__ = [
    "FORMAT",
    "HELDOUT_SHARE",
    "Manifest",
    "Message",
    "Snapshot",
    "file_digest",
    "folder_digest",
    "prompt_digest",
    "read_snapshot",
    "split_of",
    "verify_snapshot",
    "write_snapshot",
]

FORMAT = "labelplatform-snapshot/1"
HELDOUT_SHARE = 0.2
MANIFEST, RANKINGS, DEMONSTRATIONS = "manifest.json", "rankings.jsonl", "demonstrations.jsonl"
# Labels that are no orders: the name of their file without its ending, and what their lines are split by.
PROMPT_OF: dict[str, Callable[[JsonObject, str], str]] = {
    "ratings": lambda line, where: parse_rating(line, where).prompt_key,
    "spans": lambda line, where: _prompt_key(line, line.get("prompt"), where),
    "demonstrations": lambda line, where: _prompt_key(
        line, [message.to_line() for message in parse_demonstration(line, where).prompt], where
    ),
}
# What a run tells about itself (times, places, the machine) is no part of what it made: left out of a
# folder's digest,
# so that the same weights have the same digest wherever and whenever they were trained.
RUN_RECORDS = frozenset({"spec.json", "environment.json", "progress.jsonl", "outcome.json"})


@dataclass(frozen=True)
class Manifest:
    """What `manifest.json` says: the sha256 of each file, what was chosen, how many, how it was split."""

    files: dict[str, str]
    filters: JsonObject
    counts: dict[str, int]
    split_rule: JsonObject
    guideline_version: str
    format: str = FORMAT


@dataclass(frozen=True)
class Snapshot:
    """The labels of a snapshot folder or of one rankings file; every ranking has its split. `manifest` None:
    a file.
    """

    rankings: list[Ranking]
    demonstrations: list[Demonstration] = field(default_factory=list)
    manifest: Manifest | None = None

    def split(self, name: str) -> list[Ranking]:
        """The rankings of one split, "train" or "heldout"."""
        return [ranking for ranking in self.rankings if ranking.split == name]


def split_of(prompt_id: str, *, heldout_share: float = HELDOUT_SHARE) -> str:
    """ "train" or "heldout", by the sha256 of the prompt's id: the same prompt falls on the same side in
    every snapshot.

    `heldout_share` in 0 to 1 is the expected share of held-out prompts.
    """
    drawn = int.from_bytes(hashlib.sha256(prompt_id.encode("utf-8")).digest()[:8], "big") / 2**64
    return "heldout" if drawn < heldout_share else "train"


def write_snapshot(
    folder: str | Path,
    *,
    rankings: Iterable[Ranking | Mapping[str, object]],
    demonstrations: Iterable[Mapping[str, object]] = (),
    labels: Mapping[str, Iterable[Mapping[str, object]]] | None = None,
    filters: Mapping[str, object],
    split_rule: Mapping[str, object],
    guideline_version: str,
) -> Manifest:
    """Writes the snapshot folder and returns its manifest, which is written last: a folder without one is
    not a snapshot.

    `labels` gives lines by the name of their file (those of PROMPT_OF); a file without lines is not
    written, and their number does not matter for memory.
    `split_rule` is {"by": "prompt", "heldout_share": s}; a line that already names its split keeps it.
    Refuses a folder that is a snapshot already, lines that are not valid, and a prompt with lines on both
    sides.
    """
    folder = Path(folder)
    if (folder / MANIFEST).exists():
        raise BadInput(
            f"{folder}: found a snapshot already, wanted a new folder (snapshots are never changed)"
        )
    share = _heldout_share(split_rule, str(folder))
    parsed = [_as_ranking(entry, f"ranking {number}") for number, entry in enumerate(rankings, start=1)]
    placed = _with_splits(parsed, share, str(folder))
    demos = [
        parse_demonstration(dict(line), f"demonstration {n}")
        for n, line in enumerate(demonstrations, start=1)
    ]
    json_lines.write_atomically(folder / RANKINGS, (to_line(ranking) for ranking in placed))
    names = [RANKINGS]
    if demos:
        json_lines.write_atomically(
            folder / DEMONSTRATIONS, (demonstration.to_line() for demonstration in demos)
        )
        names.append(DEMONSTRATIONS)
    sides, more = _named_splits(placed), Counter[str]()
    for stem, lines in (labels or {}).items():
        _write_labels(folder / f"{stem}.jsonl", stem, lines, (sides, share), more)
        names += [f"{stem}.jsonl"] if more[stem] else []
    manifest = Manifest(
        files={name: file_digest(folder / name) for name in names},
        filters=dict(filters),
        counts=_counts(placed, demos) | dict(more),
        split_rule=dict(split_rule),
        guideline_version=guideline_version,
    )
    json_lines.write_json_atomically(folder / MANIFEST, asdict(manifest))
    return manifest


def _prompt_key(line: JsonObject, prompt: object, where: str) -> str:
    """`prompt_id`, or the digest of the prompt where the line names none; without a prompt, of its context."""
    if "prompt_id" in line:
        return text(line, "prompt_id", where)
    if prompt is None:
        return hashlib.sha256(text(line, "context", where, allow_empty=True).encode()).hexdigest()
    return prompt_digest(parse_messages(prompt, where))


def _named_splits(rankings: Iterable[Ranking]) -> dict[str, str]:
    """The side that rankings name for their prompts: their other labels stand on the same."""
    return {ranking.prompt_key: ranking.split for ranking in rankings if ranking.split}


def _write_labels(
    path: Path,
    stem: str,
    lines: Iterable[Mapping[str, object]],
    split: tuple[Mapping[str, str], float],
    counts: Counter[str],
) -> None:
    """Writes the lines of one file with their split and counts them; no file where there is none."""
    if stem not in PROMPT_OF:
        raise BadInput(f"{path}: found {stem!r}, wanted one of {', '.join(PROMPT_OF)}")
    numbered = enumerate(lines, start=1)
    first = next(numbered, None)
    if first is None:
        return
    sides, share = split

    def placed() -> Iterator[JsonObject]:
        for number, line in chain([first], numbered):
            prompt = PROMPT_OF[stem](dict(line), f"{stem} {number}")
            side = line.get("split") or sides.get(prompt) or split_of(prompt, heldout_share=share)
            counts[stem] += 1
            yield {**line, "split": side}

    json_lines.write_atomically(path, placed())


def read_snapshot(place: str | Path) -> Snapshot:
    """The snapshot in the folder `place`, or the rankings of the file `place` with splits given by
    `split_of`.

    Refuses a folder without a manifest, a file whose sha256 is not the manifest's, and a prompt on both
    sides.
    """
    place = Path(place)
    if not place.is_dir():
        return Snapshot(_with_splits(read_rankings(place), HELDOUT_SHARE, str(place)))
    manifest = verify_snapshot(place)
    share = _heldout_share(manifest.split_rule, str(place / MANIFEST))
    rankings = read_rankings(place / RANKINGS) if manifest.counts.get("rankings", 0) else []
    demos = read_demonstrations(place / DEMONSTRATIONS) if DEMONSTRATIONS in manifest.files else []
    return Snapshot(_with_splits(rankings, share, str(place)), demos, manifest)


def verify_snapshot(folder: str | Path) -> Manifest:
    """The manifest of `folder` after every file named in it was found with the sha256 it names.
    Else BadInput.
    """
    where = Path(folder) / MANIFEST
    line = json_lines.read_json(where)
    if line.get("format") != FORMAT:
        raise BadInput(f"{where}: format: found {kind_of(line.get('format'))}, wanted {FORMAT}")
    files = line.get("files")
    if not isinstance(files, dict) or RANKINGS not in files:
        raise BadInput(f"{where}: files: found {kind_of(files)}, wanted the sha256 of {RANKINGS} at least")
    for name, digest in files.items():
        if Path(name).name != name or not (where.parent / name).is_file():
            raise BadInput(f"{where}: files: found {kind_of(name)}, wanted a file of this folder")
        if file_digest(where.parent / name) != digest:
            raise BadInput(
                f"{where.parent / name}: found another sha256 than the manifest's, wanted an unchanged file"
            )
    known = {name: line[name] for name in Manifest.__dataclass_fields__ if name in line}
    missing = set(Manifest.__dataclass_fields__) - set(known)
    if missing:
        raise BadInput(f"{where}: found no {sorted(missing)[0]!r}, wanted a whole manifest")
    return Manifest(**known)  # type: ignore[arg-type]  # read from our own format, checked above where it is used


def file_digest(path: str | Path) -> str:
    """The sha256 (hex) of the bytes of `path`."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def folder_digest(folder: str | Path) -> str:
    """The sha256 (hex) over the sorted relative names and sha256 of all files in `folder`, except
    RUN_RECORDS and checkpoints.
    """
    folder = Path(folder)
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in RUN_RECORDS and not name.startswith("checkpoints/"):
            total.update(f"{name}\0{file_digest(path)}\n".encode())
    return total.hexdigest()


def _as_ranking(entry: Ranking | Mapping[str, object], where: str) -> Ranking:
    return entry if isinstance(entry, Ranking) else parse_ranking(dict(entry), where)


def _with_splits(rankings: list[Ranking], share: float, where: str) -> list[Ranking]:
    """The rankings with every split filled in; refuses a prompt on both sides."""
    # A prompt some of whose lines name a split takes all its lines to that side.
    named: dict[str, str] = {}
    for ranking in rankings:
        if ranking.split and named.setdefault(ranking.prompt_key, ranking.split) != ranking.split:
            raise BadInput(
                f"{where}: prompt {ranking.prompt_key}: found lines in both splits, wanted a split by prompt"
            )
    return [
        replace(
            ranking, split=named.get(ranking.prompt_key) or split_of(ranking.prompt_key, heldout_share=share)
        )
        for ranking in rankings
    ]


def _heldout_share(rule: Mapping[str, object], where: str) -> float:
    share = rule.get("heldout_share", HELDOUT_SHARE)
    if (
        isinstance(share, bool)
        or not isinstance(share, int | float)
        or rule.get("by") != "prompt"
        or not 0 <= share < 1
    ):
        wanted = '{"by": "prompt", "heldout_share": 0.2}'
        raise BadInput(f"{where}: split_rule: found {kind_of(dict(rule))}, wanted {wanted}")
    return float(share)


def _counts(rankings: list[Ranking], demonstrations: list[Demonstration]) -> dict[str, int]:
    return {
        "rankings": len(rankings),
        "train": sum(ranking.split == "train" for ranking in rankings),
        "heldout": sum(ranking.split == "heldout" for ranking in rankings),
        "prompts": len({ranking.prompt_key for ranking in rankings}),
        "demonstrations": len(demonstrations),
    }
