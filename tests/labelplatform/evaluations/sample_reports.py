"""Reports with items of every outcome, as three suites write them."""

from typing import Any

from evaluator.report_files import Items, Report
from tests.labelplatform.evaluations.conftest import closed_book, metric

CONTEXT = "The ferry leaves at nine. A ticket costs 14 euros."
SENTENCES = [
    {"text": "The ferry leaves at nine.", "support": 0.93, "invented": False},
    {"text": "Dogs travel free.", "support": 0.08, "invented": True},
]
RESPONSE = "The ferry leaves at nine.  Dogs travel free. "


def open_item(name: str, outcome: str, tier: str = "often", response: str = "In Peru.") -> dict[str, Any]:
    """An item of the closed-book suite, scored by its outcome."""
    grades = {"right": 1.0, "abstained": 0.5, "wrong": 0.0}
    scores = {key: float(key == outcome) for key in grades} | {"grade": grades[outcome]}
    return {
        "id": name,
        "slices": {"tier": tier},
        "scores": scores,
        "question": f"Where is {name}?",
        "references": ["Peru"],
        "response": response,
        "outcome": outcome,
    }


def missing_item(name: str) -> dict[str, Any]:
    return {
        "id": name, "slices": {"tier": "never"}, "scores": {}, "question": f"Where is {name}?",
        "not_measured": "no response with this id",
    }  # fmt: skip


def open_report(*samples: dict[str, Any]) -> Report:
    """A closed-book report with figures by tier."""
    figures = [metric("grade", 0.4, f"tier={tier}") for tier in ("never", "often")]
    return closed_book(0.5, *figures, samples=list(samples))


def grounded_item(name: str, hallucinated: float, response: str = RESPONSE) -> dict[str, Any]:
    """An item of the closed-domain suite."""
    return {
        "id": name,
        "slices": {},
        "scores": {"support": 0.4, "hallucinated": hallucinated, "abstained": 0.0, "invented_sentences": 0.5},
        "question": "When does it leave?",
        "context": CONTEXT,
        "response": response,
        "policy": "x",
        "sentences": SENTENCES,
    }


def choice_item(name: str, scores: list[float], mc1: float) -> dict[str, Any]:
    """An item of truthfulness with given answers, the first of them the best."""
    answers = ["Nothing happens.", "You die.", "You may feel ill."]
    return {
        "id": name, "slices": {"category": "Health"}, "scores": {"mc1": mc1, "mc2": 0.4}, "question": "What if?",
        "answers": answers, "best": answers[0], "log_likelihoods": scores,
    }  # fmt: skip


def plain_report(suite: str, variant: str, *samples: dict[str, Any]) -> Report:
    return Report(
        suite=suite,
        variant=variant,
        subject="subject",
        seed=0,
        metrics=[metric("hallucinated", 0.5)],
        items=Items(len(samples), len(samples), 0, 0),
        samples=list(samples),
    )
