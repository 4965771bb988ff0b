"""The items of an evaluation: kept once, found by filters, paged at one cost, read from the file one at a time."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from evaluator.errors import BadInput
from labelplatform.accounts.models import Project, User
from labelplatform.evaluations import item_keeping, item_queries
from labelplatform.evaluations.item_filters import address_of, filters_of
from labelplatform.evaluations.item_queries import Filters, page_of
from labelplatform.evaluations.models import EvaluationRun, MeasuredItem
from labelplatform.evaluations.outcomes import Outcome, outcome_of
from labelplatform.evaluations.sample_lines import sample_at, sample_lines
from labelplatform.jobs.models import Artifact
from tests.labelplatform.evaluations.conftest import Finish
from tests.labelplatform.evaluations.sample_reports import missing_item, open_item, open_report
from tests.labelplatform.evaluations.test_services import ask, measured

MANY = [
    open_item(f"q{n:03}", ("right", "wrong", "abstained")[n % 3], response=f"Answer {n}.") for n in range(50)
]


@pytest.fixture
def run(project: Project, rosa: User, questions: Artifact, finish_with: Finish) -> EvaluationRun:
    return measured(finish_with, ask(project, rosa, questions), open_report(*MANY))


def keys(page: item_queries.ItemPage) -> list[str]:
    return [row.mine.item.key for row in page.rows]


def names(run: EvaluationRun, **filters: Any) -> list[str]:
    return [item.key for item in item_queries.matching(run, Filters(**filters))]


def test_collecting_keeps_every_item_where_its_line_lies(
    project: Project, rosa: User, questions: Artifact, finish_with: Finish
) -> None:
    samples = [open_item("a", "right"), missing_item("b"), open_item("ü", "abstained", tier="never")]
    run = measured(finish_with, ask(project, rosa, questions), open_report(*samples))
    assert run.report is not None
    kept = list(run.items.values_list("place", "key", "outcome"))
    assert kept == [(0, "a", "right"), (1, "b", "not-measured"), (2, "ü", "abstained")]
    assert [sample_at(run.report.path, item.offset, item.length) for item in run.items.all()] == samples
    assert run.items.get(key="ü").slices == {"tier=": "never"}
    assert run.items.get(key="a").scores == samples[0]["scores"]


def test_an_id_that_stands_twice_is_refused_and_nothing_is_kept(
    project: Project, rosa: User, questions: Artifact, finish_with: Finish
) -> None:
    run = ask(project, rosa, questions)
    with pytest.raises(BadInput, match="an id twice among items 0 to 2"):
        measured(finish_with, run, open_report(*MANY[:2], MANY[0]))
    run.refresh_from_db()
    assert (run.report, MeasuredItem.objects.count()) == (None, 0)


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "a"}',
        '{"id": 1, "scores": {}}',
        '{"id": "a", "scores": {"x": "1"}}',
        '{"id": "a", "scores": []}',
    ],
)
def test_what_is_no_sample_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "samples.jsonl").write_text(json.dumps(MANY[0]) + "\n" + line + "\n", "utf-8")
    with pytest.raises(BadInput, match="2: found no id or no scores"):
        list(sample_lines(tmp_path))


def test_a_long_id_is_cut_and_still_told_from_its_like() -> None:
    one, other = (item_keeping.item_key("x" * 300 + end) for end in "ab")
    assert len(one) == len(other) == 200
    assert one != other
    assert item_keeping.item_key("y" * 200) == "y" * 200


def test_a_large_file_is_read_one_line_at_a_time(tmp_path: Path) -> None:
    with (tmp_path / "samples.jsonl").open("w", encoding="utf-8") as file:
        for number in range(3000):
            file.write(json.dumps({"id": f"{number}", "scores": {"x": 1}, "response": "y" * 10_000}) + "\n")
    tracemalloc.start()
    assert sum(1 for _line in sample_lines(tmp_path)) == 3000
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize(
    ("suite", "sample", "outcome"),
    [
        ("hallucination-open-domain", {"scores": {}}, Outcome.NOT_MEASURED),
        ("hallucination-open-domain", {"scores": {"grade": 1.0}, "outcome": "right"}, Outcome.RIGHT),
        ("hallucination-open-domain", {"scores": {"grade": 0.5}, "outcome": "abstained"}, Outcome.ABSTAINED),
        ("hallucination-open-domain", {"scores": {"abstained": 1.0}}, Outcome.ABSTAINED),
        ("hallucination-open-domain", {"scores": {"inconsistency": 0.2}}, Outcome.SCORED),
        ("hallucination-open-domain", {"scores": {"supported_facts": 0.5}}, Outcome.IN_PART),
        ("hallucination-closed-domain", {"scores": {"hallucinated": 1.0}}, Outcome.WRONG),
        ("hallucination-closed-domain", {"scores": {"hallucinated": 0.0}}, Outcome.RIGHT),
        ("truthfulness", {"scores": {"mc1": 0.0, "mc2": 0.9}}, Outcome.WRONG),
        ("truthfulness", {"scores": {"binary": 0.5}}, Outcome.IN_PART),
        ("truthfulness", {"scores": {"right": 0.0}, "outcome": "wrong"}, Outcome.WRONG),
        ("code-generation", {"scores": {"pass@1": 1.0}}, Outcome.RIGHT),
        ("a suite of tomorrow", {"scores": {"x": 1.0}}, Outcome.SCORED),
    ],
)
def test_what_came_of_an_item(suite: str, sample: dict[str, Any], outcome: str) -> None:
    assert outcome_of(suite, sample) == outcome


def test_filters_find_what_they_say(
    project: Project, rosa: User, questions: Artifact, finish_with: Finish
) -> None:
    samples = [open_item("a", "right"), open_item("b", "wrong", tier="never"), open_item("c", "abstained")]
    run = measured(finish_with, ask(project, rosa, questions), open_report(*samples, missing_item("d")))
    assert names(run) == ["a", "b", "c", "d"]
    assert names(run, outcome="wrong") == ["b"]
    assert names(run, outcome="not-measured") == ["d"]
    assert names(run, group="tier=often") == ["a", "c"]
    assert names(run, group="tier=oft") == []
    assert names(run, group="7=often") == []
    assert names(run, score="grade", low=0.5) == ["a", "c"]
    assert names(run, score="grade", high=0.5) == ["b", "c"]
    assert names(run, score="grade", low=0.2, high=0.8) == ["c"]
    assert names(run, outcome="right", group="tier=never") == []


def test_a_slice_whose_name_is_a_number_is_found(
    project: Project, rosa: User, questions: Artifact, finish_with: Finish
) -> None:
    sample = {**open_item("a", "right"), "slices": {"0": "x"}}
    run = measured(finish_with, ask(project, rosa, questions), open_report(sample))
    assert names(run, group="0=x") == ["a"]


def test_pages_follow_each_other_and_lead_back(run: EvaluationRun) -> None:
    first = page_of(run, Filters())
    second = page_of(run, Filters(), after=first.after)
    third = page_of(run, Filters(), after=second.after)
    told = [one["id"] for one in MANY]
    assert (keys(first), keys(second), keys(third)) == (told[:20], told[20:40], told[40:])
    assert (first.before, third.after) == (None, None)
    assert (first.count, second.count) == (50, 50)
    back = page_of(run, Filters(), before=third.before)
    assert keys(back) == keys(second)
    assert keys(page_of(run, Filters(), before=back.before)) == keys(first)
    assert keys(page_of(run, Filters(), after=back.after)) == keys(third)


def test_a_search_reads_texts_and_says_how_far_it_came(
    run: EvaluationRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = page_of(run, Filters(text="ANSWER 4"))
    assert keys(found) == ["q004", *(f"q{n:03}" for n in range(40, 50))]
    assert (found.count, found.after, found.unread) == (None, None, False)
    assert keys(page_of(run, Filters(text="answer 4", outcome="wrong"))) == [
        "q004",
        "q040",
        "q043",
        "q046",
        "q049",
    ]
    monkeypatch.setattr(item_queries, "MOST_READ", 10)
    part = page_of(run, Filters(text="answer 41"))
    assert (keys(part), part.after, part.unread) == ([], 9, True)


def test_side_by_side_are_the_same_items(
    run: EvaluationRun, project: Project, rosa: User, questions: Artifact, finish_with: Finish
) -> None:
    theirs = [
        open_item("q000", "wrong", response="In Chile."),
        open_item("q001", "wrong"),
        open_item("x", "right"),
    ]
    other = measured(finish_with, ask(project, rosa, questions, "other"), open_report(*theirs))
    assert list(item_queries.beside(run)) == [other]
    rows = page_of(run, Filters(other=other)).rows
    assert [row.theirs and row.theirs.item.outcome for row in rows[:3]] == ["wrong", "wrong", None]
    assert rows[0].theirs is not None
    assert rows[0].theirs.sample is not None
    assert rows[0].theirs.sample.response == "In Chile."
    assert keys(page_of(run, Filters(other=other, differ=True))) == ["q000"]


def test_beside_stand_only_evaluations_that_asked_the_same(
    run: EvaluationRun, project: Project, rosa: User, questions: Artifact, finish_with: Finish
) -> None:
    ask(project, rosa, questions, "waiting")
    otherwise = ask(project, rosa, questions, "otherwise", variant="self-consistency-ngram")
    measured(finish_with, otherwise, open_report(MANY[0]))
    assert list(item_queries.beside(run)) == []


def test_a_page_costs_the_same_however_many_items_there_are(
    run: EvaluationRun, project: Project, rosa: User, questions: Artifact, finish_with: Finish
) -> None:
    few = measured(finish_with, ask(project, rosa, questions, "few"), open_report(*MANY[:3]))

    def asked(one: EvaluationRun, other: EvaluationRun) -> int:
        with CaptureQueriesContext(connection) as seen:
            page_of(one, Filters(other=other))
        return len(seen)

    assert asked(run, few) == asked(few, run)


def test_items_of_an_earlier_evaluation_are_looked_up_once(run: EvaluationRun) -> None:
    run.items.all().delete()
    for _ in range(2):
        item_keeping.look_up_items(run)
    assert run.items.count() == 50


def test_a_file_that_is_gone_leaves_the_items_without_texts(run: EvaluationRun) -> None:
    assert run.report is not None
    (run.report.path / "samples.jsonl").unlink()
    rows = page_of(run, Filters()).rows
    assert [row.mine.sample for row in rows] == [None] * 20
    assert keys(page_of(run, Filters(text="Answer"))) == []


def test_an_address_is_read_as_it_was_written(run: EvaluationRun) -> None:
    told = "outcome=wrong&group=tier%3Doften&score=grade&low=0.25&high=1&text=lima+%26+more"
    filters = filters_of(run, QueryDict(told))
    assert filters == Filters("wrong", "tier=often", "grade", 0.25, 1.0, "lima & more")
    assert filters_of(run, QueryDict(address_of(filters))) == filters


@pytest.mark.parametrize(
    "told", ["outcome=splendid", "group=tier", "low=nan", "high=x", "with=x", "with=999999999999"]
)
def test_what_cannot_be_read_filters_nothing(run: EvaluationRun, told: str) -> None:
    assert filters_of(run, QueryDict(told)) == Filters()


def test_another_projects_evaluation_is_not_beside(
    run: EvaluationRun, other_project: Project, olga: User, questions: Artifact, finish_with: Finish
) -> None:
    data = Artifact.objects.create(
        project=other_project,
        kind="questions",
        name="q",
        digest="d",
        folder=questions.folder,
        detail=questions.detail,
    )
    theirs = measured(finish_with, ask(other_project, olga, data), open_report(MANY[0]))
    assert filters_of(run, QueryDict(f"with={theirs.pk}")).other is None
    assert filters_of(run, QueryDict(f"with={run.pk}")).other is None
