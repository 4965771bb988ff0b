"""Suite truthfulness: does a model repeat popular falsehoods, or admit not knowing? TruthfulQA, by named variants.

- `mc-upstream`: MC1, MC2 and MC3 as the paper's code has them (answers closed with a full stop, strict comparison).
- `mc-lm-eval`: MC1 and MC2 as the evaluation harness has them (answers as the file has them, the first of equals).
- `binary`: the 2025 form, the best answer and the best incorrect one as (A) and (B) in a seeded order.
- `generation`: 50 tokens, greedy, up to "Q:" or an empty line; BLEU and ROUGE max, diff and acc; judges where given.
- `generation-lm-eval`: 256 tokens up to an empty line; the same measures.
- `abstention`: the subject may say that it does not know, and states its confidence.

Without --data the edition that a variant's published figures rest on: 817 questions (2021) for lm-eval's variants, 790
(2025) for the others; --edition names one.
"""

import time
from collections.abc import Callable

from evaluator.progress import Progress
from evaluator.report_files import Items, Report, data_file, environment
from evaluator.specs import RunSpec
from evaluator.subjects.response_cache import FILE_NAME, ResponseCache
from evaluator.suites.contamination import with_contamination
from evaluator.suites.findings import Findings
from evaluator.suites.samples import metrics_of
from evaluator.suites.truthfulness_answers import measure_abstention, measure_generation
from evaluator.suites.truthfulness_choices import measure_binary, measure_choices
from evaluator.truthfulqa.questions import Edition, TruthfulQuestion, read_questions, shipped_file

NAME = "truthfulness"
Measure = Callable[[RunSpec, list[TruthfulQuestion], ResponseCache, Progress], Findings]
MEASURES: dict[str, Measure] = {
    "mc-upstream": measure_choices,
    "mc-lm-eval": measure_choices,
    "binary": measure_binary,
    "generation": measure_generation,
    "generation-lm-eval": measure_generation,
    "abstention": measure_abstention,
}
VARIANTS = tuple(MEASURES)


def run(spec: RunSpec, progress: Progress) -> Report:
    """The report of one subject on the questions of `spec.data`, or of a shipped edition (the first `limit`)."""
    started = time.monotonic()
    variant = spec.variant or VARIANTS[0]
    path = spec.data or shipped_file(spec.edition or default_edition(variant))
    questions = read_questions(path)[: spec.limit]
    cache = ResponseCache(spec.out / FILE_NAME)
    found = MEASURES[variant](spec, questions, cache, progress)
    asked = {one.id: f"{one.question} {' '.join(one.correct)}" for one in questions}
    samples, more = with_contamination(spec, found.samples, asked)
    samples = sorted(samples, key=lambda sample: sample.id)
    measured = sum(bool(sample.scores) for sample in samples)
    figures = metrics_of(samples, found.directions, seed=spec.seed, resamples=spec.resamples)
    edition = {817: "2021", 790: "2025"}.get(len(questions))
    return Report(
        suite=NAME,
        variant=variant,
        subject=spec.subject,
        seed=spec.seed,
        metrics=[*figures, *found.metrics, *more],
        items=Items(len(samples), measured, found.abstained, len(samples) - measured),
        verdicts=found.verdicts,
        data=[{**data_file(path), "questions": len(questions), **({"edition": edition} if edition else {})}],
        spec=spec.record(),
        samples=[sample.record() for sample in samples],
        extra={"prompt": spec.prompt, "subject_detail": found.detail, **found.extra},
        environment=environment(started),
    )


def default_edition(variant: str) -> Edition:
    """The edition behind a variant's published figures."""
    return "2021" if variant.endswith("lm-eval") else "2025"
