"""Variants supported-facts…: what share of a response's facts does a knowledge corpus support (FActScore)?

Facts are the response line's `facts` (where a splitter wrote them) or its sentences. Each is looked up in
`--corpus` (by BM25, by embeddings, or by both) and judged against the passages found by the support detector.
`factscore` has the length penalty, `supported_facts` has not; abstentions are left out of both, and `responded` says
how many did not abstain.
"""

import time
from collections.abc import Sequence

from evaluator.errors import BadInput
from evaluator.metrics.closed_book import question_text
from evaluator.progress import Progress
from evaluator.prompts import PromptLine, texts
from evaluator.report_files import Report, data_file
from evaluator.specs import RunSpec
from evaluator.suites.open_domain_answers import Asked, Outcome, ask, report, sort_out
from evaluator.suites.samples import Sample, slices_of
from evaluator.support.detector import Detector, Pair, Support, detect, read_detector
from evaluator.support.encoder import Encoder, shipped_encoder_folder
from evaluator.support.facts import factscore
from evaluator.support.knowledge import Knowledge, Passage, Retrieval, read_knowledge
from evaluator.support.sentences import split_sentences

FORMS: dict[str, Retrieval] = {
    "supported-facts": "both",
    "supported-facts-bm25": "bm25",
    "supported-facts-embedding": "embedding",
}
DIRECTIONS = {
    "factscore": "higher",
    "supported_facts": "higher",
    "responded": "neither",
    "abstained": "neither",
}


def run(spec: RunSpec, progress: Progress, suite: str) -> Report:
    """The report of one way to look facts up. Refuses a run without `--corpus`."""
    started = time.monotonic()
    if spec.corpus is None:
        raise BadInput(f"--corpus: found nothing, wanted passages to look facts up in for {spec.variant}")
    detector, passages = read_detector(spec.scorer), read_knowledge(spec.corpus)
    asked = ask(spec, progress, suite)
    quiet, others = sort_out(asked)
    encoder = Encoder(shipped_encoder_folder())
    knowledge = Knowledge(passages, encoder, FORMS[spec.variant or "supported-facts"])
    facts = [_facts(asked, question, response) for question, response in others]
    flat = [fact for own in facts for fact in own]
    found = knowledge.look_up(flat)
    judged = _judge(flat, found, detector, encoder, progress)
    samples = [_quiet(sample) for sample in quiet]
    start = 0
    for (question, response), own in zip(others, facts, strict=True):
        rows = list(zip(own, found[start : start + len(own)], judged[start : start + len(own)], strict=True))
        samples.append(_sample(question, response, rows, detector.threshold))
        start += len(own)
    extra = {
        "corpus": data_file(spec.corpus),
        "passages": len(passages),
        "threshold": detector.threshold,
    }
    return report(
        spec, asked, Outcome(samples, extra=extra), suite=suite, directions=DIRECTIONS, started=started
    )


def _facts(asked: Asked, question: PromptLine, response: str) -> list[str]:
    answer = asked.answers.responses[question.id]
    if "facts" in answer.line:
        return texts(answer.line, "facts", answer.where)
    return [sentence.text for sentence in split_sentences(response)]


def _judge(
    facts: Sequence[str],
    found: Sequence[Sequence[Passage]],
    detector: Detector,
    encoder: Encoder,
    progress: Progress,
) -> list[Support]:
    """The support of each fact by the passages found for it; a fact for which nothing was found has none."""
    pairs = [
        Pair("\n".join(passage.text for passage in passages), fact)
        for fact, passages in zip(facts, found, strict=True)
    ]
    return detect(pairs, detector, encoder, told=lambda done: progress.step(done, len(pairs)))


def _quiet(sample: Sample) -> Sample:
    """An abstention responds nothing; what is not measured stays so."""
    if not sample.scores:
        return sample
    return Sample(sample.id, sample.slices, {**sample.scores, "responded": 0.0}, sample.shown)


def _sample(
    question: PromptLine,
    response: str,
    rows: Sequence[tuple[str, Sequence[Passage], Support]],
    threshold: float,
) -> Sample:
    supported = [support.value is not None and support.value >= threshold for _, _, support in rows]
    scores = {
        "factscore": factscore(supported),
        "supported_facts": sum(supported) / len(supported),
        "responded": 1.0,
        "abstained": 0.0,
    }
    told = [
        {
            "text": fact,
            "support": support.value,
            "supported": held,
            "passages": [passage.id for passage in passages],
        }
        for (fact, passages, support), held in zip(rows, supported, strict=True)
    ]
    shown = {"question": question_text(question.line), "response": response, "facts": told}
    return Sample(question.id, slices_of(question.line, question.where), scores, shown)
