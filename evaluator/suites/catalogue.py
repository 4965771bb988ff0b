"""All suites by name: those that are here, and those that are known and come later."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evaluator.progress import Progress
from evaluator.report_files import Report
from evaluator.specs import RunSpec
from evaluator.suites import hallucination_closed_domain, hallucination_open_domain, reward_agreement


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
}
LATER: Mapping[str, str] = {
    "truthfulness": "TruthfulQA in its variants: issue 5 (evaluator: hallucination and honesty)",
    "in-context-learning": "right, flipped and random labels: issue 5 (evaluator: hallucination and honesty)",
    "code-generation": "pass@k in a sandbox: issue 6 (evaluator: code)",
}
