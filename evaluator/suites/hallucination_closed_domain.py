"""Suite hallucination-closed-domain: does the model invent when a text lies before it?

Each response is split into sentences and scored for support by its context: by the detector, or by an NLI model
(variants summac-zs and chunk-max). `hallucinated` is the share of responses below the scorer's threshold, which was
fixed on other data; `invented_sentences` the share of sentences below it. Responses that only say that they do not
know claim nothing: they are `abstained` and no hallucination. Human spans (`--labels`) of the same responses add
AUROC, AUPRC and balanced accuracy, of responses and of sentences.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluator.errors import BadInput
from evaluator.json_lines import sha256_of_lines
from evaluator.metrics.closed_book import abstains, question_text
from evaluator.progress import Progress
from evaluator.prompts import Message, PromptLine, read_prompts, read_responses
from evaluator.report_files import Metric, Report, data_file
from evaluator.spans import text_digest
from evaluator.specs import RunSpec
from evaluator.statistics.detection import Labelled
from evaluator.subjects import open_subject
from evaluator.suites.contamination import asked_text, with_contamination
from evaluator.suites.samples import Sample, metrics_of, not_measured, report_of, slices_of
from evaluator.support.detector import Pair, Support
from evaluator.support.passages import Labelled as SpanLabel
from evaluator.support.passages import read_labelled
from evaluator.support.scorers import VARIANTS as SCORERS
from evaluator.support.scorers import open_scorer
from evaluator.support.training import detection_metrics, supported

NAME = "hallucination-closed-domain"
VARIANTS = SCORERS
DIRECTIONS = {
    "support": "higher",
    "hallucinated": "lower",
    "invented_sentences": "lower",
    "abstained": "neither",
}


@dataclass(frozen=True)
class Item:
    """One question with the response to it (None: there is none)."""

    question: PromptLine
    answer: PromptLine | None

    def pair(self) -> Pair:
        """The context and the response, "" for what is not there."""
        context = self.question.line.get("context", "")
        return Pair(str(context), "" if self.answer is None else str(self.answer.line["response"]))

    def slices(self, policies: int) -> dict[str, str]:
        """The question's slices, and the policy where several answered."""
        found = slices_of(self.question.line, self.question.where)
        return (
            found
            if policies < 2 or self.answer is None
            else {**found, "policy": str(self.answer.line["policy"])}
        )


def run(spec: RunSpec, progress: Progress) -> Report:
    """The report of one subject on the questions of `spec.data` (without it: on those its response lines hold).

    A question without a context or without a response is not measured. Refuses a response whose prompt is not the
    question's, and labels of other texts than those that were asked and answered.
    """
    started = time.monotonic()
    scorer = open_scorer(spec.variant or VARIANTS[0], spec.scorer)
    labels = {} if spec.labels is None else _labels(spec.labels)
    data = _data_path(spec)
    items, detail = _items(spec, data, progress)
    found = scorer.score([item.pair() for item in items], progress.step)
    policies = {str(item.answer.line["policy"]) for item in items if item.answer is not None}
    samples = [
        _sample(item, support, scorer.threshold, len(policies))
        for item, support in zip(items, found, strict=True)
    ]
    texts_asked = {item.question.id: asked_text(item.question.line) for item in items}
    samples, contaminated = with_contamination(spec, samples, texts_asked)
    return report_of(
        spec,
        NAME,
        spec.variant or VARIANTS[0],
        samples,
        metrics=[
            *metrics_of(samples, DIRECTIONS, seed=spec.seed, resamples=spec.resamples),
            *_against_people(items, found, labels, scorer.threshold, spec),
            *contaminated,
        ],
        data={**data_file(data), "items_sha256": sha256_of_lines(_asked(item) for item in items)},
        extra={
            "subject_detail": detail,
            "scorer": {**scorer.detail, "threshold": scorer.threshold},
            "not_measured": not_measured(samples),
        },
        started=started,
    )


def _data_path(spec: RunSpec) -> Path:
    if spec.data is None and not Path(spec.subject).is_file():
        raise BadInput(f"--data: found nothing, wanted a file of questions with a context for {NAME}")
    return spec.data or Path(spec.subject)


