"""The responses of a subject to prompt lines: recorded ones, or written now in one of the ways to ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evaluator.errors import BadInput
from evaluator.json_lines import sha256_of_file
from evaluator.progress import Progress
from evaluator.prompting import (
    REASONING_TOKENS,
    STEP_BY_STEP,
    asked_messages,
    conclusion_messages,
    examples_for,
    final_answer,
    majority,
    paths_of,
    refuse_misfits,
    temperature_of,
)
from evaluator.prompts import PromptLine, read_responses
from evaluator.specs import RunSpec
from evaluator.subjects.generating import Request, generate_texts
from evaluator.subjects.programs import Programs
from evaluator.subjects.response_cache import FILE_NAME, ResponseCache
from evaluator.subjects.retrieval import Retrieval, wrapped_messages

MAX_NEW_TOKENS = 32
Detail = Mapping[str, object]


@dataclass(frozen=True)
class Answers:
    """The responses of a subject by question id, as response lines, and what the report says of the subject."""

    responses: Mapping[str, PromptLine]
    detail: Detail = field(default_factory=dict)


def open_subject(spec: RunSpec, questions: Sequence[PromptLine], progress: Progress) -> Answers:
    """The answers of `spec.subject` to the questions. Refuses what is neither a file, a model folder nor a URL.

    Asked for programs, it answers what its programs do; recorded responses are then programs that were written before.
    """
    refuse_misfits(spec)
    if spec.prompting != "program":
        return _answers(spec, questions, progress, None)
    # The sandbox first: where there is none, no model is asked.
    with Programs() as programs:
        return _of_programs(programs, _answers(spec, questions, progress, programs), questions)


def _answers(
    spec: RunSpec, questions: Sequence[PromptLine], progress: Progress, programs: Programs | None
) -> Answers:
    if not spec.subject.startswith(("http://", "https://")) and not Path(spec.subject).is_dir():
        if spec.prompting not in ("plain", "program") or spec.knowledge is not None:
            raise BadInput(
                f"--subject {spec.subject}: found recorded responses, wanted a model to ask by --prompting "
                "or --knowledge"
            )
        answers = _recorded(Path(spec.subject))
        progress.step(len(questions), len(questions))
        return answers
    return _asked_now(spec, questions, progress, programs)


def _of_programs(programs: Programs, answers: Answers, questions: Sequence[PromptLine]) -> Answers:
    """The same answers where each program that answers a question is run; those it cannot be told of are left out."""
    found = dict(answers.responses)
    for name in (one.id for one in questions if one.id in found):
        written = found.pop(name)
        ran, program = programs.run(str(written.line["response"]))
        if ran.outcome != "not-measured":
            said = {
                "response": ran.answer,
                "written": [written.line["response"]],
                "program_run": ran.record(program),
            }
            found[name] = replace(written, line={**written.line, **said})
    return Answers(found, {**answers.detail, "programs": programs.detail})


def _recorded(path: Path) -> Answers:
    lines = read_responses(path)
    policies = sorted({str(line.line["policy"]) for line in lines})
    detail = {"kind": "responses", "path": str(path), "sha256": sha256_of_file(path), "policies": policies}
    return Answers({line.id: line for line in lines}, detail)


def _asked_now(
    spec: RunSpec, questions: Sequence[PromptLine], progress: Progress, programs: Programs | None
) -> Answers:
    """One response a question; noise depends on seed and question, so no batch size changes an answer."""
    cache = ResponseCache(spec.out / FILE_NAME)
    wrapper = Retrieval(spec.knowledge) if spec.knowledge else None
    tokens = spec.max_new_tokens or (MAX_NEW_TOKENS if spec.prompting == "plain" else REASONING_TOKENS)
    requests = [
        Request(
            asked_messages(
                spec,
                wrapped_messages(programs, wrapped_messages(wrapper, one.messages)),
                examples_for(spec, one, questions),
            ),
            max_new_tokens=tokens,
            temperature=temperature_of(spec),
            paths=paths_of(spec),
        )
        for one in questions
    ]
    texts, told = generate_texts(spec, requests, cache, lambda done: progress.step(done, len(questions)))
    finals = _final_texts(spec, requests, texts, cache)
    sampling = {"temperature": temperature_of(spec), "max_new_tokens": tokens}
    policy = spec.model or Path(spec.subject).name
    responses = {}
    for question, (final, more), paths in zip(questions, finals, texts, strict=True):
        said = {"response": final, "policy": policy, "seed": spec.seed, "sampling": sampling, **more}
        if final != paths[0] or len(paths) > 1:
            said["written"] = paths
        line = {**question.line, **said}
        responses[question.id] = PromptLine(question.id, question.messages, line, question.where)
    detail: dict[str, object] = {**told, "sampling": sampling, "prompting": spec.prompting}
    if wrapper is not None:
        detail["wrapper"] = wrapper.detail
    return Answers(responses, detail)


def _final_texts(
    spec: RunSpec, requests: Sequence[Request], texts: Sequence[Sequence[str]], cache: ResponseCache
) -> list[tuple[str, dict[str, object]]]:
    """What counts as each response, and what is kept beside it: the reasoning apart from the answer it ends in."""
    if spec.prompting == "self-consistency":
        chosen = [majority(paths) for paths in texts]
        return [(answer, {"votes": votes}) for answer, votes in chosen]
    if spec.prompting == "chain-of-thought":
        return [(final_answer(paths[0]), {}) for paths in texts]
    if spec.prompting == "step-by-step":
        assert all(STEP_BY_STEP in request.messages[-1].content for request in requests)
        second = [
            replace(
                request,
                messages=conclusion_messages(request.messages, paths[0]),
                max_new_tokens=MAX_NEW_TOKENS,
            )
            for request, paths in zip(requests, texts, strict=True)
        ]
        answers, _ = generate_texts(spec, second, cache, lambda _done: None)
        return [(final_answer(answer), {}) for (answer,) in answers]
    return [(paths[0], {}) for paths in texts]
