"""The demo's evaluations of its real model: which jobs, what people are asked, and what the summary tells."""

from pathlib import Path

import pytest

from evaluator.prompts import read_prompts
from evaluator.report_files import Items, Metric, Report, write_report
from labelplatform.demo import assistant_measured, people
from labelplatform.demo.summary import summary
from labelplatform.evaluations.command_lines import data_path, evaluate_command
from labelplatform.evaluations.models import EvaluationRun, SpotCheck
from labelplatform.evaluations.services import collect_evaluation
from labelplatform.jobs.models import Artifact, Job
from labelplatform.labels.models import Campaign
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.world import finish

pytestmark = pytest.mark.django_db


def collected(job: Job) -> None:
    """As a worker would have left it: ten answers, of which the first two cannot be judged."""
    run = EvaluationRun.objects.get(job=job)
    samples = [
        {
            "id": f"q{n}",
            "slices": {},
            "scores": {"hallucinated": 0.0, "right": 1.0},
            "question": f"Question {n}?",
            "context": f"Text {n}.",
            "response": "" if n < 2 else f"Answer {n}.",
        }
        for n in range(10)
    ]
    metric = Metric("hallucinated", 0.3, 0.1, 0.5, 10)
    report = Report(run.suite, run.variant, "s", 0, [metric], Items(10, 10, 0, 0), samples=samples)
    write_report(finish(job).run_folder / "out", report)
    collect_evaluation(job, job.run_folder)


def test_three_evaluations_and_a_few_answers_for_people() -> None:
    cast = people.gather()
    policy = build_artifact(cast.assistant, Artifact.Kind.POLICY, "SmolLM2-135M-Instruct")
    for walk in range(2):
        chain = assistant_measured.measured(cast, policy, 3)
        jobs = next(chain)
        if walk == 0:
            for job in jobs:
                collected(job)
        assert list(chain) == []
    runs = list(EvaluationRun.objects.order_by("pk"))
    asked = [(run.suite, run.variant, run.seed) for run in runs]
    assert asked == [
        ("truthfulness", "mc-upstream", 3),
        ("truthfulness", "generation", 3),
        ("hallucination-closed-domain", "detector", 3),
    ]
    assert "--limit 20" in " ".join(evaluate_command(runs[0].job, Path("RUN")))
    campaigns = {campaign.kind: campaign.items.count() for campaign in Campaign.objects.all()}
    assert campaigns == {"honesty": 4, "spans": 4}
    checks = SpotCheck.objects.order_by("pk").values_list("item__run", "item__place")
    assert list(checks) == [(run.pk, place) for run in runs[1:] for place in (2, 3, 4, 5)]
    told = summary(cast.atlas, cast.assistant, seed=3)["measured"]
    assert [one["name"] for one in told] == [run.name for run in runs]
    assert told[2]["figures"] == [{"name": "hallucinated", "value": 0.3, "low": 0.1, "high": 0.5, "n": 10}]


def test_the_texts_are_prompts_with_a_text_each() -> None:
    cast = people.gather()
    policy = build_artifact(cast.assistant, Artifact.Kind.POLICY, "SmolLM2-135M-Instruct")
    next(assistant_measured.measured(cast, policy, 0))
    grounded = EvaluationRun.objects.get(suite="hallucination-closed-domain")
    assert grounded.data is not None
    lines = read_prompts(data_path(grounded.data))
    assert len(lines) == 12
    assert all(len(str(line.line["context"])) > 200 for line in lines)
