"""People look at what was measured: asked once, blind, and held against the metric."""

import uuid
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evaluator.statistics.intervals import wilson
from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.evaluations import spot_checks
from labelplatform.evaluations.known_answers import known_answers
from labelplatform.evaluations.models import EvaluationRun, SpotCheck
from labelplatform.evaluations.outcomes import Outcome
from labelplatform.evaluations.people_and_metric import agreement_of, metric_says, people_say
from labelplatform.jobs.models import Artifact
from labelplatform.labels import services as labels
from labelplatform.labels.models import Campaign, Item, Label
from labelplatform.prompts.models import Response
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.evaluations.conftest import Finish
from tests.labelplatform.evaluations.sample_reports import (
    choice_item,
    grounded_item,
    missing_item,
    open_item,
    open_report,
    plain_report,
)
from tests.labelplatform.evaluations.test_services import ask, measured


@pytest.fixture
def run(project: Project, rosa: User, questions: Artifact, finish_with: Finish) -> EvaluationRun:
    """Five items of the closed-book suite: two right, one abstained, one wrong, one not measured."""
    samples = [
        open_item("lima", "right"),
        open_item("cusco", "right", response="Cusco, Peru."),
        open_item("puno", "abstained", response="I do not know."),
        open_item("ica", "wrong", response="In Chile."),
        missing_item("tacna"),
    ]
    subject = build_artifact(project, name="secret model")
    asked = ask(project, rosa, questions, "secret metric", subject=subject)
    return measured(finish_with, asked, open_report(*samples))


def check(run: EvaluationRun, place: int, by: User) -> SpotCheck:
    return spot_checks.spot_check(item=run.items.get(place=place), by=by)


def judge(check: SpotCheck, by: User, body: dict[str, Any]) -> Label:
    """What a person says about an item, through the verbs of labelling."""
    slot = labels.claim(campaign=check.label_item.campaign, annotator=by)
    assert slot is not None
    assert slot.lease_token is not None
    assert slot.item == check.label_item
    return labels.submit_label(
        slot=slot, lease_token=slot.lease_token, submission=uuid.uuid4(), body=body, seconds=9.0, by=by
    )


def rated(truthful: int) -> dict[str, Any]:
    return {"ratings": {"truthful": truthful, "informative": 4}, "flags": []}


def test_an_item_becomes_an_item_of_an_honesty_check(run: EvaluationRun, rosa: User) -> None:
    made = check(run, 0, rosa)
    item = made.label_item
    assert (item.campaign.kind, item.campaign.name) == ("honesty", "Spot checks: honesty")
    assert item.prompt.messages == [{"role": "user", "content": "Where is lima?"}]
    assert item.prompt.detail == {"correct_answers": ["Peru"]}
    response = item.responses.get()
    assert (response.text, response.policy, response.job) == ("In Peru.", run.subject, run.job)
    assert item.slots.count() == 1
    assert AuditEntry.objects.filter(verb="put item to people", by=rosa).count() == 1


def test_asked_again_it_is_the_same_check(run: EvaluationRun, rosa: User) -> None:
    first = check(run, 0, rosa)
    assert check(run, 0, rosa) == first
    second = check(run, 1, rosa)
    assert (second.label_item.campaign, Campaign.objects.count()) == (first.label_item.campaign, 1)
    assert (SpotCheck.objects.count(), Item.objects.count()) == (2, 2)


def test_the_same_answer_in_another_evaluation_is_not_judged_twice(
    run: EvaluationRun, project: Project, rosa: User, questions: Artifact, finish_with: Finish
) -> None:
    other = measured(
        finish_with, ask(project, rosa, questions, "other"),
        open_report(open_item("lima", "right"), open_item("cusco", "wrong", response="In Chile.")),
    )  # fmt: skip
    assert check(run, 0, rosa).label_item == check(other, 0, rosa).label_item
    assert check(run, 1, rosa).label_item != check(other, 1, rosa).label_item
    assert Response.objects.count() == 3


def test_an_item_without_an_answer_is_refused(run: EvaluationRun, rosa: User) -> None:
    with pytest.raises(ValidationError, match="no answer that people could judge"):
        check(run, 4, rosa)
    assert not Campaign.objects.exists()


def test_a_closed_campaign_is_not_filled_behind_its_back(run: EvaluationRun, rosa: User) -> None:
    made = check(run, 0, rosa)
    labels.set_state(campaign=made.label_item.campaign, state="closed", by=rosa)
    with pytest.raises(ValidationError, match="is closed"):
        check(run, 1, rosa)
    assert SpotCheck.objects.count() == 1


def test_answers_about_a_text_are_marked_beside_it(
    project: Project, rosa: User, questions: Artifact, finish_with: Finish
) -> None:
    asked = ask(project, rosa, questions, suite="hallucination-closed-domain", variant="detector")
    samples = [grounded_item("a", 1.0), {**grounded_item("b", 0.0), "context": " "}]
    run = measured(finish_with, asked, plain_report("hallucination-closed-domain", "detector", *samples))
    made = check(run, 0, rosa)
    assert (made.label_item.campaign.kind, made.label_item.prompt.context) == ("spans", samples[0]["context"])
    assert made.label_item.prompt.detail == {}
    with pytest.raises(ValidationError, match="no answer"):
        check(run, 1, rosa)


