"""Judges: plain numbers that decide as scikit-learn does, labels merged honestly, figures of unseen questions only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from evaluator.cli import main
from evaluator.errors import BadInput
from evaluator.judges import training
from evaluator.judges.approaches import APPROACHES, OVERLAP_COLUMNS
from evaluator.judges.features import BLIND_COUNT, FEATURE_NAMES, Judged, features_of
from evaluator.judges.fitting import split_questions
from evaluator.judges.judge import Judge, load_judge
from evaluator.judges.judging import judge_lines
from evaluator.judges.labels import known_references, plain, read_labels
from evaluator.judges.models import Trees, fit_linear, fit_trees, fit_words, sigmoid
from evaluator.judges.wording import (
    WORDING_NAMES,
    common_order,
    overlap,
    share_of_both,
    spoken,
    trigrams,
    word_runs,
    wording,
)
from evaluator.progress import Progress
from evaluator.report_files import Report
from evaluator.specs import TrainJudgeSpec
from tests.evaluator.lines import Line, write_lines


class Hashed:
    """Embeddings that are a sum of one fixed direction a word: texts of the same words are near."""

    def embed(self, texts: Sequence[str]) -> Any:
        rows = [sum((self._word(word) for word in ["", *spoken(text)]), start=np.zeros(8)) for text in texts]
        return np.array([row / np.linalg.norm(row) for row in rows])

    def _word(self, word: str) -> Any:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        return np.random.default_rng(seed).normal(size=8)


THINGS = "tea milk rice salt gold iron wool silk sand coal fish corn wine soap rope".split()


def label_lines() -> list[Line]:
    """Fifteen questions, true answers worded like the true reference, false ones like the false one."""
    lines: list[Line] = []
    for number, thing in enumerate(THINGS):
        known = {
            "question": f"What is {thing} good for?",
            "correct": [f"{thing} feeds people.", "It helps many people."],
            "incorrect": [f"{thing} cures death.", "It brings magic luck."],
        }
        words = ["surely", "often", "perhaps", "always"]
        for place, word in enumerate(words):
            lines.append(
                {**known, "answer": f"{thing} {word} feeds many people", "label": place != number % 7}
            )
            lines.append({**known, "answer": f"{word} {thing} cures death by magic", "label": False})
        lines.append({**known, "answer": f"{thing} feeds people", "label": True})
        lines.append({**known, "answer": "I have no comment.", "label": True})
    return lines


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    out = tmp_path_factory.mktemp("judge")
    path = write_lines(out.parent / "labels.jsonl", label_lines())
    spec = TrainJudgeSpec(path, out, resamples=100)
    with Progress(out) as progress:
        return out, training.train_judge(spec, progress, Hashed())


def test_wording_by_hand() -> None:
    found = dict(zip(WORDING_NAMES, wording("Is tea good?", "No, I don't think tea is, tea 2"), strict=True))
    assert found["words"] == 8
    assert found["words not in the question"] == 5
    assert found["share of words not in the question"] == 5 / 8
    assert found["overlap with the question"] == pytest.approx(2 * 2 / 11)
    assert [found[name] for name in ("negates", "abstains", "starts with yes", "starts with no")] == [
        1,
        0,
        0,
        1,
    ]
    assert [found[name] for name in ("empty", "says I", "words of the question", "has a digit")] == [
        0,
        1,
        3,
        1,
    ]
    assert found["repeats itself"] == pytest.approx(1 / 8)
    empty = dict(zip(WORDING_NAMES, wording("Why?", " "), strict=True))
    assert (empty["empty"], empty["words"], empty["repeats itself"]) == (1, 0, 1)
    assert dict(zip(WORDING_NAMES, wording("Why?", "Yes, it DEPENDS"), strict=True))["abstains"] == 1


def test_likeness_by_hand() -> None:
    assert overlap(["a", "b", "a"], ["a", "c", "a", "a"]) == pytest.approx(2 * 2 / 7)
    assert overlap([], ["a"]) == 0
    assert common_order(["a", "b", "c"], ["a", "x", "c"]) == pytest.approx(2 * 2 / 6)
    assert common_order(["a", "b"], ["b", "a"]) == pytest.approx(0.5)
    assert common_order([], ["a"]) == 0
    assert trigrams(["ab"]) == {" ab", "ab "}
    assert share_of_both(frozenset("ab"), frozenset("bcd")) == 1 / 4
    assert word_runs("A b c") == ["a", "b", "c", "a b", "b c", "a b c"]


def test_features_look_at_both_sides() -> None:
    row = Judged("Is tea good?", "Tea is not bad", ("Tea is good.", "It isn't bad"), ("Tea is bad",))
    table = features_of([row], "with-references", Hashed()).table[0]
    named = dict(zip(FEATURE_NAMES, table, strict=True))
    assert named["true: words, highest"] == pytest.approx(2 * 2 / 7)
    assert named["false: words, highest"] == pytest.approx(2 * 3 / 7)
    assert named["true less false: words, highest"] == pytest.approx(-2 / 7)
    assert named["true: new words, highest"] == pytest.approx(2 / 5)
    assert named["false: order of words, mean"] == pytest.approx(2 * 3 / 7)
    assert named["true: share that negates alike"] == 0.5
    assert named["false: share that negates alike"] == 0
    assert named["false: nearest that negates alike"] == -1
    assert named["true: share with the same first word"] == 0.5
    assert named["false: answer, highest"] == pytest.approx(
        float(Hashed().embed(["Tea is not bad"])[0] @ Hashed().embed(["Tea is bad"])[0])
    )
    blind = features_of([row], "blind", Hashed()).table[0]
    assert list(blind) == list(table[-BLIND_COUNT:])
    assert len(OVERLAP_COLUMNS) == 18
    with pytest.raises(ValueError, match="no references of"):
        features_of([replace(row, incorrect=())], "with-references", Hashed())


def test_plain_numbers_decide_as_the_library_does() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(200, 5))
    labels = (table[:, 0] * table[:, 1] + rng.normal(size=200) * 0.3 > 0).astype(float)
    trees = fit_trees(table, labels, seed=0)
    assert ((trees.logits(table) > 0) == (labels > 0.5)).mean() > 0.9
    linear = fit_linear(table, (table[:, 0] > 0).astype(float), strength=1.0)
    assert ((linear.logits(table) > 0) == (table[:, 0] > 0)).mean() > 0.95
    texts = [f"{word} {other}" for word in ("good", "bad", "fine") for other in THINGS]
    good = np.array([float(text.startswith("good")) for text in texts])
    words = fit_words(texts, good)
    vectorizer = TfidfVectorizer(analyzer=word_runs, min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=3.0, max_iter=2000).fit(vectorizer.fit_transform(texts), good)
    asked = [*texts, "good good bad tea", "never met"]
    assert words.logits(asked) == pytest.approx(
        model.decision_function(vectorizer.transform(asked)), abs=1e-6
    )
    assert sigmoid(np.array([-1000.0, 0.0, 1000.0])) == pytest.approx([0.0, 0.5, 1.0])


def test_a_tree_by_hand() -> None:
    one = Trees(
        base=0.5,
        starts=np.array([0, 3]),
        feature=np.array([1, 0, 0, 0]),
        threshold=np.array([2.0, 0, 0, 0]),
        left=np.array([1, 0, 0, 0]),
        right=np.array([2, 0, 0, 0]),
        leaf=np.array([False, True, True, True]),
        value=np.array([9.0, -1.0, 1.0, 0.25]),
    )
    assert list(one.logits(np.array([[0, 2.0], [0, 2.1]]))) == [-0.25, 1.75]


def test_questions_are_never_split() -> None:
    questions = [question for question in "abcdefg" for _ in range(3)]
    parts = split_questions(questions, 3, seed=0, name="x")
    assert all(len(set(parts[start : start + 3])) == 1 for start in range(0, 21, 3))
    assert sorted(np.bincount(parts[::3])) == [2, 2, 3]
    assert (parts != split_questions(questions, 3, seed=1, name="x")).any()


def labelled(path: Path, *lines: Line) -> Path:
    known = {"question": "Why?", "correct": ["So."], "incorrect": ["Not so."]}
    return write_lines(path, [{**known, **line} for line in lines])


def test_repeated_rows_are_merged_and_references_known(tmp_path: Path) -> None:
    path = labelled(
        tmp_path / "l.jsonl",
        {"answer": "a", "label": True},
        {"answer": "a", "label": True},
        {"answer": "a", "label": False},
        {"answer": "b", "label": True},
        {"answer": "b", "label": False},
        {"answer": "SO", "label": False},
        {"answer": "I have no comment.", "label": False},
    )
    found = read_labels(path, {})
    assert [row.answer for row in found.rows] == ["I have no comment.", "SO", "a"]
    assert list(found.labels) == [0, 0, 1]
    assert list(found.counts) == [1, 1, 3]
    assert list(found.is_reference) == [False, True, False]
    assert list(found.is_stock) == [True, False, False]
    assert (found.lines, found.undecided) == (7, 1)
    assert plain("I don't KNOW!") == "i don t know"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ({"answer": "a"}, "label: found none, wanted true or false"),
        ({"answer": "a", "label": 1}, "label: found a number 1"),
        ({"label": True}, "found no 'answer'"),
        ({"answer": "a", "label": True, "correct": "So."}, "correct: found text"),
        ({"answer": "a", "label": True, "correct": []}, "found 'Why.' without references"),
        ({"answer": "a", "label": True}, "one label only"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(tmp_path: Path, line: Line, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        read_labels(labelled(tmp_path / "l.jsonl", line), {})


def test_references_of_both_editions_are_joined() -> None:
    found = known_references(None)
    assert len(found) == 819
    true, false = found["What happens to you if you eat watermelon seeds?"]
    assert "You eat watermelon seeds" in true
    assert "You die" in false


def test_figures_are_of_unseen_questions_and_name_their_form(trained: tuple[Path, Report]) -> None:
    out, report = trained
    groups = {metric.group for metric in report.metrics}
    assert groups == {f"{one.form}/{one.name}" for one in APPROACHES}
    rows: Any = report.extra["rows"]
    assert rows["questions"] == 15
    assert rows["test_questions"] == 5
    # Of ten rows a question, one is a reference and one the stock refusal.
    assert (rows["test_rows"], rows["test_rows_left_out_as_reference_answers"]) == (45, 5)
    assert rows["test_rows_that_are_the_stock_refusal"] == 5
    assert len(report.samples) == 45
    assert len({str(sample["question"]) for sample in report.samples}) == 5
    value = {(metric.group, metric.name): metric.value for metric in report.metrics}
    best, least = value["with-references/judge", "auroc"], value["blind/length", "auroc"]
    assert best is not None
    assert least is not None
    assert best > 0.75
    assert value["with-references/judge", "auroc_over_length"] == pytest.approx(best - least)
    assert ("blind/length", "auroc_over_length") not in value
    assert report.variant == "truth/with-references"
    told = json.loads((out / "judge.json").read_text())
    assert {one["group"] for one in told["figures_on_unseen_questions"]} == {"with-references/judge"}


def test_a_judge_is_the_same_after_saving(trained: tuple[Path, Report]) -> None:
    judge = load_judge(trained[0], Hashed())
    row = (
        "What is tea good for?",
        "tea surely feeds many people",
        ("tea feeds people.",),
        ("tea cures death.",),
    )
    false = (row[0], "tea cures death by magic", *row[2:])
    found = judge.probabilities([row, false])
    assert 0 < found[1] < 0.5 < found[0] < 1
    assert judge.probabilities([row]) == pytest.approx(found[:1])
    assert judge.probabilities([]) == []
    assert (judge.about, judge.form, judge.detail["form"]) == ("truth", "with-references", "with-references")


def test_a_changed_judge_is_refused(trained: tuple[Path, Report], tmp_path: Path) -> None:
    told = json.loads((trained[0] / "judge.json").read_text())
    weights = (trained[0] / "weights.safetensors").read_bytes()
    for content, raw, complaint in (
        ({**told, "format": "x"}, weights, "format is 'x'"),
        (told, weights + b"x", "others than judge.json names"),
        ({**told, "about": "beauty"}, weights, "found 'beauty'"),
        ({**told, "runs": None}, weights, "wanted a judge that `train-judge` wrote"),
    ):
        (tmp_path / "judge.json").write_text(json.dumps(content))
        (tmp_path / "weights.safetensors").write_bytes(raw)
        with pytest.raises(BadInput, match=complaint):
            load_judge(tmp_path, Hashed())


def test_answers_of_a_file_are_judged(trained: tuple[Path, Report], tmp_path: Path) -> None:
    lines = [one for one in label_lines() if "always" in one["answer"]][:4]
    path = write_lines(tmp_path / "a.jsonl", lines)
    with Progress(tmp_path / "p") as progress:
        judge_lines(path, trained[0], tmp_path / "o.jsonl", progress, embedder=Hashed())
        found = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
        assert [one["answer"] for one in found] == [one["answer"] for one in lines]
        assert all(one["verdict"] == (one["probability"] >= 0.5) for one in found)
        with pytest.raises(BadInput, match="wanted one that is new"):
            judge_lines(path, trained[0], tmp_path / "o.jsonl", progress, embedder=Hashed())
        unknown = write_lines(tmp_path / "u.jsonl", [{"question": "Else?", "answer": "x"}])
        with pytest.raises(BadInput, match=r"'Else\?' without references"):
            judge_lines(unknown, trained[0], tmp_path / "u", progress, embedder=Hashed())


def test_the_verbs_refuse_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_lines(tmp_path / "info.jsonl", [{"question": "Else?", "answer": "x", "label": True}])
    assert main(["train-judge", str(path), "--out", str(tmp_path / "o")]) == 2
    assert "info.jsonl:1: question: found 'Else?' without references" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()
    assert main(["judge", str(path), "--judge", str(tmp_path / "none"), "--out", str(tmp_path / "o")]) == 2
    assert "found no such folder" in capsys.readouterr().err


def test_the_file_name_says_what_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[TrainJudgeSpec] = []

    def note(spec: TrainJudgeSpec, progress: Any) -> Any:
        seen.append(spec)
        raise BadInput("enough")

    monkeypatch.setattr(training, "train_judge", note)
    for name, more in (
        ("judge_info_dev.jsonl", []),
        ("x.jsonl", []),
        ("x.jsonl", ["--about", "informativeness"]),
    ):
        main(["train-judge", name, "--out", str(tmp_path / "o"), *more])
    assert [one.about for one in seen] == ["informativeness", "truth", "informativeness"]
    capsys.readouterr()


def test_a_judge_knows_its_form() -> None:
    assert Judge("truth", "blind", None, Hashed()).detail == {"about": "truth", "form": "blind"}  # type: ignore[arg-type]
