"""Writing prompts and responses: imports that take all or nothing, and asking a policy for answers."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project, User
from labelplatform.accounts.services import record
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import enqueue
from labelplatform.prompts import lines as line_rules
from labelplatform.prompts.lines import ImportRefused, PromptLine, ResponseLine
from labelplatform.prompts.models import Prompt, PromptSet, Response

BATCH = 500


class PromptSetRefused(Exception):
    """A prompt set that cannot be made; the message is for the person."""


@dataclass(frozen=True)
class Imported:
    """What an import did."""

    prompts: int = 0
    responses: int = 0
    already_there: int = 0


@transaction.atomic
def create_prompt_set(*, project: Project, name: str, by: User | None, purpose: str = "") -> PromptSet:
    """Make a new, empty prompt set."""
    if PromptSet.objects.filter(project=project, name=name).exists():
        raise PromptSetRefused(_("This project has a prompt set of that name already."))
    prompt_set = PromptSet.objects.create(project=project, name=name, purpose=purpose)
    record(by=by, verb="created", obj=prompt_set, project=project, name=name)
    return prompt_set


@transaction.atomic
def import_prompts(*, prompt_set: PromptSet, lines: Iterable[Mapping[str, object]], by: User) -> Imported:
    """Add prompt lines to a set, all or nothing; a prompt that is there already with the same content is left."""
    parsed = line_rules.parse_all(lines, line_rules.parse_prompt)
    _refuse_repeated([line.key for line in parsed], "id")
    added = _add_prompts(prompt_set, list(enumerate(parsed, 1)))
    done = Imported(prompts=added, already_there=len(parsed) - added)
    record(by=by, verb="imported prompts", obj=prompt_set, project=prompt_set.project, prompts=added)
    return done


@transaction.atomic
def store_prompts(*, prompt_set: PromptSet, parsed: Sequence[PromptLine], by: User | None) -> Imported:
    """Add checked prompts, of which several may be the same; what is there already with the same content is left."""
    prompts: dict[str, tuple[int, PromptLine]] = {}
    for number, line in enumerate(parsed, 1):
        prompts.setdefault(line.key, (number, line))
    _refuse_different_prompts(parsed, prompts)
    added = _add_prompts(prompt_set, list(prompts.values()))
    record(by=by, verb="imported prompts", obj=prompt_set, project=prompt_set.project, prompts=added)
    return Imported(prompts=added)


@transaction.atomic
def import_responses(
    *,
    prompt_set: PromptSet,
    lines: Iterable[Mapping[str, object]],
    by: User | None,
    policy: Artifact | None = None,
    recorded: bool = True,
    job: Job | None = None,
) -> Imported:
    """Add response lines and the prompts they name, all or nothing.

    `policy` is the artifact that wrote them; without it each line's policy is looked up by name among the project's
    artifacts, and a name that is not there is kept as text.
    """
    parsed = line_rules.parse_all(lines, line_rules.parse_response)
    return store_responses(
        prompt_set=prompt_set, parsed=parsed, by=by, policy=policy, recorded=recorded, job=job
    )


@transaction.atomic
def store_responses(
    *,
    prompt_set: PromptSet,
    parsed: Sequence[ResponseLine],
    by: User | None,
    policy: Artifact | None = None,
    recorded: bool = True,
    job: Job | None = None,
) -> Imported:
    """Add checked responses and the prompts they answer; what is there already with the same content is left."""
    prompts: dict[str, tuple[int, PromptLine]] = {}
    for number, line in enumerate(parsed, 1):
        prompts.setdefault(line.prompt.key, (number, line.prompt))
    _refuse_different_prompts([line.prompt for line in parsed], prompts)
    added = _add_prompts(prompt_set, list(prompts.values()))
    writers = _policies(prompt_set.project, {line.policy for line in parsed}) if policy is None else {}
    by_key = {prompt.key: prompt for prompt in prompt_set.prompts.filter(key__in=prompts)}
    rows = [
        Response(
            prompt=by_key[line.prompt.key],
            key=key,
            text=line.text,
            policy=policy or writers.get(line.policy),
            job=job,
            recorded=recorded,
            sampling=line.sampling,
            seed=line.seed,
            provenance=_provenance(line),
        )
        for line, key in zip(parsed, _response_keys(parsed), strict=True)
    ]
    made = _add_responses(rows)
    detail = {"responses": made, "prompts": added, "recorded": recorded}
    record(by=by, verb="imported responses", obj=prompt_set, project=prompt_set.project, **detail)
    return Imported(prompts=added, responses=made, already_there=len(rows) - made)


@transaction.atomic
def request_responses(
    *,
    prompt_set: PromptSet,
    policy: Artifact,
    responses_per_prompt: int,
    sampling: Mapping[str, object],
    seed: int,
    by: User | None,
    prompts: Sequence[Prompt] | None = None,
) -> Job:
    """Ask a policy for answers to a set's prompts (or to some of them): a job whose answers come back as responses."""
    chosen = prompt_set.prompts.all() if prompts is None else prompts
    spec: dict[str, object] = {
        "prompt_set": prompt_set.pk,
        # Named one by one: a set may grow, the promise of this job may not.
        "prompts": [prompt.key for prompt in chosen],
        "policy": policy.pk,
        "responses_per_prompt": responses_per_prompt,
        "sampling": dict(sampling),
        "seed": seed,
    }
    return enqueue(kind="sample", spec=spec, project=prompt_set.project, by=by, inputs=[policy])


