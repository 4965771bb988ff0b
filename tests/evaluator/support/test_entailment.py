"""SummaC-ZS and chunk-max by hand and from a saved NLI model, whatever the batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from evaluator.errors import BadInput
from evaluator.support.detector import Pair
from evaluator.support.entailment import (
    chunk_max,
    chunks,
    grid,
    summac_pieces,
    summac_sentence_scores,
    summac_zs,
)
from evaluator.support.nli import NliModel, label_columns
from evaluator.support.scorers import open_scorer
from tests.evaluator.support.tiny_models import nli_folder

E = np.array([[0.7, 0.1], [0.2, 0.6], [0.3, 0.3]])
C = np.array([[0.1, 0.8], [0.6, 0.2], [0.2, 0.1]])


def quiet(_done: int, _of: int) -> None:
    pass


def test_summac_by_hand() -> None:
    # e = (.7, .6), c = (.6, .8): the same operation for both.
    assert summac_sentence_scores(E, C).tolist() == pytest.approx([0.1, -0.2])
    assert summac_zs(E, C) == pytest.approx(-0.05)
    assert summac_zs(E, C, op2="min") == pytest.approx(-0.2)
    assert summac_zs(E, C, op2="max") == pytest.approx(0.1)
    assert summac_zs(E, C, use="e") == pytest.approx(0.65)
    assert summac_zs(E, C, use="c") == pytest.approx(0.3)
    assert summac_zs(E, C, op1="mean") == pytest.approx((0.4 - 0.3 + (1 - 1.1) / 3) / 2)
    assert summac_zs(E, C, op1="min", op2="max") == pytest.approx(0.1)
    assert summac_zs(np.zeros((0, 2)), np.zeros((0, 2))) == 0.0
    assert summac_zs(np.zeros((3, 0)), np.zeros((3, 0))) == 0.0
    assert chunk_max(E).tolist() == [0.7, 0.6]
    assert grid([1, 2, 3, 4, 5, 6], 3, 2).tolist() == [[1, 2], [3, 4], [5, 6]]


def test_summac_cuts() -> None:
    text = "First sentence. Yes. Second sentence.\nAnother line here\n\nLast one"
    assert summac_pieces(text, "sentence") == ["First sentence.", "Second sentence.", "Another line here"]
    assert summac_pieces("0123456789", "sentence") == []
    assert summac_pieces("01234567890", "sentence") == ["01234567890"]
    assert summac_pieces(text, "2sents") == [
        "First sentence. Second sentence.",
        "Second sentence. Another line here",
        "Another line here",
    ]
    assert summac_pieces(text, "paragraph") == ["First sentence. Yes. Second sentence.\nAnother line here"]
    assert summac_pieces("one line here\nanother line", "paragraph") == ["one line here", "another line"]
    assert summac_pieces(text, "mixed") == [
        *summac_pieces(text, "sentence"),
        *summac_pieces(text, "paragraph"),
    ]
    assert summac_pieces("x", "document") == ["x"]


def test_chunks_end_at_sentences() -> None:
    assert chunks("aa bb. cc dd. ee ff gg hh. ii.", words=4) == ["aa bb. cc dd.", "ee ff gg hh.", "ii."]
    assert chunks("aa bb cc. dd.", words=2) == ["aa bb cc.", "dd."]
    assert chunks("", words=2) == []


def test_labels_are_told_by_name() -> None:
    assert label_columns({0: "CONTRADICTION", 1: "NEUTRAL", 2: "ENTAILMENT"}, "m") == (2, 0)
    assert label_columns({0: "entailment", 1: "neutral", 2: "contradiction"}, "m") == (0, 2)
    assert label_columns({0: "LABEL_0", 1: "LABEL_1"}, "m") == (1, None)
    assert label_columns({0: "entailment", 1: "not_entailment"}, "m") == (0, None)
    with pytest.raises(BadInput, match="found the labels label_0, label_1, label_2"):
        label_columns({0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}, "m")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nli_folder(tmp_path_factory.mktemp("nli"))


def plainly(folder: Path, premise: str, hypothesis: str) -> tuple[float, float, float]:
    """One pair a pass: entailed, contradicted, neutral."""
    model = AutoModelForSequenceClassification.from_pretrained(str(folder)).eval()
    tokens = AutoTokenizer.from_pretrained(str(folder))(premise, hypothesis, return_tensors="pt")
    with torch.inference_mode():
        shares = torch.softmax(model(**tokens).logits.double(), dim=-1)[0].tolist()
    return shares[2], shares[0], shares[1]


def test_probabilities_do_not_depend_on_the_batch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = NliModel(folder)
    pairs = [
        ("ada wrote books .", "ada left ."),
        ("rain .", "she stayed home in may ."),
        ("ada wrote books .", "ada left ."),
    ]
    wanted = [plainly(folder, *pair) for pair in pairs]
    for size in (1, 2, 7):
        monkeypatch.setattr("evaluator.support.nli.PAIRS_AT_ONCE", size)
        steps: list[int] = []
        found = model.probabilities(pairs, told=lambda done, _of: steps.append(done))  # noqa: B023
        assert found == pytest.approx(np.array(wanted), abs=1e-6)
        assert steps[-1] == 2
    assert model.probabilities([]).shape == (0, 3)


def test_long_premises_are_cut_and_hypotheses_are_not(folder: Path) -> None:
    model = NliModel(folder)
    found = model.probabilities([("ada wrote " * 500, "ben left ."), ("ada wrote " * 900, "ben left .")])
    assert found[0] == pytest.approx(found[1], abs=1e-6)


def test_two_labels_have_no_contradiction(tmp_path: Path) -> None:
    model = NliModel(nli_folder(tmp_path, {0: "LABEL_0", 1: "LABEL_1"}))
    found = model.probabilities([("ada left .", "ben left .")])
    assert found[0, 1] == 0.0
    assert found.sum() == pytest.approx(1)


def test_summac_of_a_model(folder: Path) -> None:
    context, response = "ada wrote books . ben sailed home . rain .", "ada sailed home . ben wrote ."
    scorer = open_scorer("summac-zs", folder)
    found, empty, short = scorer.score(
        [Pair(context, response), Pair("", response), Pair(context, "ada .")], quiet
    )
    given, said = ["ada wrote books .", "ben sailed home ."], ["ada sailed home .", "ben wrote ."]
    rows = [[plainly(folder, premise, hypothesis) for hypothesis in said] for premise in given]
    e, c = (np.array([[cell[column] for cell in row] for row in rows]) for column in (0, 1))
    assert found.value == pytest.approx(summac_zs(e, c), abs=1e-6)
    assert [value for _text, value in found.sentences] == pytest.approx(
        (e.max(axis=0) - c.max(axis=0)).tolist(), abs=1e-6
    )
    assert [text for text, _value in found.sentences] == said
    assert (empty.value, empty.reason) == (None, "the context is empty")
    assert (short.value, short.sentences) == (0.0, ())
    assert scorer.threshold == 0.0


def test_chunk_max_of_a_model(folder: Path) -> None:
    context, response = "ada wrote books . ben sailed home .", "ada sailed home . ben wrote ."
    scorer = open_scorer("chunk-max", folder)
    found, other, empty = scorer.score(
        [Pair(context, response), Pair(context, "rain ."), Pair(context, " ")], quiet
    )
    assert other.value == pytest.approx(plainly(folder, context, "rain .")[0], abs=1e-6)
    each = [plainly(folder, context, one)[0] for one in ("ada sailed home .", "ben wrote .")]
    assert [value for _text, value in found.sentences] == pytest.approx(each, abs=1e-6)
    assert found.value == pytest.approx(sum(each) / 2, abs=1e-6)
    assert empty.reason == "the response is empty"
    assert scorer.threshold == 0.5


def test_a_scorer_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--scorer: found nothing"):
        open_scorer("summac-zs", None)
    with pytest.raises(BadInput, match=r"found no config\.json"):
        open_scorer("chunk-max", tmp_path)
    with pytest.raises(BadInput, match="No such file"):
        open_scorer("detector", tmp_path)
