"""A run that a form started, trained for real: what it took stands beside what was reckoned before it began."""

from collections.abc import Callable

from django.test import Client

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact, Job
from labelplatform.training.models import TrainingRun
from tests.labelplatform.builders import build_artifact

TOWNS = "\n\n".join(f"Town {number} lies in country {number % 7}." for number in range(60))
SHAPE = {"layers": 1, "width": 16, "heads": 2, "vocabulary": 280, "context": 16, "batch_tokens": 64}


def test_a_pretraining_from_its_form_to_what_it_took(
    run_jobs: Callable[[], list[Job]], sign_in: Callable[[User], Client], rosa: User, project: Project
) -> None:
    text = build_artifact(
        project, Artifact.Kind.CORPUS, "towns", files={"a.txt": TOWNS}, detail={"files": ["a.txt"]}
    )
    browser = sign_in(rosa)
    form = {"name": "small", "corpus": [text.pk], "steps": 3, **SHAPE}
    address = browser.post("/p/harbour/training/pretrain/", form).headers["Location"]
    before = browser.get(address).context
    assert before["took"] == ()
    assert [(job.state, job.failure) for job in run_jobs()] == [("succeeded", "")]
    rows = {row.label: row for row in browser.get(address).context["took"]}
    # Three steps of four rows of 16 tokens; the tokenizer found as many tokens as it was allowed.
    assert (rows["Tokens"].estimated, rows["Tokens"].took, rows["Tokens"].ratio) == ("192", "192", "1")
    assert rows["Parameters"].ratio == rows["Parameters that learn"].ratio == "1"
    assert abs(float(rows["Training state"].ratio) - 1) < 0.01
    assert abs(float(rows["Activations"].ratio) - 1) < 0.1
    assert rows["Reached"].took.endswith("FLOP/s")
    assert rows["Time"].took != "–"
    command = browser.get(address).context["repeat_command"]
    assert f"pretrain {text.path / 'a.txt'}" in command
    assert TrainingRun.objects.get().output is not None
