"""Figures of the leaderboard and regression pages, reckoned again from the labels and samples that they name."""

from __future__ import annotations

import json
import math
import random
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from scipy import stats

from evaluator.cli import main
from evaluator.figures import read_figures
from evaluator.report_files import Items, Metric, Report, write_report
from evaluator.statistics.intervals import bootstrap_mean, generator
from labelplatform.accounts.models import Project, User
from labelplatform.evaluations import command_lines
from labelplatform.evaluations import services as evaluations
from labelplatform.evaluations.models import ComparisonRun, EvaluationRun, LeaderboardRun
from labelplatform.jobs.models import Job
from labelplatform.labels import services as labels
from labelplatform.labels.queries import ranking_line
from labelplatform.reports.queries.lineage import rankings_behind
from labelplatform.snapshots.services import freeze_snapshot
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.snapshots.test_snapshots import run as write_snapshot
from tests.labelplatform.world import finish

SUITE, VARIANT = "hallucination-open-domain", "closed-book"
STRENGTHS = {"first": 0.0, "second": 0.7, "third": 1.2}
Samples = list[dict[str, Any]]


def worked(job: Job, argv: Sequence[str]) -> Path:
    """What the worker does with a job's command, in this process; returns the run folder."""
    finish(job)
    shutil.rmtree(job.run_folder / "out")
    assert main(list(argv[3:])) in (0, 3)
    return job.run_folder


