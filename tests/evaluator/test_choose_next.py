"""`choose-next` as a program: what it writes, and what it refuses by file and line."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from evaluator.cli import main
from tests.evaluator.lines import Line, answered, without_environment, write_lines

LN3 = math.log(3)


def scored(item: str, response: str, score: float, **more: Any) -> Line:
    prompt: Line = {"id": f"prompt of {item}", "prompt": [{"role": "user", "content": "Where?"}]}
    return {**answered(prompt, "There."), "item": item, "response_id": response, "score": score, **more}


def files(tmp_path: Path, *members: list[Line]) -> list[str]:
    return [str(write_lines(tmp_path / f"m{number}.jsonl", lines)) for number, lines in enumerate(members, 1)]


def two_members(tmp_path: Path, items: int = 12) -> list[str]:
    """Of item n the first member holds a over b by n, the second by -n: the later, the more they disagree."""
    sides = ([(n, 0.0) for n in range(items)], [(-n, 0.0) for n in range(items)])
    return files(
        tmp_path,
        *(
            [
                line
                for n, (a, b) in enumerate(side)
                for line in (scored(f"i{n}", "a", a), scored(f"i{n}", "b", b))
            ]
            for side in sides
        ),
    )


def samples(folder: Path) -> list[Line]:
    return [json.loads(line) for line in (folder / "samples.jsonl").read_text("utf-8").splitlines()]


def test_the_order_with_its_arms_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["choose-next", *two_members(tmp_path), "--control-share", "0.25", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "disagreement: " in told
    assert "margin: 0" in told
    order = samples(out)
    assert [one["place"] for one in order] == list(range(1, 13))
    chosen = [int(one["id"][1:]) for one in order if one["arm"] == "chosen"]
    assert chosen == sorted(chosen, reverse=True)
    assert len(chosen) == 9
    assert all(one["slices"] == {"arm": one["arm"]} for one in order)
    third = next(one for one in order if one["id"] == "i3")
    assert third["response_scores"] == {"a": [3, -3], "b": [0, 0]}
    sure = 1 / (1 + math.exp(-3))
    assert third["scores"]["disagreement"] == pytest.approx((sure - 0.5) ** 2)
    report = without_environment(out)
    assert (report["suite"], report["variant"], report["spec"]["control_share"]) == (
        "choose-next",
        "disagreement",
        0.25,
    )
    groups = [(metric["name"], metric.get("group"), metric["n"]) for metric in report["metrics"]]
    assert ("disagreement", "arm=control", 3) in groups
    assert ("margin", None, 12) in groups


def test_by_margin_the_least_sure_go_first(tmp_path: Path) -> None:
    lines = [scored(f"i{n}", name, score) for n in range(8) for name, score in (("a", float(n)), ("b", 0.0))]
    out = tmp_path / "out"
    assert main(["choose-next", *files(tmp_path, lines), "--by", "margin", "--out", str(out)]) == 0
    order = samples(out)
    chosen = [int(one["id"][1:]) for one in order if one["arm"] == "chosen"]
    assert chosen == sorted(chosen)
    assert set(order[0]["scores"]) == {"margin"}


def test_lines_of_trainer_sample_need_no_item(tmp_path: Path) -> None:
    """Items by the prompt's id, responses by `response_id` or by their place among its lines."""
    lines = [scored(f"i{n}", "x", float(k * n)) for n in range(3) for k in range(3)]
    plain = [{key: line[key] for key in line if key not in ("item", "response_id")} for line in lines]
    out = tmp_path / "out"
    assert main(["choose-next", *files(tmp_path, plain), "--by", "margin", "--out", str(out)]) == 0
    told = {one["id"]: one["response_scores"] for one in samples(out)}
    assert told["prompt of i2"] == {"1": [0], "2": [2], "3": [4]}


def test_the_order_of_the_lines_changes_nothing(tmp_path: Path) -> None:
    paths = two_members(tmp_path)
    lines = Path(paths[1]).read_text("utf-8").splitlines(keepends=True)
    assert main(["choose-next", *paths, "--out", str(tmp_path / "one")]) == 0
    Path(paths[1]).write_text("".join(reversed(lines)), "utf-8")
    assert main(["choose-next", *paths, "--out", str(tmp_path / "two")]) == 0
    assert samples(tmp_path / "one") == samples(tmp_path / "two")


PAIR = [scored("i0", "a", 1.0), scored("i0", "b", 0.0)]
OTHER = [scored("i1", "a", 1.0), scored("i1", "b", 0.0)]
UNSCORED = {key: value for key, value in PAIR[0].items() if key != "score"}
BAD: dict[str, tuple[list[list[Line]], str]] = {
    "no score": (
        [[UNSCORED, PAIR[1]]],
        "m1.jsonl:1: score: found none, wanted a number: lines that `trainer score` wrote",
    ),
    "score is text": (
        [[PAIR[0], {**PAIR[1], "score": "high"}]],
        'm1.jsonl:2: score: found text "high", wanted a number: lines that `trainer score` wrote',
    ),
    "score is true": (
        [[{**PAIR[0], "score": True}, PAIR[1]]],
        "m1.jsonl:1: score: found a boolean true, wanted a number",
    ),
    "twice": (
        [[*PAIR, PAIR[0]]],
        "m1.jsonl:3: response_id: found 'a' of item 'i0' again (first at {folder}/m1.jsonl:1), "
        "wanted each response once",
    ),
    "one response": (
        [[*PAIR, OTHER[0]]],
        "m1.jsonl:3: found one response of item 'i1', wanted two or more to compare",
    ),
    "one item": ([PAIR], "m1.jsonl: found 1 item, wanted two or more: one for each arm"),
    "missing in the second": (
        [[*PAIR, *OTHER], [*PAIR, OTHER[0]]],
        "m2.jsonl: found no score of response 'b' of item 'i1' (at {folder}/m1.jsonl:4), "
        "wanted the same responses in every file",
    ),
    "more in the second": (
        [PAIR, [*PAIR, OTHER[0]]],
        "m2.jsonl:3: found response 'a' of item 'i1', which {folder}/m1.jsonl does not score, "
        "wanted the same responses in every file",
    ),
    "no line": ([[]], "m1.jsonl: found no line, wanted at least one"),
    "item is a number": (
        [[{**PAIR[0], "item": 3}, PAIR[1]]],
        "m1.jsonl:1: item: found a number 3, wanted non-empty text",
    ),
    "no response line": ([[{"score": 1.0}]], "m1.jsonl:1: found no 'id', wanted text"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_by_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    members, wanted = BAD[case]
    words = ["choose-next", *files(tmp_path, *members), "--by", "margin", "--out", str(tmp_path / "out")]
    assert main(words) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert wanted.replace("{folder}", str(tmp_path)) in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        (
            ["--control-share", "0"],
            "--control-share: found 0.0; wanted a number between 0 and 1, ends excluded",
        ),
        (
            ["--control-share", "1"],
            "--control-share: found 1.0; wanted a number between 0 and 1, ends excluded",
        ),
        (["--by", "luck"], "--by: invalid choice"),
        (["--seed", "-1"], "--seed: found -1; wanted 0 or more"),
        ([], "--by disagreement: found 1 score file, wanted 2 or more, one for each reward model"),
    ],
)
def test_bad_flags_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], wanted: str
) -> None:
    words = ["choose-next", *files(tmp_path, [*PAIR, *OTHER]), *flags, "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert wanted in capsys.readouterr().err