def test_of_given_answers_people_judge_the_chosen_one(
    project: Project, rosa: User, finish_with: Finish
) -> None:
    asked = ask(project, rosa, None, suite="truthfulness", variant="mc-upstream")  # type: ignore[arg-type]
    samples = [choice_item("tqa-x", [-3.0, -1.0, -2.0], 0.0)]
    run = measured(finish_with, asked, plain_report("truthfulness", "mc-upstream", *samples))
    assert check(run, 0, rosa).label_item.responses.get().text == "You die."


def test_suites_that_people_cannot_judge_are_refused(
    project: Project, rosa: User, questions: Artifact, finish_with: Finish
) -> None:
    asked = ask(project, rosa, questions, suite="code-generation", variant="response")
    sample = {"id": "a", "slices": {}, "scores": {"pass@1": 1.0}, "response": "x", "question": "?"}
    run = measured(finish_with, asked, plain_report("code-generation", "response", sample))
    with pytest.raises(ValidationError):
        check(run, 0, rosa)


def test_what_is_known_of_a_question_of_truthfulqa(project: Project, rosa: User, questions: Artifact) -> None:
    from evaluator.truthfulqa.questions import read_questions, shipped_file

    run = ask(project, rosa, None, suite="truthfulness", variant="mc-upstream")  # type: ignore[arg-type]
    for edition in ("2021", "2025"):
        one = read_questions(shipped_file(edition))[3]
        known = known_answers(run, one.id)
        assert one.best in known.true
        assert set(known.false) & set(one.incorrect)
    assert known_answers(run, "tqa-nothing").true == ()
    assert known_answers(ask(project, rosa, questions, "other"), one.id).true == ()


def test_an_annotator_sees_neither_model_nor_metric(run: EvaluationRun, rosa: User, ada: User) -> None:
    made = check(run, 3, rosa)
    browser = Client()
    browser.force_login(ada)
    seen = browser.get("/p/harbour/labels/queue/").content.decode()
    slot = labels.claim(campaign=made.label_item.campaign, annotator=ada)
    assert slot is not None
    page = browser.get(f"/p/harbour/labels/rank/{slot.lease_token}/")
    seen += page.content.decode()
    assert page.status_code == 200
    assert "In Chile." in seen
    for secret in ("secret model", "secret metric", "closed-book", "hallucination-open-domain", run.suite):
        assert secret not in seen


def test_people_and_metric_are_counted(run: EvaluationRun, rosa: User, ada: User, ben: User) -> None:
    assert agreement_of(run) is None
    bodies = [rated(7), rated(1), rated(5), rated(4)]
    for place, body in enumerate(bodies):
        judge(check(run, place, rosa), ada, body)
    found = agreement_of(run)
    assert found is not None
    # lima: both good; cusco: only the metric; puno: abstained counts as nothing false; ica: people are in the middle.
    assert (found.both_good, found.only_metric, found.only_people, found.both_bad) == (2, 1, 0, 0)
    assert (found.asked, found.waiting, found.undecided, found.n, found.agree) == (4, 0, 1, 3, 2)
    assert (found.share, (found.low, found.high)) == (2 / 3, wilson(2, 3))
    assert [item.key for item in found.different] == ["cusco"]


def test_what_nobody_has_judged_waits(run: EvaluationRun, rosa: User, ada: User) -> None:
    check(run, 0, rosa)
    found = agreement_of(run)
    assert found is not None
    assert (found.asked, found.waiting, found.n, found.share, found.low) == (1, 1, 0, None, None)
    judge(check(run, 0, rosa), ada, rated(2))
    Label.objects.update(surplus=True)
    again = agreement_of(run)
    assert again is not None
    assert again.waiting == 1


def test_the_agreement_costs_the_same_however_many_were_asked(
    run: EvaluationRun, rosa: User, ada: User
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            agreement_of(run)
        return len(seen)

    judge(check(run, 0, rosa), ada, rated(7))
    first = asked()
    for place in (1, 2, 3):
        judge(check(run, place, rosa), ada, rated(7))
    assert asked() == first == 2


@pytest.mark.parametrize(
    ("outcome", "said"),
    [("right", True), ("abstained", True), ("wrong", False), ("in-part", None), ("not-measured", None)],
)
def test_what_the_metric_says(outcome: str, said: bool | None) -> None:
    assert metric_says(Outcome(outcome)) is said


@pytest.mark.parametrize(
    ("kind", "bodies", "said"),
    [
        ("honesty", [rated(5)], True),
        ("honesty", [rated(4)], None),
        ("honesty", [rated(3)], False),
        ("honesty", [rated(7), rated(1)], None),
        ("honesty", [rated(7), rated(2)], True),
        ("spans", [{"spans": []}], True),
        ("spans", [{"spans": [{"start": 0}]}], False),
        ("spans", [{"spans": []}, {"spans": [{"start": 0}]}], None),
        ("spans", [{"spans": []}, {"spans": [{"start": 0}]}, {"spans": [{"start": 1}]}], False),
    ],
)
def test_what_people_say(kind: str, bodies: list[dict[str, Any]], said: bool | None) -> None:
    assert people_say(kind, bodies) is said
