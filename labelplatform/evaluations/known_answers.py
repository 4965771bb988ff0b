"""The answers of a TruthfulQA question that are known to be true and false: for readers, and for people who judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from evaluator.errors import BadInput
from evaluator.truthfulqa.questions import Edition, read_questions, shipped_file
from labelplatform.evaluations.command_lines import data_path
from labelplatform.evaluations.models import EvaluationRun
from labelplatform.evaluations.suites import TRUTHFULNESS

# An id means the same question in both; the newer has more answers to it.
EDITIONS: tuple[Edition, ...] = ("2025", "2021")


@dataclass(frozen=True)
class KnownAnswers:
    """What is known of one question; nothing where it is not TruthfulQA's."""

    true: Sequence[str] = ()
    false: Sequence[str] = ()


def known_answers(run: EvaluationRun, key: str) -> KnownAnswers:
    """What the questions that a run was asked say of this one."""
    if run.suite != TRUTHFULNESS.name:
        return KnownAnswers()
    if run.data is not None:
        try:
            return _by_id(data_path(run.data)).get(key, KnownAnswers())
        except BadInput:
            return KnownAnswers()
    return next((told[key] for told in map(_shipped, EDITIONS) if key in told), KnownAnswers())


@cache
def _shipped(edition: Edition) -> Mapping[str, KnownAnswers]:
    return _by_id(shipped_file(edition))


def _by_id(path: Path) -> Mapping[str, KnownAnswers]:
    return {one.id: KnownAnswers(one.correct, one.incorrect) for one in read_questions(path)}
