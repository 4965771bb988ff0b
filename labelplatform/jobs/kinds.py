"""Which kinds of jobs there are. Each app registers its own when Django starts, so jobs imports none of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.functional import Promise

from labelplatform.jobs.models import Artifact, Job, Schedule


class UnknownKindError(LookupError):
    """No app has registered a kind of this name."""


def _enqueue_nothing_else(schedule: Schedule, artifact: Artifact | None) -> Mapping[str, Any]:
    return {} if artifact is None else {"artifact": artifact.pk}


@dataclass(frozen=True)
class JobKind:
    """How one kind of job is checked, run and collected.

    `validate(spec)` raises ValidationError for a spec that can never run.
    `command(job, run_folder)` returns the argument list of the child; its `--out` is `run_folder / "out"`. The spec
    lies at `run_folder / "spec.json"`; further files that the command reads may be written into `run_folder` here.
    `collect(job, run_folder)` turns the finished folder into rows; it runs exactly once, inside the transaction that
    marks the job succeeded: if it raises, nothing of it is kept and the job is failed.
    `success_exit_codes` are the child's exit codes that are a result and not a failure (compare exits 3).
    `stopped_exit_codes` are those of a child that somebody else asked to stop and that can be gone on with.
    `resumes`: the command goes on with what an earlier attempt left in `out`, which is handed on to it.
    `schedule_spec(schedule, artifact)` is added to a Schedule's spec each time it enqueues; None enqueues nothing.
    """

    name: str
    queue: str
    title: str | Promise
    command: Callable[[Job, Path], list[str]]
    collect: Callable[[Job, Path], None]
    validate: Callable[[dict[str, Any]], None]
    success_exit_codes: tuple[int, ...] = (0,)
    stopped_exit_codes: tuple[int, ...] = ()
    resumes: bool = False
    schedule_spec: Callable[[Schedule, Artifact | None], Mapping[str, Any] | None] = _enqueue_nothing_else


_kinds: dict[str, JobKind] = {}
_followers: dict[str, list[Callable[[Job], None]]] = {}


def register(kind: JobKind) -> None:
    """Called from an AppConfig's `ready()`. One name is one kind for good."""
    if kind.queue not in Job.Queue.values:
        raise ValueError(f"job kind {kind.name!r}: queue {kind.queue!r}, wanted one of {Job.Queue.values}")
    if _kinds.setdefault(kind.name, kind) is not kind:
        raise ValueError(f"job kind {kind.name!r} is registered twice")


def follow(name: str, then: Callable[[Job], None]) -> None:
    """`then(job)` is called whenever a job of this kind has succeeded, in the transaction that says so and collects.

    For apps further down the street, which the kind's own app cannot know. What `then` raises fails the job: it keeps
    its own refusals to itself. Called from an AppConfig's `ready()`; the same `then` twice is once.
    """
    known = _followers.setdefault(name, [])
    if then not in known:
        known.append(then)


def collect(job: Job, run_folder: Path) -> None:
    """Collects a finished job, then tells those who follow its kind."""
    get(job.kind).collect(job, run_folder)
    for then in _followers.get(job.kind, ()):
        then(job)


def get(name: str) -> JobKind:
    try:
        return _kinds[name]
    except KeyError:
        raise UnknownKindError(
            f"no job kind {name!r}: there are {', '.join(sorted(_kinds)) or 'none'}"
        ) from None


def names() -> list[str]:
    return sorted(_kinds)
