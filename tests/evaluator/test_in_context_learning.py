"""The in-context-learning probe: what differs between conditions, and what a model that reads labels gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluator.errors import BadInput
from evaluator.progress import Progress
from evaluator.report_files import Report
from evaluator.specs import RunSpec
from evaluator.subjects import Scored
from evaluator.suites import in_context_learning as suite
from tests.evaluator.lines import Line, write_lines

MATERIAL = suite.Material(
    tuple(suite.Labelled(f"e{n}", f"text {n}", "ab"[n % 2], {}) for n in range(6)),
    (suite.Labelled("t", "to judge", "a", {}),),
    tuple(f"foreign {n}" for n in range(5)),
    ("a", "b"),
)


def shown(condition: str, seed: int = 0) -> list[tuple[str, str]]:
    prompt = suite.prompt_of(MATERIAL, MATERIAL.tests[0], condition, 4, seed)
    parts = [part.split("\nLabel:") for part in prompt.split("\n\n")]
    assert parts[-1] == ["Text: to judge", ""]
    return [(text.removeprefix("Text: "), label.strip()) for text, label in parts[:-1]]


def test_conditions_differ_in_what_they_probe_and_in_nothing_else() -> None:
    right = dict(shown("right/in"))
    assert len(right) == 4
    assert all(label == "ab"[int(text[-1]) % 2] for text, label in right.items())
    turned = dict(shown("flipped/in"))
    assert list(turned) == list(right)
    assert all(turned[text] != right[text] for text in right)
    assert [text for text, _ in shown("random/in")] == list(right)
    drawn = {tuple(label for _, label in shown("random/in", seed)) for seed in range(30)}
    assert len(drawn) > 8
    foreign = shown("right/out")
    assert all(text.startswith("foreign") for text, _ in foreign)
    assert [label for _, label in foreign] == list(right.values())
    assert shown("zero-shot") == []


def test_flipping_goes_round_all_labels() -> None:
    assert [suite.flipped(one, ("a", "b", "c")) for one in "abc"] == ["b", "c", "a"]


class _Copies:
    """A subject that says the label most of the examples have, and a where there is none."""

    detail: dict[str, object] = {}

    def score(self, items: Any, told: Any) -> list[Scored]:
        told(len(items))
        return [
            Scored(tuple(float(one.prompt.count(f"Label: {one.answer.strip()}")) for one in item))
            for item in items
        ]


def run(tmp_path: Path, **more: Any) -> Report:
    with Progress(tmp_path / "o") as progress:
        return suite.run(RunSpec(suite.NAME, "x", tmp_path / "o", **more), progress)


def test_accuracies_and_effects_are_of_the_same_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "open_scorer", lambda *_: _Copies())
    report = run(tmp_path)
    assert report.items.asked == report.items.measured == 24
    means = {metric.name: metric.value for metric in report.metrics if metric.group is None}
    assert set(means) == set(suite.DIRECTIONS)
    for name, (more, less) in suite.EFFECTS.items():
        ours, theirs = means[f"accuracy {more}"], means[f"accuracy {less}"]
        assert ours is not None
        assert theirs is not None
        assert means[name] == pytest.approx(ours - theirs)
    # Without examples both labels score 0, and the first one is taken: negative, of half the texts.
    assert means["accuracy zero-shot"] == 0.5
    assert means["accuracy right/in"] == means["accuracy right/out"]


def test_an_item_without_scores_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(_Copies):
        def score(self, items: Any, told: Any) -> list[Scored]:
            return [Scored(None, "too long") for _ in items]

    monkeypatch.setattr(suite, "open_scorer", lambda *_: Silent())
    report = run(tmp_path, limit=3)
    assert report.items.record() == {"asked": 3, "measured": 0, "abstained": 0, "not_measured": 3}


GOOD: list[Line] = [
    {"id": "1", "text": "x", "label": "a", "split": "example"},
    {"id": "2", "text": "y", "label": "b", "split": "example"},
    {"id": "3", "text": "z", "label": "a", "split": "test"},
    {"id": "4", "text": "w", "split": "foreign"},
]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (GOOD[1:], "wanted examples of two or more labels"),
        (GOOD[:2] + GOOD[3:], "found no test"),
        (GOOD[:3], "found no foreign"),
        ([*GOOD, {"id": "5", "text": "v", "label": "c", "split": "test"}], "found labels a, b, c"),
        ([*GOOD, {**GOOD[0], "split": "train"}], "split: found text"),
        ([*GOOD, {"id": "6", "text": "v", "label": "a"}], "found no 'split'"),
        ([*GOOD, GOOD[0]], "wanted unique ids"),
        ([*GOOD, {"id": "7", "text": "v", "split": "test"}], "found no 'label'"),
    ],
)
def test_other_lines_are_refused(tmp_path: Path, lines: list[Line], complaint: str) -> None:
    path = write_lines(tmp_path / "d.jsonl", lines)
    with pytest.raises(BadInput, match=complaint):
        suite.read_material(path)


def test_more_shots_than_examples_are_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "d.jsonl", GOOD)
    with pytest.raises(BadInput, match="--shots 3: found 1 examples and foreign texts"):
        run(tmp_path, data=path, shots=3)
