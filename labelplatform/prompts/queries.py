"""Reading prompts and responses."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Prefetch, QuerySet

from labelplatform.accounts.models import Project
from labelplatform.jobs.models import Job
from labelplatform.prompts.models import Prompt, PromptSet, Response


def prompt_sets(project: Project) -> QuerySet[PromptSet]:
    """The project's prompt sets with `prompt_count` and `response_count`, newest first."""
    return (
        PromptSet.objects.filter(project=project)
        .annotate(
            prompt_count=Count("prompts", distinct=True),
            response_count=Count("prompts__responses", distinct=True),
        )
        .order_by("-pk")
    )


def prompts_with_responses(prompt_set: PromptSet) -> QuerySet[Prompt]:
    """The set's prompts, each with its responses and who wrote them, in three statements."""
    responses = Response.objects.select_related("policy", "author", "job").order_by("pk")
    return prompt_set.prompts.prefetch_related(Prefetch("responses", queryset=responses)).order_by("pk")


def prompts_with_enough_responses(prompt_set: PromptSet, fewest: int = 2) -> QuerySet[Prompt]:
    """The set's prompts that have so many answers to judge, each with its responses."""
    counted = prompts_with_responses(prompt_set).annotate(response_count=Count("responses"))
    return counted.filter(response_count__gte=fewest)


def sampling_jobs(prompt_set: PromptSet) -> QuerySet[Job]:
    """The jobs that answered (or are answering) prompts of a set, newest first."""
    return Job.objects.filter(
        project=prompt_set.project_id, kind="sample", spec__prompt_set=prompt_set.pk
    ).order_by("-pk")


@dataclass(frozen=True)
class Writer:
    """How many responses of a set one policy (or import, or person) wrote."""

    name: str
    recorded: bool
    responses: int


def writers(prompt_set: PromptSet) -> list[Writer]:
    """Who wrote a set's responses, most first."""
    rows = (
        Response.objects.filter(prompt__prompt_set=prompt_set)
        .values_list("policy__name", "provenance__policy", "author__username", "recorded")
        .annotate(responses=Count("pk"))
        .order_by("-responses", "policy__name")
    )
    return [
        Writer(str(policy or told or author or ""), bool(recorded), int(count))
        for policy, told, author, recorded, count in rows
    ]


def prompt_line(prompt: Prompt) -> dict[str, object]:
    """The public prompt line of a prompt."""
    line: dict[str, object] = {"id": prompt.key, "prompt": prompt.messages}
    for name in ("context", "domain", "language", "mode"):
        if value := getattr(prompt, name):
            line[name] = value
    return {**line, **prompt.detail}


def export_prompt_lines(prompt_set: PromptSet) -> Iterator[dict[str, object]]:
    """The set's public prompt lines, in the order they came in."""
    for prompt in prompt_set.prompts.order_by("pk").iterator(chunk_size=500):
        yield prompt_line(prompt)


def export_response_lines(prompt_set: PromptSet) -> Iterator[dict[str, object]]:
    """The set's public response lines, in prompt order."""
    for prompt in prompts_with_responses(prompt_set).iterator(chunk_size=500):
        for response in prompt.responses.all():
            yield {
                **prompt_line(prompt),
                "response": response.text,
                "policy": response.policy_name,
                "seed": response.seed,
                "sampling": response.sampling,
                "response_id": response.key,
            }