def _refuse_repeated(keys: list[str], name: str) -> None:
    seen = Counter(keys)
    errors = [
        (n, f"{name}: {key!r} stands in more than one line") for n, key in enumerate(keys, 1) if seen[key] > 1
    ]
    if errors:
        raise ImportRefused(errors)


def _refuse_different_prompts(
    parsed: Sequence[PromptLine], prompts: dict[str, tuple[int, PromptLine]]
) -> None:
    """Refuse lines that give one prompt id two contents."""
    errors = []
    for number, line in enumerate(parsed, 1):
        first, prompt = prompts[line.key]
        if line != prompt:
            errors.append((number, f"id: {line.key!r} has another prompt here than in line {first}"))
    if errors:
        raise ImportRefused(errors)


def _add_prompts(prompt_set: PromptSet, numbered: list[tuple[int, PromptLine]]) -> int:
    """Insert the prompts that are new; refuse one whose id is there with other content. Returns how many were new."""
    there = {row.key: row for row in prompt_set.prompts.filter(key__in=[line.key for _, line in numbered])}
    errors = [
        (number, f"id: {line.key!r} is in this prompt set already, with other content")
        for number, line in numbered
        if line.key in there and not _same_prompt(there[line.key], line)
    ]
    if errors:
        raise ImportRefused(errors)
    new = [_prompt_row(prompt_set, line) for _, line in numbered if line.key not in there]
    Prompt.objects.bulk_create(new, batch_size=BATCH)
    return len(new)


def _same_prompt(row: Prompt, line: PromptLine) -> bool:
    there = PromptLine(
        row.key, row.messages, row.context, row.domain, row.language, row.mode, detail=row.detail
    )
    # A response line need not repeat what the prompt line said beside the prompt itself.
    bare = replace(line, context=line.context or there.context, detail=line.detail or there.detail)
    bare = replace(bare, domain=bare.domain or there.domain, language=bare.language or there.language)
    return replace(bare, mode=bare.mode or there.mode) == there


def _prompt_row(prompt_set: PromptSet, line: PromptLine) -> Prompt:
    return Prompt(
        prompt_set=prompt_set,
        key=line.key,
        messages=line.messages,
        context=line.context,
        domain=line.domain,
        language=line.language,
        mode=line.mode,
        detail=line.detail,
    )


def _provenance(line: ResponseLine) -> dict[str, object]:
    """What the line said about the answer that has no column; it comes back on export."""
    told: dict[str, object] = {"policy": line.policy} if line.policy else {}
    return {**told, "extra": line.extra} if line.extra else told


def _policies(project: Project, names: set[str]) -> dict[str, Artifact]:
    return {
        artifact.name: artifact
        for artifact in Artifact.objects.filter(project=project, name__in=names - {""})
    }


def _response_keys(parsed: Sequence[ResponseLine]) -> list[str]:
    """A key for each line: its own, else a digest of where it comes from, so that a second import adds nothing."""
    seen: Counter[str] = Counter()
    keys = []
    for line in parsed:
        origin = json.dumps([line.prompt.key, line.policy, line.seed, line.sampling], sort_keys=True)
        digest = hashlib.sha256(origin.encode()).hexdigest()[:12]
        seen[digest] += 1
        keys.append(line.key or f"{digest}-{seen[digest]}")
    return keys


def _add_responses(rows: list[Response]) -> int:
    """Insert the responses that are new; refuse a key that is there with another text. Returns how many were new."""
    prompts = {row.prompt.pk for row in rows}
    there = {
        (prompt, key): text
        for prompt, key, text in Response.objects.filter(prompt__in=prompts).values_list(
            "prompt", "key", "text"
        )
    }
    errors, new = [], []
    for number, row in enumerate(rows, 1):
        place = (row.prompt.pk, row.key)
        if place not in there:
            there[place] = row.text
            new.append(row)
        elif there[place] != row.text:
            errors.append((number, f"response_id: {row.key!r} is there already, with another text"))
    if errors:
        raise ImportRefused(errors)
    Response.objects.bulk_create(new, batch_size=BATCH)
    return len(new)
