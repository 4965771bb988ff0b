"""Suite hallucination-open-domain: does the model invent when it is asked about the world?

Variant closed-book: questions with reference answers and no text to look them up in. Each response is right,
abstained or wrong by the rule of `metrics.closed_book`; `wrong` is the hallucination rate, `grade` is right 1,
abstained 0.5, wrong 0 (0.5 is what abstaining from everything earns). The variants self-consistency-… and
supported-facts… are told in modules of their own.
"""

import time
from collections.abc import Mapping
from pathlib import Path

from evaluator.errors import BadInput
from evaluator.json_lines import dump, sha256_of_lines
from evaluator.metrics.closed_book import grade_response, question_text
from evaluator.metrics.normalisation import words
from evaluator.progress import Progress
from evaluator.prompts import PromptLine, read_prompts, texts
from evaluator.report_files import Report, data_file
from evaluator.specs import RunSpec
from evaluator.subjects import open_subject
from evaluator.suites import open_domain_consistency, open_domain_facts
from evaluator.suites.contamination import asked_text, with_contamination
from evaluator.suites.samples import Sample, metrics_of, not_measured, report_of, slices_of

NAME = "hallucination-open-domain"
VARIANTS = ("closed-book", *open_domain_consistency.FORMS, *open_domain_facts.FORMS)
DIRECTIONS = {"right": "higher", "abstained": "neither", "wrong": "lower", "grade": "higher"}


def run(spec: RunSpec, progress: Progress) -> Report:
    """The report of one subject on the questions of `spec.data` (the first `limit` of them).

    Refuses questions without references, a response whose prompt is not the question's, and data that are not given.
    """
    if spec.variant in open_domain_consistency.FORMS:
        return open_domain_consistency.run(spec, progress, NAME)
    if spec.variant in open_domain_facts.FORMS:
        return open_domain_facts.run(spec, progress, NAME)
    started = time.monotonic()
    if spec.data is None:
        raise BadInput(f"--data: found nothing, wanted a file of questions with references for {NAME}")
    questions = read_questions(spec.data)[: spec.limit]
    answers = open_subject(spec, questions, progress)
    samples = [_sample(question, answers.responses.get(question.id)) for question in questions]
    texts_asked = {one.id: asked_text(one.line) for one in questions}
    samples, contaminated = with_contamination(spec, samples, texts_asked)
    asked = {question.id for question in questions}
    return report_of(
        spec,
        NAME,
        spec.variant or VARIANTS[0],
        samples,
        metrics=[
            *metrics_of(samples, DIRECTIONS, seed=spec.seed, resamples=spec.resamples),
            *contaminated,
        ],
        data={**data_file(spec.data), "items_sha256": sha256_of_lines(one.line for one in questions)},
        extra={
            "subject_detail": answers.detail,
            "questions_without_response": not_measured(samples),
            "responses_without_question": sorted(answers.responses.keys() - asked),
        },
        started=started,
    )


def read_questions(path: Path) -> list[PromptLine]:
    """Prompt lines with `references`. Refuses a line without one, and a reference without a letter or a digit."""
    questions = read_prompts(path)
    for question in questions:
        for reference in texts(question.line, "references", question.where):
            if not words(reference):
                raise BadInput(
                    f"{question.where}: references: found {reference!r}, wanted answers with a word in them"
                )
        if "candidates" in question.line:
            texts(question.line, "candidates", question.where)
    return questions


def _sample(question: PromptLine, answer: PromptLine | None) -> Sample:
    line = question.line
    slices = slices_of(line, question.where)
    references = texts(line, "references", question.where)
    asked = question_text(line)
    if answer is None:
        shown: Mapping[str, object] = {"question": asked, "not_measured": "no response with this id"}
        return Sample(question.id, slices, {}, {**shown, "references": references})
    if answer.messages != question.messages:
        raise BadInput(
            f"{answer.where}: prompt: found {dump({'prompt': answer.line['prompt']})[:80]}, "
            f"wanted the prompt of question {question.id!r}"
        )
    response = str(answer.line["response"])
    candidates = texts(line, "candidates", question.where) if "candidates" in line else []
    grade = grade_response(response, references, question=asked, candidates=candidates)
    shown = {
        "question": asked,
        "references": references,
        "response": response,
        "policy": answer.line["policy"],
    }
    # How a program came to it, where one did.
    more = {"program_run": answer.line["program_run"]} if "program_run" in answer.line else {}
    told = {**shown, **more, "outcome": grade.outcome, "reason": grade.reason}
    return Sample(question.id, slices, grade.scores(), told)
