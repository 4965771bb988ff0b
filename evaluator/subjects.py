"""Who is measured: recorded response lines, or a model folder that answers here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evaluator.errors import BadInput
from evaluator.json_lines import sha256_of_file
from evaluator.progress import Progress
from evaluator.prompts import PromptLine, read_responses
from evaluator.specs import RunSpec


@dataclass(frozen=True)
class Answers:
    """The responses of a subject by question id, as response lines, and what the report says of the subject."""

    responses: Mapping[str, PromptLine]
    detail: Mapping[str, object] = field(default_factory=dict)


def open_subject(spec: RunSpec, questions: Sequence[PromptLine], progress: Progress) -> Answers:
    """The answers of `spec.subject` to the questions. Refuses what is neither a file nor a model folder."""
    path = Path(spec.subject)
    if path.is_dir():
        return _generated(spec, questions, progress)
    if spec.subject.startswith(("http://", "https://")):
        raise BadInput(
            f"--subject {spec.subject}: found a URL, wanted response lines or a model folder; "
            "endpoints come with issue 5 (evaluator: hallucination and honesty)"
        )
    answers = _recorded(path)
    progress.step(len(questions), len(questions))
    return answers


def _recorded(path: Path) -> Answers:
    lines = read_responses(path)
    policies = sorted({str(line.line["policy"]) for line in lines})
    detail = {"kind": "responses", "path": str(path), "sha256": sha256_of_file(path), "policies": policies}
    return Answers({line.id: line for line in lines}, detail)


def _generated(spec: RunSpec, questions: Sequence[PromptLine], progress: Progress) -> Answers:
    """One response a question; noise depends on seed and question, so no batch size changes an answer."""
    # Loaded here only: recorded responses, --help and bad input must not wait for a model library.
    from trainer.language_models import (
        ModelFolderError,
        PromptTooLongError,
        SamplingSettings,
        decode_response,
        encode_prompt,
        generate,
        load_language_model,
    )

    settings = SamplingSettings(temperature=spec.temperature, max_new_tokens=spec.max_new_tokens)
    try:
        model = load_language_model(spec.subject, device=spec.device, precision=spec.precision)
        prompts = [encode_prompt(model.tokenizer, question.messages) for question in questions]
        generated = generate(
            model,
            prompts,
            responses_per_prompt=1,
            settings=settings,
            seed=spec.seed,
            batch_size=spec.batch_size,
            told=lambda done: progress.step(done, len(questions)),
        )
    except (ModelFolderError, PromptTooLongError) as error:
        raise BadInput(f"--subject {spec.subject}: {error}") from error
    sampling = {"temperature": spec.temperature, "max_new_tokens": spec.max_new_tokens}
    policy = Path(spec.subject).name
    responses = {}
    for question, (answer,) in zip(questions, generated, strict=True):
        said = {"response": decode_response(model.tokenizer, answer.response_ids), "policy": policy}
        line = {**question.line, **said, "seed": spec.seed, "sampling": sampling}
        responses[question.id] = PromptLine(question.id, question.messages, line, question.where)
    weights = {file.name: sha256_of_file(file) for file in sorted(Path(spec.subject).glob("*.safetensors"))}
    detail = {"kind": "model-folder", "path": spec.subject, "sha256": weights, "sampling": sampling}
    return Answers(responses, {**detail, "precision": spec.precision})
