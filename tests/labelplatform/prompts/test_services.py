"""Imports take all or nothing; asking a policy is a job whose answers come back as responses."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.jobs.models import Job
from labelplatform.prompts import queries, sampling, services
from labelplatform.prompts.lines import ImportRefused, read_upload
from labelplatform.prompts.models import Prompt, PromptSet, Response
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.labels.building import build_prompt_set, response_lines
from trainer import json_lines

PROMPTS: list[dict[str, Any]] = [
    {
        "id": "one",
        "prompt": [{"role": "user", "content": "Hello?"}],
        "domain": "talk",
        "language": "en",
        "mode": "creative",
    },
    {
        "id": "two",
        "prompt": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "你好？"}],
        "context": "A text.",
        "references": ["hi"],
        "slices": {"tier": "head"},
    },
]


@pytest.fixture
def prompt_set(project: Project, rosa: User) -> PromptSet:
    return services.create_prompt_set(project=project, name="talk", purpose="to talk", by=rosa)


def test_prompt_lines_come_back_as_they_went_in(prompt_set: PromptSet, rosa: User) -> None:
    done = services.import_prompts(prompt_set=prompt_set, lines=PROMPTS, by=rosa)
    assert (done.prompts, done.already_there) == (2, 0)
    assert list(queries.export_prompt_lines(prompt_set)) == PROMPTS
    assert AuditEntry.objects.filter(verb="imported prompts", by=rosa).count() == 1


def test_importing_again_adds_nothing(prompt_set: PromptSet, rosa: User) -> None:
    services.import_prompts(prompt_set=prompt_set, lines=PROMPTS, by=rosa)
    done = services.import_prompts(prompt_set=prompt_set, lines=PROMPTS, by=rosa)
    assert (done.prompts, done.already_there) == (0, 2)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({}, "line 2: found no 'id'"),
        ({"id": "x"}, "line 2: prompt:"),
        ({"id": "x", "prompt": []}, "line 2: prompt:"),
        ({"id": "x", "prompt": [{"role": "robot", "content": "x"}]}, "line 2: prompt[0]"),
        ({"id": "x", "prompt": [{"role": "user"}]}, "line 2: prompt[0]"),
        (
            {"id": "x" * 201, "prompt": PROMPTS[0]["prompt"]},
            "line 2: id: found 201 characters, wanted at most 200",
        ),
        ({"id": "x\0", "prompt": PROMPTS[0]["prompt"]}, "line 2: id: found a NUL character"),
        ({"id": "x", "prompt": [{"role": "user", "content": "\ud800"}]}, "lone surrogate"),
        ({"id": "x", "prompt": [{"role": "user", "content": "x" * 200_001}]}, "200001 characters"),
        ({"id": "x", "prompt": PROMPTS[0]["prompt"], "mode": "poetry"}, "line 2: mode:"),
        ({"id": "x", "prompt": PROMPTS[0]["prompt"], "deep": {"er": ["\0"]}}, "line 2: deep: found a NUL"),
        ({"id": "one", "prompt": PROMPTS[0]["prompt"]}, "line 1: id: 'one' stands in more than one line"),
    ],
)
def test_one_bad_line_and_nothing_is_imported(
    prompt_set: PromptSet, rosa: User, line: dict[str, Any], told: str
) -> None:
    with pytest.raises(ImportRefused) as refusal:
        services.import_prompts(prompt_set=prompt_set, lines=[PROMPTS[0], line, PROMPTS[1]], by=rosa)
    assert told in str(refusal.value)
    assert not Prompt.objects.exists()


def test_every_bad_line_is_named(prompt_set: PromptSet, rosa: User) -> None:
    with pytest.raises(ImportRefused) as refusal:
        services.import_prompts(prompt_set=prompt_set, lines=[{}, PROMPTS[0], {"id": 7}], by=rosa)
    assert [number for number, _reason in refusal.value.errors] == [1, 3]


def test_a_prompt_never_changes_under_its_id(prompt_set: PromptSet, rosa: User) -> None:
    services.import_prompts(prompt_set=prompt_set, lines=PROMPTS, by=rosa)
    changed = {**PROMPTS[0], "prompt": [{"role": "user", "content": "Something else?"}]}
    with pytest.raises(ImportRefused, match="with other content"):
        services.import_prompts(prompt_set=prompt_set, lines=[changed], by=rosa)


def test_responses_bring_their_prompts_and_keep_where_they_come_from(
    prompt_set: PromptSet, rosa: User
) -> None:
    policy = build_artifact(prompt_set.project, name="first-policy")
    lines = [*response_lines(2, 2), *response_lines(2, 1, policy="unknown-policy")]
    done = services.import_responses(prompt_set=prompt_set, lines=lines, by=rosa)
    assert (done.prompts, done.responses) == (2, 6)
    assert Response.objects.filter(policy=policy, recorded=True).count() == 4
    other = Response.objects.filter(policy=None).first()
    assert other is not None
    assert other.policy_name == "unknown-policy"
    assert (other.seed, other.sampling) == (0, {"temperature": 1.0})
    again = services.import_responses(prompt_set=prompt_set, lines=lines, by=rosa)
    assert (again.responses, again.already_there) == (0, 6)


def test_response_lines_come_back_as_they_went_in(prompt_set: PromptSet, rosa: User) -> None:
    lines = [{**line, "response_id": f"r{n}"} for n, line in enumerate(response_lines(2, 2))]
    services.import_responses(prompt_set=prompt_set, lines=lines, by=rosa)
    assert list(queries.export_response_lines(prompt_set)) == lines


def test_a_response_never_changes_under_its_id(prompt_set: PromptSet, rosa: User) -> None:
    line = {**response_lines(1, 1)[0], "response_id": "r"}
    services.import_responses(prompt_set=prompt_set, lines=[line], by=rosa)
    with pytest.raises(ImportRefused, match="with another text"):
        services.import_responses(prompt_set=prompt_set, lines=[{**line, "response": "changed"}], by=rosa)


def test_one_id_with_two_prompts_is_refused(prompt_set: PromptSet, rosa: User) -> None:
    first, second = response_lines(1, 2)
    other = {**second, "prompt": [{"role": "user", "content": "Another?"}]}
    with pytest.raises(ImportRefused, match="line 2: id: 'q0' has another prompt here than in line 1"):
        services.import_responses(prompt_set=prompt_set, lines=[first, other], by=rosa)
    assert not Response.objects.exists()


@pytest.mark.parametrize(
    "change", [{"seed": "1"}, {"seed": 2**63}, {"sampling": 3}, {"response": None}, {"response_id": 3}]
)
def test_bad_response_lines(prompt_set: PromptSet, rosa: User, change: dict[str, Any]) -> None:
    with pytest.raises(ImportRefused):
        services.import_responses(
            prompt_set=prompt_set, lines=[{**response_lines(1, 1)[0], **change}], by=rosa
        )
    assert not Prompt.objects.exists()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", 1),
        (b"\xef\xbb\xbf{}", 1),
        (b"{}\n\n{}", 2),
        (b'{"a": 1}\n{"a": NaN}\n', 2),
        (b'{"a": 1, "a": 2}', 1),
        (b'{"a": "\xff"}', 1),
        (b'{"a": "\\ud800"}', 1),
        (b"[1]", 1),
        (b"{}\r{}", 1),
        ("{}\n".encode("utf-16"), 1),
        (b"[" * 100_000, 1),
        (b'{"a":' + b"9" * 5000 + b"}", 1),
        (b"PK\x03\x04 a zip", 1),
    ],
)
def test_an_upload_that_is_no_json_lines_is_named_by_its_line(content: bytes, line: int) -> None:
    with pytest.raises(ImportRefused) as refusal:
        read_upload(content)
    assert refusal.value.errors[0][0] == line


def test_an_upload_without_a_last_newline_is_whole() -> None:
    assert read_upload(b'{"a": 1}\n{"b": 2}') == read_upload(b'{"a": 1}\n{"b": 2}\n') == [{"a": 1}, {"b": 2}]


def ask(prompt_set: PromptSet, rosa: User, **wish: Any) -> Job:
    policy = build_artifact(prompt_set.project, name=wish.pop("name", "first-policy"))
    told: dict[str, Any] = {
        "responses_per_prompt": 2,
        "sampling": {"temperature": 0.5},
        "seed": 3,
        "by": rosa,
    } | wish
    return services.request_responses(prompt_set=prompt_set, policy=policy, **told)


def test_asking_is_a_job_that_names_its_prompts_one_by_one(prompt_set: PromptSet, rosa: User) -> None:
    services.import_prompts(prompt_set=prompt_set, lines=PROMPTS, by=rosa)
    job = ask(prompt_set, rosa)
    assert (job.kind, job.queue, job.spec["prompts"]) == ("sample", "cpu", ["one", "two"])
    assert [artifact.name for artifact in job.inputs.all()] == ["first-policy"]


@pytest.mark.parametrize(
    "wish", [{"responses_per_prompt": 0}, {"responses_per_prompt": 65}, {"sampling": {"beams": 3}}]
)
def test_a_wish_that_cannot_be_granted_is_refused(
    prompt_set: PromptSet, rosa: User, wish: dict[str, Any]
) -> None:
    services.import_prompts(prompt_set=prompt_set, lines=PROMPTS, by=rosa)
    with pytest.raises(ValidationError):
        ask(prompt_set, rosa, **wish)


def test_asking_without_prompts_is_refused(prompt_set: PromptSet, rosa: User) -> None:
    with pytest.raises(ValidationError):
        ask(prompt_set, rosa)


def test_the_command_and_what_is_collected(prompt_set: PromptSet, rosa: User, tmp_path: Path) -> None:
    services.import_prompts(prompt_set=prompt_set, lines=PROMPTS, by=rosa)
    job = ask(prompt_set, rosa)
    command = sampling.command(job, tmp_path)
    assert command[1:5] == ["-m", "trainer", "sample", str(tmp_path / "prompts.jsonl")]
    assert command[command.index("--temperature") + 1] == "0.5"
    assert [line for _number, line in json_lines.read(tmp_path / "prompts.jsonl")] == PROMPTS
    told = {"policy": "first-policy", "seed": 3, "sampling": {"temperature": 0.5}}
    answers = [{**line, **told, "response": f"answer\0 {n}"} for line in PROMPTS for n in range(2)]
    json_lines.write_atomically(tmp_path / "out" / "responses.jsonl", answers)
    sampling.collect(job, tmp_path)
    found = list(Response.objects.order_by("pk"))
    assert [response.prompt.key for response in found] == ["one", "one", "two", "two"]
    assert {(response.job_id, response.recorded, response.policy_name) for response in found} == {
        (job.pk, False, "first-policy")
    }
    assert found[1].text == "answer\ufffd 1"


def test_two_jobs_may_give_the_same_answer(prompt_set: PromptSet, rosa: User, tmp_path: Path) -> None:
    services.import_prompts(prompt_set=prompt_set, lines=PROMPTS[:1], by=rosa)
    for seed in (1, 2):
        job = ask(prompt_set, rosa, seed=seed, name=f"policy-{seed}")
        line = {**PROMPTS[0], "policy": "p", "seed": seed, "sampling": {}, "response": "the same"}
        json_lines.write_atomically(tmp_path / "out" / "responses.jsonl", [line])
        sampling.collect(job, tmp_path)
    assert Response.objects.count() == 2


def test_a_set_is_read_in_few_statements(
    project: Project, rosa: User, django_assert_num_queries: Any
) -> None:
    for count in (2, 30):
        prompt_set = build_prompt_set(project, rosa, prompts=count, name=f"{count}")
        with django_assert_num_queries(2):
            for prompt in queries.prompts_with_responses(prompt_set):
                assert all(response.policy_name for response in prompt.responses.all())
