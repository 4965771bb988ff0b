"""The report of `evaluator agreement`."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from evaluator.agreement import agreement, ranking_label
from evaluator.cli import main
from evaluator.errors import BadInput
from evaluator.progress import Progress
from evaluator.rankings import parse_ranking
from evaluator.report_files import Metric, Report, read_report, write_report
from evaluator.specs import AgreementSpec
from tests.evaluator.lines import Line, ranking, without_environment, write_lines
from trainer.rankings import parse_ranking as parse_for_training


def measure(tmp_path: Path, lines: list[Line], gold: list[Line] | None = None) -> Report:
    told = write_lines(tmp_path / "r.jsonl", lines)
    right = write_lines(tmp_path / "g.jsonl", gold) if gold is not None else None
    with Progress(tmp_path / "out") as progress:
        return agreement(AgreementSpec(told, tmp_path / "out", gold=right, resamples=100), progress)


def campaign(items: int = 60) -> list[Line]:
    """ada and ben follow quality, cyd takes the first shown, dot orders upside down; each fifth item is of two."""
    rng = random.Random(1)
    found = []
    for item in range(items):
        names = ["a", "b"] if item % 5 == 0 else ["a", "b", "c", "d"]
        best = rng.sample(names, len(names))
        for who in ("ada", "ben", "cyd", "dot"):
            shown = rng.sample(names, len(names))
            order = {"cyd": shown, "dot": best[::-1]}.get(who, best)
            if who == "ben" and item % 4 == 0:
                order = [order[1], order[0], *order[2:]]
            line = ranking(
                f"{who}-{item}", [[one] for one in sorted(names)], annotator=who, item=f"i{item:02d}"
            )
            line |= {
                "tiers": [[one] for one in order],
                "shown_order": shown,
                "seconds": 30 if who != "cyd" else 0.1,
            }
            line["prompt_id"] = f"p{item:02d}"
            line["ratings"] = {one: {"helpful": 7 - place} for place, one in enumerate(order)}
            found.append(line)
    return found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return measure(tmp_path_factory.mktemp("agreement"), campaign())


def metric(report: Report, name: str, group: str | None = None) -> Metric:
    return next(one for one in report.metrics if (one.name, one.group) == (name, group))


def test_figures_of_all_of_kinds_of_ratings_and_of_annotators(report: Report) -> None:
    names = [
        "pairwise_agreement",
        "strict_pair_agreement",
        "kendall_tau_b",
        "kendall_w",
        "krippendorff_alpha",
    ]
    for group in (None, "kind=comparison", "kind=ranking"):
        for name in [*names, "fleiss_kappa"]:
            figure = metric(report, name, group)
            assert figure.value is not None
            assert figure.low is not None
            assert figure.high is not None
            assert (figure.low <= figure.value <= figure.high, figure.better) == (True, "higher")
            assert figure.n == {None: 60, "kind=comparison": 12, "kind=ranking": 48}[group]
    assert metric(report, "krippendorff_alpha", "rating=helpful").value is not None
    assert metric(report, "agreement_with_others", "annotator=ada").n == 60
    assert metric(report, "median_seconds", "annotator=ada").value == 30
    assert metric(report, "position_slope", "annotator=cyd").value == pytest.approx(1)
    assert metric(report, "first_shown_wins", "annotator=cyd").extra == {"chance": pytest.approx(0.3)}
    assert not [one for one in report.metrics if one.name == "gold_agreement"]
    ada, ben = (metric(report, "reliability", f"annotator={who}").value for who in ("ada", "ben"))
    assert ada is not None
    assert ben is not None
    assert ada > ben > 0


def test_flagged_annotators_have_verdicts(report: Report) -> None:
    told = {(one.name, one.group): one for one in report.verdicts}
    assert set(told) == {
        ("position_bias", "annotator=cyd"),
        ("speed", "annotator=cyd"),
        ("reliability", "annotator=cyd"),
        ("reliability", "annotator=dot"),
    }
    position = told["position_bias", "annotator=cyd"]
    assert (position.verdict, position.extra["hits"]) == ("flagged", position.extra["items"])
    assert told["reliability", "annotator=dot"].verdict == "upside-down"
    assert told["reliability", "annotator=cyd"].verdict == "not-above-chance"
    assert told["speed", "annotator=cyd"].reason.startswith(
        "100% of the labels took less than 0.15 s per word"
    )


def test_samples_are_the_items_of_two_annotators(tmp_path: Path) -> None:
    lines = [
        ranking("1", [["b"], ["a", "c"]], annotator="ada", item="x"),
        ranking("2", [["a"], ["b"]], unranked=["c"], annotator="ben", item="x"),
        ranking("3", [["a"], ["b"]], annotator="ada", item="alone"),
        ranking("4", [["a"], ["b"]], annotator="ada", item="alone"),
    ]
    found = measure(tmp_path, lines)
    assert found.items.record() == {"asked": 2, "measured": 1, "abstained": 0, "not_measured": 1}
    (sample,) = found.samples
    assert (sample["id"], sample["slices"]) == ("x", {"kind": "ranking"})
    assert sample["scores"] == pytest.approx(
        {"pairwise_agreement": 1 / 3, "strict_pair_agreement": 1 / 2, "kendall_tau_b": 0.0}
    )
    labels: Any = sample["labels"]
    assert labels == [
        {"id": "1", "annotator": "ada", "tiers": [["b"], ["a", "c"]]},
        {"id": "2", "annotator": "ben", "tiers": [["a"], ["b"]]},
    ]
    assert found.extra == {"annotators": 2, "labels": 4, "repeats": 1}
    overall = metric(found, "pairwise_agreement")
    assert (overall.value, overall.reason) == (
        None,
        "not enough data: 1 item with two annotators, wanted 10",
    )


def test_gold_adds_each_annotators_agreement_with_it(tmp_path: Path) -> None:
    lines = [
        ranking(f"{who}{at}", [["a"], ["b"]], annotator=who, item=f"i{at}") for at in range(5) for who in "xy"
    ]
    gold = [ranking(f"g{at}", [["a"], ["b"]] if at else [["b"], ["a"]], item=f"i{at}") for at in range(5)]
    found = measure(tmp_path, lines, gold)
    assert metric(found, "gold_agreement", "annotator=x").value == 0.8
    assert [Path(str(one["path"])).name for one in found.data] == ["r.jsonl", "g.jsonl"]
    again = [*gold, ranking("more", [["a"], ["b"]], item="i0")]
    with pytest.raises(
        BadInput, match=r'g\.jsonl:6: item: found gold of text "i0" again, wanted one an item'
    ):
        measure(tmp_path, lines, again)


def test_one_item_has_one_prompt(tmp_path: Path) -> None:
    other = ranking("2", [["a"], ["b"]], annotator="ben", item="x", prompt_id="elsewhere")
    with pytest.raises(
        BadInput, match=r'r\.jsonl:2: item: found text "x" with another prompt than at .*r\.jsonl:1'
    ):
        measure(tmp_path, [ranking("1", [["a"], ["b"]], item="x"), other])


@pytest.mark.parametrize("more", [{}, {"item": "i", "prompt_id": "p"}])
def test_items_and_prompts_are_those_that_training_sees(more: dict[str, str]) -> None:
    line = ranking("k", [["b"], ["a"]], **more) | {"prompt": [{"role": "user", "content": "利马在哪里？"}]}
    ours, theirs = parse_ranking(line, "f:1"), parse_for_training(line, "f:1")
    assert (ours.item_key, ours.prompt_key) == (theirs.item_key, theirs.prompt_key)


def test_lines_without_an_item_meet_by_prompt_and_responses(tmp_path: Path) -> None:
    turned = ranking("2", [["b"], ["a"]], annotator="ben")
    found = measure(
        tmp_path, [ranking("1", [["a"], ["b"]]), turned, ranking("3", [["a"], ["c"]], annotator="cyd")]
    )
    assert [len(one["labels"]) for one in found.samples] == [2]  # type: ignore[arg-type]


def test_a_label_knows_what_the_line_tells() -> None:
    line = ranking("k", [["b"], ["a"]], unranked=["c"], seconds=3, shown_order=["c", "a", "b"])
    found = ranking_label(parse_ranking(line, "f:1"))
    assert (found.responses, found.tiers) == (("b", "a", "c"), (0, 1, None))
    assert (found.shown, found.seconds, found.words, found.kind) == (
        ("c", "a", "b"),
        3.0,
        (2, 2, 2),
        "ranking",
    )


def test_the_verb_writes_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = write_lines(tmp_path / "r.jsonl", campaign(20))
    out = tmp_path / "out"
    words = [
        "agreement",
        str(told),
        "--out",
        str(out),
        "--resamples",
        "100",
        "--seed",
        "3",
        "--progress",
        "json",
    ]
    assert main(words) == 0
    shown = capsys.readouterr()
    assert "pairwise_agreement: 0." in shown.out
    assert "annotator" not in shown.out
    assert '"step": 3, "steps": 3' in shown.err
    content = without_environment(out)
    assert (content["format"], content["suite"], content["seed"]) == (
        "labelplatform-report/1",
        "agreement",
        3,
    )
    read = read_report(out)
    write_report(tmp_path / "again", read)
    assert (tmp_path / "again" / "samples.jsonl").read_bytes() == (out / "samples.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ({**ranking("k", [["a"], ["b"]]), "tiers": [["z"]]}, r'r\.jsonl:2: tiers: found text "z"'),
        ({**ranking("k", [["a"], ["b"]]), "seconds": -1}, r"r\.jsonl:2: seconds: found a number -1"),
        ({**ranking("k", [["a"], ["b"]]), "shown_order": ["a"]}, r"r\.jsonl:2: shown_order"),
        ({**ranking("1", [["a"], ["b"]])}, r'r\.jsonl:2: id: found text "1" again'),
    ],
)
def test_bad_lines_are_refused_and_leave_nothing(
    tmp_path: Path, line: Line, match: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = write_lines(tmp_path / "r.jsonl", [ranking("1", [["a"], ["b"]]), line])
    assert main(["agreement", str(told), "--out", str(tmp_path / "out")]) == 2
    found = capsys.readouterr().err
    assert found.count("\n") == 1
    with pytest.raises(BadInput, match=match):
        raise BadInput(found)
    assert not (tmp_path / "out").exists()
