"""Variants self-consistency-…: does the model tell the same when it is asked again (SelfCheckGPT)?

Recorded response lines bring `samples`, a list of further responses to the same prompt; a model folder is asked
`--samples` times more at temperature 1. `inconsistency` is the mean over sentences; where questions have references,
its AUROC of telling wrong answers from right ones (by the closed-book rule) stands in group answers=graded.
"""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from evaluator.errors import BadInput
from evaluator.metrics.closed_book import grade_response, question_text
from evaluator.progress import Progress
from evaluator.prompts import PromptLine, texts
from evaluator.report_files import Metric, Report
from evaluator.specs import RunSpec
from evaluator.statistics.detection import Labelled, auroc, interval_of
from evaluator.statistics.intervals import generator
from evaluator.subjects import open_subject
from evaluator.suites.open_domain_answers import Asked, Outcome, ask, report, sort_out
from evaluator.suites.samples import Sample, slices_of
from evaluator.support.encoder import Encoder, shipped_encoder_folder
from evaluator.support.nli import NliModel
from evaluator.support.self_consistency import (
    Inconsistency,
    Sampled,
    by_embeddings,
    by_entailment,
    by_ngrams,
)

FORMS = ("self-consistency-ngram", "self-consistency-nli", "self-consistency-embedding")
DIRECTIONS = {"inconsistency": "lower", "inconsistency_max": "lower", "abstained": "neither"}


def run(spec: RunSpec, progress: Progress, suite: str) -> Report:
    """The report of one form. A question whose response has no samples is not measured."""
    started = time.monotonic()
    if spec.variant == FORMS[1] and spec.scorer is None:
        raise BadInput(
            f"--scorer: found nothing, wanted the folder of an NLI model for variant {spec.variant}"
        )
    asked = ask(spec, progress, suite)
    samples, others = sort_out(asked)
    again = _samples(spec, asked, progress)
    told = [(question, response, again.get(question.id, ())) for question, response in others]
    scored = [Sampled(response, more) for _, response, more in told if more]
    found = iter(_scores(spec, scored, progress))
    graded: list[tuple[float, float, str]] = []
    for question, response, more in told:
        shown: dict[str, object] = {"question": question_text(question.line), "response": response}
        shown["samples"] = list(more)
        slices = slices_of(question.line, question.where)
        if not more:
            samples.append(Sample(question.id, slices, {}, {**shown, "not_measured": "no further samples"}))
            continue
        one = next(found)
        scores = {"inconsistency": one.value, "inconsistency_max": one.more["max"], "abstained": 0.0}
        shown["sentences"] = [{"text": part, "inconsistency": value} for part, value in one.sentences]
        samples.append(Sample(question.id, slices, scores, shown))
        if "references" in question.line:
            graded.append((one.value, _wrong(question, response), question.id))
    return report(
        spec,
        asked,
        Outcome(samples, _tells(graded, spec)),
        suite=suite,
        directions=DIRECTIONS,
        started=started,
    )


def _samples(spec: RunSpec, asked: Asked, progress: Progress) -> dict[str, tuple[str, ...]]:
    """Further responses to each question: recorded ones, or the model's at temperature 1 with seeds of their own."""
    if Path(spec.subject).is_file():
        return {
            name: tuple(texts(answer.line, "samples", answer.where))
            for name, answer in asked.answers.responses.items()
            if "samples" in answer.line
        }
    found: dict[str, tuple[str, ...]] = {}
    for number in range(1, spec.samples + 1):
        once = replace(spec, temperature=1.0, seed=spec.seed + number)
        for name, answer in open_subject(once, asked.questions, progress).responses.items():
            found[name] = (*found.get(name, ()), str(answer.line["response"]))
    return found


def _scores(spec: RunSpec, scored: list[Sampled], progress: Progress) -> list[Inconsistency]:
    if not scored or spec.variant == FORMS[0]:
        return [by_ngrams(one) for one in scored]
    if spec.variant == FORMS[2]:
        return by_embeddings(scored, Encoder(shipped_encoder_folder()))
    assert spec.scorer is not None
    return by_entailment(scored, NliModel(spec.scorer), progress.step)


def _wrong(question: PromptLine, response: str) -> float:
    references = texts(question.line, "references", question.where)
    grade = grade_response(response, references, question=question_text(question.line))
    return float(grade.outcome != "right")


def _tells(graded: list[tuple[float, float, str]], spec: RunSpec) -> list[Metric]:
    """The AUROC of inconsistency, wrong answers being the positives."""
    if not graded:
        return []
    scores = np.array([value for value, _, _ in graded])
    wrong = np.array([label for _, label, _ in graded])
    labelled = Labelled(wrong, [name for _, _, name in graded], ["all"] * len(graded))
    rng = generator(spec.seed, "tells wrong from right")
    found = interval_of(lambda w: auroc(scores, wrong, w), labelled, rng=rng, resamples=spec.resamples)
    bounds = (found.value, found.low, found.high, found.n)
    return [Metric("auroc", *bounds, "answers=graded", found.reason, found.method, "higher")]
