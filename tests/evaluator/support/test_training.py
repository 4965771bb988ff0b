"""train-detector: labels from spans, texts that are never split, figures of texts not learnt from, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evaluator.cli import main
from evaluator.errors import BadInput
from evaluator.support import training
from evaluator.support.fitting import Logistic
from evaluator.support.passages import Passages, passages_of, read_labelled
from evaluator.support.training import cross_fitted, fold_of
from tests.evaluator.lines import Line, without_environment, write_lines
from tests.evaluator.support.reading_stand_in import WordEncoder

NAMES = "ada ben cleo dan eva finn gus hana ivan jo kim leo mia noah ola pia".split()


def labels(texts: int = 16) -> list[Line]:
    """Two responses to each text: one that keeps to it, one that does not."""
    found = []
    for number in range(texts):
        name = NAMES[number % len(NAMES)]
        context = f"{name} went to town {number} by train. It rained all day."
        for kind, response in ((1, f"{name} went by train."), (0, f"I guess {name} flew with a friend?")):
            line = {"id": f"t{number}-{kind}", "context": context, "response": response, "support": kind}
            found.append({**line, "set": "even" if number % 2 else "odd"})
    return found


def span_line(name: str, item: str, annotator: str, *spans: tuple[int, int]) -> Line:
    told = [{"start": start, "end": end, "kind": "not-in-source"} for start, end in spans]
    texts = {"context": "Ada left. Ben stayed.", "response": "Ada left. Cleo sang. Ben stayed."}
    return {"id": name, "item": item, **texts, "spans": told, "annotator": annotator}


@pytest.fixture(autouse=True)
def _word_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "Encoder", lambda _folder: WordEncoder())


def test_spans_become_labels_of_sentences_and_annotators_are_averaged(tmp_path: Path) -> None:
    lines = [
        span_line("a", "i1", "ada", (10, 20)),
        span_line("b", "i1", "ben", (12, 16), (21, 24)),
        span_line("c", "i2", "ada"),
        span_line("d", "i3", "ada", (9, 10)),
        span_line("e", "i4", "ada", (9, 11)),
    ]
    found = {one.id: one for one in read_labelled(write_lines(tmp_path / "s.jsonl", lines))}
    assert found["i1"].sentences == (1.0, 0.0, 0.5)
    assert [found[item].support for item in ("i1", "i2", "i3")] == [0.0, 1.0, 0.0]
    assert found["i3"].sentences == (1.0, 1.0, 1.0)  # the blank space between two sentences is of neither
    assert found["i4"].sentences == (1.0, 0.0, 1.0)
    passages = passages_of(list(found.values()), WordEncoder())
    assert passages.whole.tolist() == [True, False, False, False] * 4
    assert passages.labels[:4].tolist() == [0.0, 1.0, 0.0, 0.5]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], "found no line"),
        ([{**labels()[0], "support": 1.5}], "support: found a number 1.5"),
        ([{**labels()[0], "support": True}], "support: found a boolean"),
        ([{key: value for key, value in labels()[0].items() if key != "support"}], "support: found none"),
        ([{key: value for key, value in labels()[0].items() if key != "context"}], "found no 'context'"),
        ([labels()[0], labels()[0]], "found 't0-1' again"),
        ([span_line("a", "i", "ada"), {**span_line("b", "i", "ben"), "context": "x"}], "found other texts"),
        ([span_line("a", "i", "ada"), labels()[0]], "found no 'spans'"),
        (labels(9), "found responses to 9 texts, wanted 10 or more"),
        ([one for one in labels() if one["support"]], "found only supported responses"),
        ([one for one in labels() if not one["support"]], "found no supported responses"),
        ([{**labels()[0], "response": ""}], "found no response with a context that can be measured"),
    ],
)
def test_bad_labels_are_one_line_and_exit_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: list[Line], complaint: str
) -> None:
    path = write_lines(tmp_path / "labels.jsonl", lines)
    assert main(["train-detector", str(path), "--out", str(tmp_path / "o")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert complaint in told
    assert not (tmp_path / "o").exists()


def test_train_detector_writes_a_detector_and_honest_figures(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "labels.jsonl", [*labels(), {**labels()[0], "id": "mute", "response": ""}])
    words = ["train-detector", str(path), "--resamples", "100", "--seed", "3"]
    for name in ("one", "two"):
        assert main([*words, "--out", str(tmp_path / name)]) == 0
    report = without_environment(tmp_path / "one")
    assert report["items"] == {"asked": 33, "measured": 32, "abstained": 0, "not_measured": 1}
    figures = {(one["name"], one.get("group")): one for one in report["metrics"]}
    for name in ("auroc", "auprc_supported", "auprc_invented", "balanced_accuracy"):
        assert figures[name, None]["value"] == 1.0
        assert figures[name, "set=even"]["n"] == 16
    assert ("auroc", "unit=sentence") not in figures
    detector = json.loads((tmp_path / "one" / "detector.json").read_text("utf-8"))
    assert detector["trained_on"][0]["sha256"] == report["data"][0]["sha256"]
    assert 0 < detector["threshold"] < 1
    for file in ("detector.json", "samples.jsonl"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_text_is_never_on_both_sides() -> None:
    texts = [f"text {number % 23}" for number in range(100)]
    fold = fold_of(texts, seed=0)
    assert set(fold) == set(range(5))
    assert all(len({fold[place] for place in range(100) if texts[place] == text}) == 1 for text in texts)
    assert (fold_of(texts[::-1], seed=0)[::-1] == fold).all()
    assert (fold_of(texts, seed=1) != fold).any()


def test_scores_come_from_models_of_other_folds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passages = passages_of(read_labelled(write_lines(tmp_path / "l.jsonl", labels())), WordEncoder())
    learnt: list[set[str]] = []
    plain = training.fit_passages

    def watched(told: Passages, rows: np.ndarray) -> Logistic:
        learnt.append({text for text, kept in zip(told.texts, rows, strict=True) if kept})
        return plain(told, rows)

    monkeypatch.setattr(training, "fit_passages", watched)
    cross_fitted(passages, seed=0)
    fold = fold_of(passages.texts, seed=0)
    for number, texts in enumerate(learnt):
        held = {text for text, own in zip(passages.texts, fold, strict=True) if own == number}
        assert held
        assert not held & texts
        assert held | texts == set(passages.texts)


def test_sentences_are_measured_apart(tmp_path: Path) -> None:
    lines = []
    for number in range(12):
        name = NAMES[number]
        context, first = f"{name} went to town by train.", f"{name} went by train."
        response = f"{first} I guess it flew?" if number % 2 else f"{first} {name} went to town."
        spans = [{"start": len(first) + 1, "end": len(response), "kind": "other"}] if number % 2 else []
        texts = {"context": context, "response": response, "annotator": "ada"}
        lines.append({"id": str(number), "item": str(number), **texts, "spans": spans})
    path = write_lines(tmp_path / "spans.jsonl", lines)
    assert main(["train-detector", str(path), "--resamples", "100", "--out", str(tmp_path / "o")]) == 0
    figures = {(one["name"], one.get("group")): one for one in without_environment(tmp_path / "o")["metrics"]}
    assert figures["auroc", None]["n"] == 12
    assert figures["auroc", "unit=sentence"]["n"] == 24
    assert figures["auroc", "unit=sentence"]["value"] == 1.0


def test_an_unreadable_label_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.jsonl: No such file"):
        read_labelled(tmp_path / "none.jsonl")


def test_a_threshold_is_fixed_on_other_texts() -> None:
    """Supported and invented lie apart in every fold, but at another height in each: own thresholds would be right."""
    count = 40
    texts = [f"text {number // 2}" for number in range(count)]
    labels = np.array([1.0, 0.0] * (count // 2))
    fold = fold_of(texts, seed=0)
    scores = fold * 10.0 + labels
    passages = Passages(np.zeros((count, 8)), labels, texts, ["s"] * count, np.ones(count, dtype=bool), texts)
    called = training._called(passages, scores, 0)
    assert called[fold == 0].sum() == 0
    assert (called != labels).any()
