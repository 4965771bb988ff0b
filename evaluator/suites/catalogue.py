"""All suites by name: those that are here, and those that are known and come later."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evaluator.progress import Progress
from evaluator.report_files import Report
from evaluator.specs import RunSpec
from evaluator.suites import (
    code_generation,
    hallucination_closed_domain,
    hallucination_open_domain,
    in_context_learning,
    reward_agreement,
    string_tasks,
    truthfulness,
)


@dataclass(frozen=True)
class Suite:
    """A suite that can be run: its variants, the first being the default, and what it measures."""

    variants: tuple[str, ...]
    measures: str
    run: Callable[[RunSpec, Progress], Report]


HERE: Mapping[str, Suite] = {
    hallucination_open_domain.NAME: Suite(
        hallucination_open_domain.VARIANTS,
        "right, abstained and wrong answers to questions about the world",
        hallucination_open_domain.run,
    ),
    hallucination_closed_domain.NAME: Suite(
        hallucination_closed_domain.VARIANTS,
        "support of each response and sentence by the text it was given",
        hallucination_closed_domain.run,
    ),
    reward_agreement.NAME: Suite(
        reward_agreement.VARIANTS, "pairs that a reward model orders as people did", reward_agreement.run
    ),
    code_generation.NAME: Suite(
        code_generation.VARIANTS,
        "programs that pass their problem's tests, run in the sandbox",
        code_generation.run,
    ),
    in_context_learning.NAME: Suite(
        in_context_learning.VARIANTS,
        "what examples teach: right, flipped and random labels, inputs of the same kind or foreign",
        in_context_learning.run,
    ),
    string_tasks.NAME: Suite(
        string_tasks.VARIANTS,
        "small tasks on symbols: each output by exact match, edit similarity and log-probability",
        string_tasks.run,
    ),
    truthfulness.NAME: Suite(
        truthfulness.VARIANTS,
        "popular falsehoods repeated, or not knowing admitted (TruthfulQA)",
        truthfulness.run,
    ),
}
