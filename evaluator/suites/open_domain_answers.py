"""What the open-domain variants share: questions, the subject's answers, and a report of samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evaluator.errors import BadInput
from evaluator.json_lines import sha256_of_lines
from evaluator.metrics.closed_book import abstains, question_text
from evaluator.progress import Progress
from evaluator.prompts import PromptLine, read_prompts, read_responses
from evaluator.report_files import Metric, Report, data_file
from evaluator.specs import RunSpec
from evaluator.subjects import Answers, open_subject
from evaluator.suites.contamination import asked_text, with_contamination
from evaluator.suites.samples import Sample, metrics_of, not_measured, report_of, slices_of


@dataclass(frozen=True)
class Asked:
    """The questions in the order of their ids, and the subject's answers to them."""

    data: Path
    questions: Sequence[PromptLine]
    answers: Answers


@dataclass(frozen=True)
class Outcome:
    """What a variant found: a sample for each question, further metrics, and further keys of the report."""

    samples: Sequence[Sample]
    metrics: Sequence[Metric] = ()
    extra: Mapping[str, object] = field(default_factory=dict)


def ask(spec: RunSpec, progress: Progress, suite: str) -> Asked:
    """The questions of `spec.data`, or of the subject's own response lines, and the answers to them.

    Refuses a response whose prompt is not the question's.
    """
    if spec.data is None and not Path(spec.subject).is_file():
        raise BadInput(f"--data: found nothing, wanted a file of questions for {suite}")
    data = spec.data or Path(spec.subject)
    questions = (read_prompts(data) if spec.data else read_responses(data))[: spec.limit]
    questions.sort(key=lambda question: question.id)
    answers = open_subject(spec, questions, progress)
    for question in questions:
        answer = answers.responses.get(question.id)
        if answer is not None and answer.messages != question.messages:
            raise BadInput(
                f"{answer.where}: prompt: found another one, wanted that of question {question.id!r}"
            )
    return Asked(data, questions, answers)


def sort_out(asked: Asked) -> tuple[list[Sample], list[tuple[PromptLine, str]]]:
    """Samples of what cannot be scored (no response, an empty one, an abstention); the others with their response."""
    done, open_ = [], []
    for question in asked.questions:
        answer = asked.answers.responses.get(question.id)
        response = "" if answer is None else str(answer.line["response"])
        shown = {"question": question_text(question.line), "response": response}
        slices = slices_of(question.line, question.where)
        if answer is None:
            done.append(
                Sample(question.id, slices, {}, {**shown, "not_measured": "no response with this id"})
            )
        elif not response.strip():
            done.append(Sample(question.id, slices, {}, {**shown, "not_measured": "the response is empty"}))
        elif abstains(response, question_text(question.line)):
            done.append(Sample(question.id, slices, {"abstained": 1.0}, shown))
        else:
            open_.append((question, response))
    return done, open_


def report(
    spec: RunSpec, asked: Asked, found: Outcome, *, suite: str, directions: Mapping[str, str], started: float
) -> Report:
    """The report of the samples found, in the order of their ids."""
    texts_asked = {one.id: asked_text(one.line) for one in asked.questions}
    samples, contaminated = with_contamination(spec, found.samples, texts_asked)
    keys = ("id", "prompt", "references")
    items = ({key: one.line[key] for key in keys if key in one.line} for one in asked.questions)
    return report_of(
        spec,
        suite,
        spec.variant or "",
        samples,
        metrics=[
            *metrics_of(samples, directions, seed=spec.seed, resamples=spec.resamples),
            *found.metrics,
            *contaminated,
        ],
        data={**data_file(asked.data), "items_sha256": sha256_of_lines(items)},
        extra={"subject_detail": asked.answers.detail, "not_measured": not_measured(samples), **found.extra},
        started=started,
    )
