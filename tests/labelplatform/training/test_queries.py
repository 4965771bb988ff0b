"""What a run page says: honest time, curves that are the lines measured, samples, and links."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact
from labelplatform.snapshots.models import Snapshot
from labelplatform.training import queries, services
from labelplatform.training.models import TrainingRun
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.world import begin, finish

Kind = Artifact.Kind


def start(project: Project, by: User, name: str = "rewards") -> TrainingRun:
    snapshot = Snapshot.objects.create(
        project=project, name=f"snapshot {name}", artifact=build_artifact(project, Kind.SNAPSHOT)
    )
    return services.start_reward_model(
        project=project,
        name=name,
        snapshot=snapshot,
        model=build_artifact(project),
        settings={"epochs": 2},
        by=by,
    )


def lines(count: int, steps: int = 100, pace: float = 2.0) -> list[dict[str, Any]]:
    return [
        {"step": step, "steps": steps, "seconds": step * pace, "loss": 1.0} for step in range(1, count + 1)
    ]


def test_remaining_seconds_is_the_present_pace_times_what_is_left() -> None:
    assert queries.remaining_seconds(lines(40)) == pytest.approx(120.0)
    slow = [*lines(40), *({"step": 40 + n, "steps": 100, "seconds": 80.0 + 10 * n} for n in range(1, 21))]
    assert queries.remaining_seconds(slow) == pytest.approx(400.0)


@pytest.mark.parametrize("known", [[], lines(2), [{"step": 1, "seconds": 1.0}] * 5])
def test_remaining_seconds_is_not_guessed(known: list[dict[str, Any]]) -> None:
    assert queries.remaining_seconds(known) is None


def test_live_run_draws_what_the_lines_measured(project: Project, rosa: User) -> None:
    run = start(project, rosa)
    begin(run.job)
    live = queries.live_run(run)
    assert live.moving
    assert live.remaining == pytest.approx(45.0)
    drawn = {line.metric: line.last for panel in live.panels for line in panel.lines}
    written = json.loads((run.job.run_folder / "out" / "progress.jsonl").read_text().splitlines()[-1])
    assert drawn == {name: f"{written[name]:.3g}" for name in ("loss", "heldout_loss", "heldout_accuracy")}


def test_live_run_of_a_waiting_run_has_no_curves_and_no_time(project: Project, rosa: User) -> None:
    live = queries.live_run(start(project, rosa))
    assert (live.panels, live.remaining, live.metrics, live.samples) == ((), None, (), ())


def test_panels_show_an_unknown_metric_too() -> None:
    measured = [{"step": step, "steps": 3, "seconds": 1.0, "surprise": step * 1.0} for step in (1, 2, 3)]
    (panel,) = queries.panels("sft", measured)
    assert [line.metric for line in panel.lines] == ["surprise"]


def test_samples_put_what_changed_first(project: Project, rosa: User) -> None:
    run = start(project, rosa)
    finish(run.job)
    told = [
        {
            "prompt": [{"role": "user", "content": f"Where is {place}?"}],
            "before": "Mars.",
            "after": after,
            "score_before": -1.0,
            "score_after": 1.0,
        }
        for place, after in (("Lima", "Mars."), ("Oslo", "Norway."))
    ]
    text = "".join(json.dumps(line) + "\n" for line in told)
    (run.job.run_folder / "out" / "samples.jsonl").write_text(text)
    samples = queries.live_run(run).samples
    assert [(sample.question, sample.after) for sample in samples] == [
        ("Where is Oslo?", "Norway."),
        ("Where is Lima?", "Mars."),
    ]


def test_inputs_of_names_each_input_in_the_words_of_its_verb(project: Project, rosa: User) -> None:
    run = start(project, rosa)
    assert {(link.role, link.artifact.kind) for link in queries.inputs_of(run)} == {
        ("snapshot", "snapshot"),
        ("starts from", "policy"),
    }


def test_run_visible_in_sees_its_own_project_only(
    project: Project, other_project: Project, rosa: User
) -> None:
    run = start(project, rosa)
    assert queries.run_visible_in(project, run.pk) == run
    assert queries.run_visible_in(other_project, run.pk) is None


def test_runs_of_asks_the_database_once_however_many(project: Project, rosa: User) -> None:
    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            for run in queries.runs_of(project):
                assert (run.job.state, str(run.job.requested_by), run.output) == ("queued", "rosa", None)
        return len(seen)

    start(project, rosa, "one")
    first = asked()
    for name in ("two", "three", "four"):
        start(project, rosa, name)
    assert asked() == first == 1