def page_of(person: User, address: str) -> str:
    browser = Client()
    browser.force_login(person)
    answer = browser.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def rows_of(page: str) -> list[str]:
    """The rows of the tables as text, tags and runs of blanks taken out."""
    found = re.findall(r"<tr[^>]*>(.*?)</tr>", page, re.DOTALL)
    return [re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", row)).strip() for row in found]


def number(value: float, digits: int = 3) -> str:
    return f"{value:,.{digits}f}".replace(",", "\u202f").replace("-", "\u2212")


# The leaderboard


def ranking_lines(count: int) -> list[dict[str, Any]]:
    """Rankings of three answers without ties, drawn by strength with noise."""
    chance = random.Random(4)
    lines = []
    for at in range(count):
        names = chance.sample(list(STRENGTHS), 3)
        drawn = {name: STRENGTHS[name] - math.log(-math.log(chance.random())) for name in names}
        lines.append(
            {
                "id": f"r{at}",
                "prompt": [{"role": "user", "content": f"Question {at}?"}],
                "responses": [
                    {"id": f"{at}-{name}", "text": f"{name} says", "policy": name} for name in names
                ],
                "tiers": [[f"{at}-{name}"] for name in sorted(names, key=lambda name: -drawn[name])],
                "annotator": f"person {at % 4}",
                "kind": "ranking",
            }
        )
    return lines


@pytest.fixture
def board(project: Project, rosa: User) -> LeaderboardRun:
    campaign = labels.create_campaign(project=project, name="first", by=rosa, source="import", overlap=0)
    labels.record_rankings(campaign=campaign, rankings=ranking_lines(60), by=rosa)
    snapshot = freeze_snapshot(project=project, name="frozen", by=rosa)
    write_snapshot(snapshot)
    run = evaluations.start_leaderboard(snapshot=snapshot, by=rosa, resamples=40)
    folder = worked(run.job, _argv(run.job))
    evaluations.collect_leaderboard(run.job, folder)
    run.refresh_from_db()
    return run


def _argv(job: Job) -> list[str]:
    """The command with the folder that `finish` gives the job."""
    job.fence = 1
    kinds = {"leaderboard": command_lines.leaderboard_command, "compare": command_lines.compare_command}
    return kinds[job.kind](job, job.run_folder)


def plackett_luce(orders: Sequence[Sequence[str]]) -> dict[str, float]:
    """Ratings of whole orders by Hunter's (2004) MM steps: 1000 is the mean, 400 points are ten to one."""
    names = sorted({name for order in orders for name in order})
    strength = dict.fromkeys(names, 1.0)
    for _ in range(2000):
        wins, shares = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
        for order in orders:
            for place, chosen in enumerate(order[:-1]):
                wins[chosen] += 1
                left = order[place:]
                total = sum(strength[name] for name in left)
                for name in left:
                    shares[name] += 1 / total
        strength = {name: wins[name] / shares[name] for name in names}
    logs = {name: math.log10(value) for name, value in strength.items()}
    mean = sum(logs.values()) / len(logs)
    return {name: 1000 + 400 * (value - mean) for name, value in logs.items()}


def test_the_leaderboards_figures_are_those_of_the_labels_it_names(board: LeaderboardRun, rosa: User) -> None:
    page = page_of(rosa, f"/p/harbour/reports/leaderboards/{board.pk}/")
    assert f"/p/harbour/reports/rankings/{board.snapshot_id}/" in page
    assert "60 rankings" in page
    assert "As of" in page
    lines: Samples = [dict(ranking_line(one)) for one in rankings_behind(board.snapshot)]
    orders = []
    for line in lines:
        policy = {response["id"]: str(response["policy"]) for response in line["responses"]}
        orders.append([policy[name] for tier in line["tiers"] for name in tier])
    assert len(orders) == 60
    again = plackett_luce(orders)
    wins = {name: sum(2 - order.index(name) for order in orders) for name in again}
    stored = {row.group: row for row in board.ratings.all()}
    assert set(stored) == set(again)
    rows = rows_of(page)
    for name, rating in again.items():
        assert stored[name].value == pytest.approx(rating, abs=0.01)
        assert (stored[name].wins, stored[name].losses, stored[name].ties) == (
            wins[name],
            120 - wins[name],
            0,
        )
        (row,) = [one for one in rows if name in one.split()]
        assert number(stored[name].value or 0, 0) in row
    assert board.report is not None
    ratings = read_figures(board.report.path)[0]
    assert {row[0]: row[1:4] for row in ratings.table.rows} == {
        name: (one.value, one.low, one.high) for name, one in stored.items()
    }
    assert page.count('class="drawing"') >= 4


def test_the_leaderboards_intervals_come_again_from_the_same_labels(
    board: LeaderboardRun, tmp_path: Path
) -> None:
    lines = [dict(ranking_line(one)) for one in rankings_behind(board.snapshot)]
    file = tmp_path / "again.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    words = ["leaderboard", str(file), "--resamples", "40", "--out", str(tmp_path / "again")]
    assert main(words) == 0
    content = json.loads((tmp_path / "again" / "report.json").read_text("utf-8"))
    again = {one["group"]: (one["low"], one["high"]) for one in content["metrics"] if one["name"] == "rating"}
    assert again == {row.group: (row.low, row.high) for row in board.ratings.all()}


# The regression report


def samples(after: bool) -> Samples:
    """200 items, half of them often seen: of these the candidate loses 30 and gains 2; it left the last one out."""
    told: Samples = []
    for at in range(199 if after else 200):
        often = at < 100
        was = at % 4 != 0
        now = was and not (often and at < 40)
        now = now or (at in (60, 64))
        scores = {"right": float(now if after else was), "wrong": float(not (now if after else was))}
        told.append({"id": f"q{at:03d}", "slices": {"tier": "often" if often else "never"}, "scores": scores})
    return told


def evaluated(project: Project, by: User, name: str, *, after: bool) -> EvaluationRun:
    subject = build_artifact(project, name=f"policy {name}")
    told: dict[str, Any] = {
        "suite": "hallucination-open-domain",
        "variant": "closed-book",
        "data": None,
        "seed": 0,
        "by": by,
    }
    run = evaluations.start_evaluation(project=project, name=name, subject=subject, **told)
    finish(run.job)
    report = Report(
        SUITE,
        VARIANT,
        name,
        0,
        [Metric("right", 0.5, None, None, 200), Metric("wrong", 0.5, None, None, 200, better="lower")],
        Items(200, 200, 0, 0),
        data=[{"path": "quiz.jsonl", "sha256": "ab" * 32}],
        samples=samples(after),
    )
    write_report(run.job.run_folder / "out", report)
    evaluations.collect_evaluation(run.job, run.job.run_folder)
    run.refresh_from_db()
    return run


@pytest.fixture
def comparison(project: Project, rosa: User) -> ComparisonRun:
    sides = [
        evaluated(project, rosa, name, after=after) for name, after in (("before", False), ("after", True))
    ]
    run = evaluations.start_comparison(baseline=sides[0], candidate=sides[1], by=rosa)
    evaluations.collect_comparison(run.job, worked(run.job, _argv(run.job)))
    run.refresh_from_db()
    return run


def named_samples(run: ComparisonRun) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both sides' samples by id, from the files that the report names."""
    assert run.report is not None
    content = json.loads((run.report.path / "report.json").read_text("utf-8"))
    paths = {file["of"]: Path(file["path"]) for file in content["data"] if "of" in file}
    both = []
    for side in ("baseline", "candidate"):
        lines = [json.loads(line) for line in paths[side].read_text("utf-8").splitlines()]
        both.append({line["id"]: line for line in lines})
    return both[0], both[1]


def differences(run: ComparisonRun, name: str, group: str) -> list[tuple[float, float]]:
    before, after = named_samples(run)
    both = sorted(before.keys() & after.keys())
    inside = [one for one in both if not group or f"tier={before[one]['slices']['tier']}" == group]
    return [(before[one]["scores"][name], after[one]["scores"][name]) for one in inside]


def by_holm(p_values: Mapping[Any, float]) -> dict[Any, float]:
    told: dict[Any, float] = {}
    running = 0.0
    for rank, (key, p) in enumerate(sorted(p_values.items(), key=lambda entry: entry[1])):
        running = max(running, min(1.0, (len(p_values) - rank) * p))
        told[key] = running
    return told


def test_the_regression_pages_figures_are_those_of_the_samples_it_names(
    comparison: ComparisonRun, rosa: User
) -> None:
    page = page_of(rosa, f"/p/harbour/reports/comparisons/{comparison.pk}/")
    places = [(name, group) for name in ("right", "wrong") for group in ("", "tier=never", "tier=often")]
    pairs = {place: differences(comparison, *place) for place in places}
    p_values = {}
    for place, both in pairs.items():
        fell, rose = sum(new < old for old, new in both), sum(new > old for old, new in both)
        p_values[place] = stats.binomtest(min(fell, rose), fell + rose).pvalue if fell + rose else 1.0
    adjusted = by_holm(p_values)
    stored = {(row.name, row.group): row for row in comparison.effects.all()}
    assert set(stored) == set(places)
    rows = rows_of(page)
    for (name, group), both in pairs.items():
        row = stored[name, group]
        gaps = [new - old for old, new in both]
        mean = sum(gaps) / len(gaps)
        assert row.value == pytest.approx(mean)
        assert row.n == len(gaps)
        assert row.p_adjusted == pytest.approx(adjusted[name, group])
        worse = -1 if name == "right" else 1
        counts = [sum(worse * sign * gap > 0 for gap in gaps) for sign in (1, -1)]
        said = group.replace("=", ": ") if group else "all items"
        (shown,) = [one for one in rows if one.startswith(name) and said in one]
        before, after = (sum(side) / len(both) for side in zip(*both, strict=True))
        assert f"{before:.3f} → {after:.3f}" in shown
        assert f"{counts[0]} · {counts[1]}" in shown
        assert number(mean) in shown
        assert ("regression confirmed" in shown) is (adjusted[name, group] <= 0.05 and worse * mean > 0)
        if len(set(gaps)) > 1:
            again = bootstrap_mean(gaps, rng=generator(0, "difference", SUITE, name, group))
            assert (row.low, row.high) == (again.low, again.high)
            assert again.low is not None
            assert again.high is not None
            assert f"{number(mean)} ({number(again.low)} – {number(again.high)})" in page
    assert comparison.verdict == "regression"


def test_the_regression_page_tells_its_time_its_items_and_draws_what_the_report_drew(
    comparison: ComparisonRun, rosa: User
) -> None:
    page = page_of(rosa, f"/p/harbour/reports/comparisons/{comparison.pk}/")
    assert "As of" in page
    assert "199 items compared of 200" in page
    assert "only in the baseline: 1 of the items (q199)" in page
    assert "6 tests, at most 5 % chance of any false alarm" in page
    assert "The gate is closed" in page
    assert comparison.report is not None
    figures = {one.name: one for one in read_figures(comparison.report.path)}
    drawn = [one.name for one in figures.values() if one.plot is not None]
    assert drawn == ["effects", "slices-1-right", "slices-2-wrong", "worst-items"]
    # The items lost stand on the page themselves.
    assert page.count('class="drawing"') == 2 * 3
    values = {(row[1], row[2]): row[3] for row in figures["slices-1-right"].table.rows}
    for row in comparison.effects.filter(name="right"):
        assert values["right", row.group or "all items"] == row.value
    assert page.index("Regression confirmed") < page.index("As of") < page.index("<table")
    browser = Client()
    browser.force_login(rosa)
    browser.cookies["django_language"] = "zh-hans"
    chinese = browser.get(f"/p/harbour/reports/comparisons/{comparison.pk}/").content.decode()
    for words in ("比较了 199 个条目", "报告自带的图表", "关卡"):
        assert words in chinese
