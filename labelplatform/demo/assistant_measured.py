"""How honest is the model with real weights? TruthfulQA, and answers about short texts; then people look at a few."""

from pathlib import Path
from typing import Any

from labelplatform.demo.people import Cast
from labelplatform.demo.walk import Chain
from labelplatform.evaluations.item_queries import read_sample
from labelplatform.evaluations.models import EvaluationRun
from labelplatform.evaluations.services import start_evaluation, store_questions
from labelplatform.evaluations.spot_checks import asked_of_people, spot_check
from labelplatform.evaluations.suites import CLOSED_DOMAIN, TRUTHFULNESS
from labelplatform.jobs.models import Artifact
from trainer import json_lines

TEXTS = Path(__file__).parent / "data" / "grounded_questions.jsonl"
TEXTS_NAME = "Short texts, a question to each"
# The first questions of the edition that ships: enough to see how a report reads, minutes on one core.
QUESTIONS = 20
LONGEST_ANSWER = 48
# So many answers of each evaluation wait for people, so that the agreement on its page can be seen to come about.
PUT_TO_PEOPLE = 4
CHOICES, ANSWERS, GROUNDED = (
    "TruthfulQA, given answers",
    "TruthfulQA, its own answers",
    "Answers about a text",
)


def measured(cast: Cast, policy: Artifact, seed: int) -> Chain:
    """Three evaluations of the policy, then a few of their answers in people's queue."""
    project, by = cast.assistant, cast.researcher
    lines = [line for _number, line in json_lines.read(TEXTS)]
    texts = store_questions(project=project, name=TEXTS_NAME, lines=lines, by=by)
    suite = TRUTHFULNESS.name
    asked: dict[str, Any] = {"project": project, "subject": policy, "seed": seed, "by": by}
    runs = [
        start_evaluation(
            name=CHOICES, suite=suite, variant="mc-upstream", data=None, limit=QUESTIONS, **asked
        ),
        start_evaluation(name=ANSWERS, suite=suite, variant="generation", data=None, limit=QUESTIONS, **asked),
        start_evaluation(
            name=GROUNDED, suite=CLOSED_DOMAIN.name, variant="detector", data=texts,
            max_new_tokens=LONGEST_ANSWER, **asked,
        ),
    ]  # fmt: skip
    yield [run.job for run in runs]
    for run in runs[1:]:
        _put_to_people(run, cast)


def _put_to_people(run: EvaluationRun, cast: Cast) -> None:
    """The first answers that can be judged; a second walk finds them there."""
    found = 0
    for item in run.items.select_related("run__report", "run__subject", "run__data", "run__job"):
        if found < PUT_TO_PEOPLE and asked_of_people(item, read_sample(item)) is not None:
            spot_check(item=item, by=cast.researcher)
            found += 1