def _items(spec: RunSpec, data: Path, progress: Progress) -> tuple[list[Item], Mapping[str, object]]:
    """The questions in the order of their ids, each with its response, and what the report says of the subject."""
    questions = (read_prompts(data) if spec.data else read_responses(data))[: spec.limit]
    questions.sort(key=lambda question: question.id)
    answers = open_subject(spec, [_with_context(question) for question in questions], progress)
    items = [Item(question, answers.responses.get(question.id)) for question in questions]
    for item in items:
        answer, asked = item.answer, item.question
        if answer is not None and answer.messages not in (asked.messages, _with_context(asked).messages):
            raise BadInput(f"{answer.where}: prompt: found another one, wanted that of question {asked.id!r}")
    return items, answers.detail


def _with_context(question: PromptLine) -> PromptLine:
    """The question as a model is asked it: the context stands before what the user said last, unless it is there."""
    context = str(question.line.get("context", ""))
    if not context.strip() or any(context in message.content for message in question.messages):
        return question
    place = max((n for n, message in enumerate(question.messages) if message.role == "user"), default=0)
    messages = list(question.messages)
    messages[place] = Message(messages[place].role, f"{context}\n\n{messages[place].content}")
    return PromptLine(question.id, tuple(messages), question.line, question.where)


def _asked(item: Item) -> dict[str, object]:
    line = item.question.line
    return {key: line[key] for key in ("id", "prompt", "context") if key in line}


def _sample(item: Item, support: Support, threshold: float, policies: int) -> Sample:
    question, slices = item.question, item.slices(policies)
    shown: dict[str, object] = {
        "question": question_text(question.line),
        "context": item.pair().context,
        "response": item.pair().response,
    }
    if item.answer is None:
        return Sample(question.id, slices, {}, {**shown, "not_measured": "no response with this id"})
    shown["policy"] = item.answer.line["policy"]
    if support.value is None:
        return Sample(question.id, slices, {}, {**shown, "not_measured": support.reason})
    if abstains(item.pair().response, question_text(question.line)):
        quiet = {"hallucinated": 0.0, "abstained": 1.0}
        return Sample(question.id, slices, quiet, shown)
    scores = {"support": support.value, "hallucinated": float(support.value < threshold), "abstained": 0.0}
    if support.sentences:
        below = [value < threshold for _text, value in support.sentences]
        scores["invented_sentences"] = sum(below) / len(below)
    shown["sentences"] = [
        {"text": text, "support": value, "invented": value < threshold} for text, value in support.sentences
    ]
    return Sample(question.id, slices, scores, shown)


def _labels(path: Path) -> dict[str, SpanLabel]:
    """What people said, by the digest of both texts."""
    return {text_digest(one.pair.context, one.pair.response): one for one in read_labelled(path)}


def _against_people(
    items: Sequence[Item],
    found: Sequence[Support],
    labels: Mapping[str, SpanLabel],
    threshold: float,
    spec: RunSpec,
) -> list[Metric]:
    """How well support tells what people marked: responses (group labels=responses) and sentences."""
    if not labels:
        return []
    told = [
        (item.pair(), support, labels[digest])
        for item, support in zip(items, found, strict=True)
        if (digest := text_digest(*_texts(item))) in labels and support.value is not None
    ]
    if not told:
        raise BadInput(
            f"--labels {spec.labels}: found none of the responses, wanted labels of the same texts"
        )
    whole = [(pair.context, support.value or 0.0, label.support) for pair, support, label in told]
    parts = [
        (pair.context, value, own)
        for pair, support, label in told
        if len(label.sentences) == len(support.sentences)
        for (_text, value), own in zip(support.sentences, label.sentences, strict=True)
    ]
    groups = {"labels=responses": whole, "labels=sentences": parts}
    metrics: list[Metric] = []
    for group, rows in groups.items():
        if not rows:
            continue
        scores = np.array([score for _, score, _ in rows])
        labelled = Labelled(
            supported(np.array([own for _, _, own in rows])),
            [text for text, _, _ in rows],
            ["all"] * len(rows),
        )
        called = np.asarray(scores >= threshold, dtype=np.float64)
        metrics += detection_metrics(
            labelled, scores, called, group, seed=spec.seed, resamples=spec.resamples
        )
    return metrics


def _texts(item: Item) -> tuple[str, str]:
    pair = item.pair()
    return pair.context, pair.response
