"""What changes without an annotator: agreement, ratings, and the training runs their labels went into."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluator.affected_runs import affected_runs
from evaluator.agreement import agreement
from evaluator.errors import BadInput
from evaluator.figures import Whiskers
from evaluator.progress import Progress
from evaluator.report_files import Metric, Report
from evaluator.specs import AgreementSpec
from tests.evaluator.lines import Line, ranking, write_lines


def campaign(items: int = 20) -> list[Line]:
    """ada and ben say the same, dot the opposite; ppo is best for the first two, sft for dot."""
    orders = {"ada": ["ppo", "sft", "base"], "ben": ["ppo", "sft", "base"], "dot": ["sft", "base", "ppo"]}
    found = []
    for item in range(items):
        for who, order in orders.items():
            told = order if item % 4 else [order[2], order[0], order[1]]
            found.append(ranking(f"{who}{item}", [[one] for one in told], annotator=who, item=f"i{item}"))
    return found


def measure(tmp_path: Path, *, drop: tuple[str, ...] = (), runs: tuple[Path, ...] = ()) -> Report:
    path = write_lines(tmp_path / "rankings.jsonl", campaign())
    spec = AgreementSpec(path, tmp_path / "out", drop=drop, runs=runs, resamples=100)
    with Progress(tmp_path / "out") as progress:
        return agreement(spec, progress)


def metric(report: Report, name: str, group: str | None) -> Metric:
    return next(one for one in report.metrics if (one.name, one.group) == (name, group))


def run_folder(tmp_path: Path, name: str, **spec: object) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "spec.json").write_text(json.dumps(spec), "utf-8")
    return folder


def test_agreement_without_each_annotator(tmp_path: Path) -> None:
    report = measure(tmp_path)
    whole = metric(report, "krippendorff_alpha", None).value
    assert whole is not None
    assert metric(report, "krippendorff_alpha_without", "annotator=dot").value == pytest.approx(1.0)
    assert metric(report, "pairwise_agreement_without", "annotator=dot").value == 1.0
    without_ada = metric(report, "krippendorff_alpha_without", "annotator=ada")
    assert without_ada.value is not None
    assert without_ada.value < whole
    assert without_ada.low is None
    figure = next(one for one in report.figures if one.name == "without-each")
    assert isinstance(figure.plot, Whiskers)
    assert [row.label for row in figure.plot.rows] == ["ada", "ben", "dot"]
    assert figure.plot.references[0].value == whole


def test_a_dropped_annotator_in_full(tmp_path: Path) -> None:
    report = measure(tmp_path, drop=("dot",))
    assert metric(report, "pairwise_agreement_without", "annotator=dot").low is not None
    ppo = metric(report, "rating_without", "annotator=dot, ppo")
    assert ppo.value is not None
    with_dot = ppo.extra["with"]
    assert isinstance(with_dot, float)
    assert ppo.value > with_dot + 50
    only = [one for one in report.metrics if one.name == "krippendorff_alpha_without"]
    assert sorted(one.group or "" for one in only) == ["annotator=ada", "annotator=ben", "annotator=dot"]


def test_a_stranger_cannot_be_dropped(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match="--drop eve: found no ranking by this annotator, wanted one of ada, ben, dot"
    ):
        measure(tmp_path, drop=("eve",))


def test_runs_are_affected_by_their_data_and_through_models(tmp_path: Path) -> None:
    theirs = write_lines(tmp_path / "theirs.jsonl", campaign(2))
    others = write_lines(
        tmp_path / "others.jsonl", [line for line in campaign(2) if line["annotator"] != "dot"]
    )
    reward = run_folder(tmp_path, "reward", verb="reward-model", rankings=str(theirs), model="base")
    clean = run_folder(tmp_path, "clean", verb="reward-model", rankings=str(others), model="base")
    policy = run_folder(
        tmp_path, "policy", verb="ppo", policy="base", reward_model=f"{clean}/model,{reward}/model"
    )
    best = run_folder(tmp_path, "best", verb="sft", model=str(policy), demonstrations=None)
    gone = run_folder(tmp_path, "gone", verb="sft", demonstrations=str(tmp_path / "nowhere.jsonl"))
    found = affected_runs([best, reward, clean, policy, gone], "dot")
    assert [(one.folder.name, one.lines, [p.name for p in one.through]) for one in found] == [
        ("best", 0, ["policy"]),
        ("reward", 2, []),
        ("policy", 0, ["reward"]),
        ("gone", None, []),
    ]
    assert found[1].command == f"python -m trainer reward-model --spec {reward}/spec.json --out NEW_FOLDER"
    assert affected_runs([reward, clean, policy], "eve") == []


def test_affected_runs_are_verdicts_and_never_guessed(tmp_path: Path) -> None:
    theirs = write_lines(tmp_path / "theirs.jsonl", campaign(2))
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    write_lines(snapshot / "rankings.jsonl", campaign(3))
    runs = (
        run_folder(tmp_path, "a", verb="reward-model", rankings=str(theirs)),
        run_folder(tmp_path, "b", verb="reward-model", rankings=str(snapshot)),
        run_folder(tmp_path, "c", verb="reward-model", rankings=str(tmp_path / "gone")),
    )
    told = [one for one in measure(tmp_path, drop=("dot",), runs=runs).verdicts if one.name == "training"]
    assert [(one.verdict, one.extra["lines"]) for one in told] == [
        ("affected", 2),
        ("affected", 3),
        ("not-known", None),
    ]
    assert str(told[0].extra["command"]) in told[0].reason
    assert {one.group for one in told} == {"annotator=dot"}


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"found no spec\.json, wanted a run folder"):
        affected_runs([tmp_path], "dot")
    with pytest.raises(BadInput, match=r"spec\.json: verb: found null"):
        affected_runs([run_folder(tmp_path, "x", model="base")], "dot")
