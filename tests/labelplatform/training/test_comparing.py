"""Runs side by side: one curve a run in each plot, what differs apart from what does not, figures with intervals."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact
from labelplatform.snapshots.models import Snapshot
from labelplatform.training import comparing, services
from labelplatform.training.models import TrainingRun
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.world import finish

Browser = Callable[[User], Client]
Kind = Artifact.Kind
PAGE = "/p/harbour/training/compare/"


@pytest.fixture
def snapshot(project: Project) -> Snapshot:
    return Snapshot.objects.create(
        project=project, name="first", artifact=build_artifact(project, Kind.SNAPSHOT, "first")
    )


@pytest.fixture
def model(project: Project) -> Artifact:
    return build_artifact(project, name="writer")


def reward_model(
    snapshot: Snapshot, model: Artifact, by: User, name: str, accuracy: float = 0.7, **settings: Any
) -> TrainingRun:
    """A run that has ended with an accuracy and its interval."""
    run = services.start_reward_model(
        project=snapshot.project, name=name, snapshot=snapshot, model=model, settings=settings, by=by
    )
    finish(run.job)
    metrics = {
        "heldout_accuracy": accuracy,
        "heldout_accuracy_low": accuracy - 0.05,
        "heldout_accuracy_high": accuracy + 0.05,
        "heldout_loss": 0.5,
        "heldout_pairs": 40,
        "cpu_seconds": 12.0,
    }
    run.output = build_artifact(
        snapshot.project, Kind.REWARD_MODEL, name, made_by=run.job, detail={"metrics": metrics}
    )
    run.save()
    return run


@pytest.fixture
def pair(snapshot: Snapshot, model: Artifact, rosa: User) -> list[TrainingRun]:
    return [
        reward_model(snapshot, model, rosa, "slow", learning_rate=1e-5, seed=3),
        reward_model(snapshot, model, rosa, "quick", 0.8, seed=3, use_margins=True),
    ]


def found(project: Project, runs: list[TrainingRun]) -> comparing.Comparison:
    again = comparing.runs_to_compare(project, [run.pk for run in runs])
    assert again is not None
    return comparing.compare(again)


def test_what_was_told_otherwise_stands_apart(project: Project, pair: list[TrainingRun]) -> None:
    compared = found(project, pair)
    assert [(column.letter, column.run.name) for column in compared.columns] == [
        ("A", "slow"),
        ("B", "quick"),
    ]
    told = {row.label: [(cell.text, cell.default) for cell in row.cells] for row in compared.differences}
    assert told == {
        "Learning rate": [("1e-05", False), ("0.0001", True)],
        "Margins": [("no", True), ("yes", False)],
    }
    same = {row.label: [cell.text for cell in row.cells] for row in compared.same}
    assert same["Seed"] == ["3", "3"]
    assert same["Empty responses"] == ["keep", "keep"]
    assert [text.split(" ")[0] for text in same["snapshot"]] == ["first", "first"]


def test_another_input_is_a_difference(
    project: Project, pair: list[TrainingRun], snapshot: Snapshot, rosa: User
) -> None:
    other = reward_model(snapshot, build_artifact(project, name="reader"), rosa, "third", seed=3)
    rows = {row.label: row for row in found(project, [pair[0], other]).differences}
    assert [cell.text.split(" ")[0] for cell in rows["starts from"].cells] == ["writer", "reader"]


def test_curves_of_all_runs_share_a_plot_and_keep_their_pattern() -> None:
    steps = [{"step": step, "loss": 1.0 / step, "heldout_loss": 2.0 / step} for step in (1, 2, 3)]
    slower = [{"step": step, "loss": 3.0} for step in range(1, 7)]
    panels = comparing.panels("sft", {"A": slower, "B": steps})
    assert [panel.title for panel in panels] == ["Loss: training", "Loss: held out"]
    training, heldout = panels
    assert [(line.label, line.last) for line in training.lines] == [("A", "3"), ("B", "0.333")]
    assert training.x_ticks[-1].label == "6"
    assert [line.label for line in heldout.lines] == ["B"]
    assert heldout.lines[0].dashes == training.lines[1].dashes != training.lines[0].dashes
    assert training.columns == ("A", "B")
    assert training.rows[-1][1:] == ("3", "–")


def test_every_compared_run_has_a_pattern_of_its_own(
    project: Project, snapshot: Snapshot, model: Artifact, rosa: User
) -> None:
    runs = [reward_model(snapshot, model, rosa, f"run {n}", seed=n) for n in range(comparing.MOST)]
    compared = found(project, runs)
    assert len({column.dashes for column in compared.columns}) == comparing.MOST
    assert all(len(panel.lines) == comparing.MOST for panel in compared.panels)


def test_final_figures_stand_with_their_intervals_sizes_last(
    project: Project, pair: list[TrainingRun]
) -> None:
    rows = found(project, pair).figures
    labels = ["held-out accuracy", "held-out loss", "held-out pairs", "processor seconds"]
    assert [row.label for row in rows] == labels
    assert [(cell.n, rows[1].cells[0].n) for cell in rows[0].cells] == [(40, None)] * 2
    accuracy: list[tuple[Any, ...]] = [
        (cell.value, cell.low, cell.high, cell.reason) for cell in rows[0].cells
    ]
    assert accuracy == [
        (0.7, pytest.approx(0.65), pytest.approx(0.75), ""),
        (0.8, pytest.approx(0.75), pytest.approx(0.85), ""),
    ]
    assert rows[1].cells[0].reason == "one figure of one run: no interval"


def test_a_run_that_goes_on_has_no_figures_yet(
    project: Project, pair: list[TrainingRun], snapshot: Snapshot, model: Artifact, rosa: User
) -> None:
    waiting = services.start_reward_model(
        project=project, name="waits", snapshot=snapshot, model=model, settings={"seed": 9}, by=rosa
    )
    rows = found(project, [pair[0], waiting]).figures
    assert (rows[0].cells[1].value, rows[0].cells[1].reason) == (None, "not measured by this run")


def ppo(project: Project, by: User, name: str, gains: list[float]) -> TrainingRun:
    """A PPO run with so many samples, each gaining so much from a score of 1."""
    questions = build_artifact(project, Kind.QUESTIONS, detail={"files": ["content.txt"]})
    run = services.start_ppo(
        project=project,
        name=name,
        prompts=questions,
        policy=build_artifact(project),
        reward_model=build_artifact(project, Kind.REWARD_MODEL),
        settings={},
        by=by,
    )
    finish(run.job)
    lines = [
        {
            "id": str(number),
            "prompt": [{"role": "user", "content": "?"}],
            "before": "a",
            "after": "b",
            "score_before": 1.0 + number,
            "score_after": 1.0 + number + gain,
        }
        for number, gain in enumerate(gains)
    ]
    path = run.job.run_folder / "out" / "samples.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return run


def test_scores_of_ppo_are_means_with_intervals_over_prompts(project: Project, rosa: User) -> None:
    gains = [0.5, 1.5, 0.0, 2.0, 1.0, 1.0]
    compared = found(project, [ppo(project, rosa, "one", gains), ppo(project, rosa, "none", [])])
    rows = {row.label: row.cells for row in compared.figures}
    assert rows["score before"][0].value == pytest.approx(3.5)
    assert rows["score after"][0].value == pytest.approx(4.5)
    gain = rows["gain in score, prompt by prompt"][0]
    assert gain.value == pytest.approx(1.0)
    assert gain.low is not None
    assert gain.high is not None
    # The gain differs less between prompts than the scores do.
    assert 0.0 < gain.low < 1.0 < gain.high < 2.0
    wide = rows["score after"][0]
    assert wide.low is not None
    assert wide.high is not None
    assert wide.high - wide.low > gain.high - gain.low
    assert (gain.n, wide.n) == (6, 6)
    assert rows["score after"][1].value is None
    assert found(project, list(TrainingRun.objects.all())) == found(project, list(TrainingRun.objects.all()))


def test_the_page_shows_all_of_it(
    sign_in: Browser, rosa: User, project: Project, pair: list[TrainingRun]
) -> None:
    answer = sign_in(rosa).get(PAGE, {"run": [run.pk for run in pair]})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert page.count('class="plot"') == 3
    for said in (
        "Told otherwise",
        "1e-05",
        "95 % interval 0.650 to 0.750",
        '<p class="eyebrow">reward model</p>',
    ):
        assert said in page
    assert page.count(" checked") == 2


@pytest.mark.parametrize(
    ("chosen", "said"),
    [([0], "Choose two runs or more"), ([0, 2], "Only runs of one kind"), ([], "Choose runs")],
)
def test_what_cannot_be_compared_is_said_so(
    sign_in: Browser, rosa: User, project: Project, pair: list[TrainingRun], chosen: list[int], said: str
) -> None:
    runs = [*pair, ppo(project, rosa, "other", [])]
    answer = sign_in(rosa).get(PAGE, {"run": [runs[place].pk for place in chosen]})
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert "Final figures" not in answer.content.decode()


def test_too_many_runs_are_refused_in_words(
    project: Project, snapshot: Snapshot, model: Artifact, rosa: User
) -> None:
    runs = [reward_model(snapshot, model, rosa, f"run {n}", seed=n) for n in range(comparing.MOST + 1)]
    assert "at most" in comparing.refusal(runs)
    assert comparing.refusal(runs[:-1]) == ""


def test_runs_of_another_project_are_not_there(
    sign_in: Browser, olga: User, other_project: Project, pair: list[TrainingRun]
) -> None:
    numbers = {"run": [run.pk for run in pair]}
    assert sign_in(olga).get("/p/elsewhere/training/compare/", numbers).status_code == 404
    assert comparing.runs_to_compare(other_project, numbers["run"]) is None


@pytest.mark.parametrize("number", ["x", "-1", "9" * 30, "0"])
def test_numbers_that_are_none_are_not_there(
    sign_in: Browser, rosa: User, project: Project, number: str
) -> None:
    assert sign_in(rosa).get(PAGE, {"run": number}).status_code == 404


def test_annotators_compare_nothing(sign_in: Browser, ada: User, ben: User, pair: list[TrainingRun]) -> None:
    for annotator in (ada, ben):
        assert sign_in(annotator).get(PAGE, {"run": [run.pk for run in pair]}).status_code == 403


def test_comparing_asks_the_database_as_often_for_many(
    sign_in: Browser, rosa: User, project: Project, snapshot: Snapshot, model: Artifact
) -> None:
    runs = [reward_model(snapshot, model, rosa, f"run {n}", seed=n) for n in range(5)]
    browser = sign_in(rosa)

    def asked(count: int) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert browser.get(PAGE, {"run": [run.pk for run in runs[:count]]}).status_code == 200
        return len(seen)

    asked(2)
    assert asked(2) == asked(5)
