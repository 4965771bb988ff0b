"""The detector: its file, what it says of pairs, what it does not measure, and how often it reads a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evaluator.errors import BadInput
from evaluator.support.detector import SHIPPED, Detector, Pair, detect, read_detector
from evaluator.support.features import FEATURES
from evaluator.support.fitting import Logistic
from tests.evaluator.support.reading_stand_in import WordEncoder

CONTEXT = "Ada wrote twelve books. She sailed home in May."
# Only the share of matched tokens counts: σ(4 · (share - 0.5)).
WEIGHTS = np.array([0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0])
PLAIN = Detector(Logistic(np.full(8, 0.5), np.ones(8), WEIGHTS, 0.0), 0.5)


def sigma(share: float) -> float:
    return round(1 / (1 + float(np.exp(-4 * (share - 0.5)))), 6)


def test_the_whole_response_and_each_sentence() -> None:
    found = detect([Pair(CONTEXT, "She sailed home. Ben flew away.")], PLAIN, WordEncoder())[0]
    assert found.value == sigma(3 / 6)
    assert found.sentences == (("She sailed home.", sigma(1.0)), ("Ben flew away.", sigma(0.0)))
    assert found.reason is None


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (Pair("", "Yes."), "the context is empty"),
        (Pair(" \n", "Yes."), "the context is empty"),
        (Pair(CONTEXT, ""), "the response is empty"),
        (Pair(CONTEXT, "\n"), "the response is empty"),
        (
            Pair(CONTEXT, "a" * 10_001),
            "a sentence of the response has 10001 characters, wanted at most 10000",
        ),
    ],
)
def test_what_cannot_be_measured_says_why(pair: Pair, reason: str) -> None:
    encoder = WordEncoder()
    bad, good = detect([pair, Pair(CONTEXT, "Ada wrote.")], PLAIN, encoder)
    assert (bad.value, bad.sentences, bad.reason) == (None, (), reason)
    assert good.value == sigma(1.0)
    assert detect([Pair(CONTEXT, "a" * 10_000)], PLAIN, encoder)[0].value == sigma(0.0)


def test_a_context_of_one_endless_line_is_read_in_pieces() -> None:
    encoder = WordEncoder()
    found = detect([Pair("ada wrote " * 100_000, "Ada wrote.")], PLAIN, encoder)[0]
    assert found.value == sigma(1.0)
    assert max(map(len, encoder.seen)) <= 1000


def test_each_distinct_sentence_is_encoded_once() -> None:
    contexts = [f"{CONTEXT} Day {number} began." for number in range(100)]
    pairs = [Pair(contexts[number % 100], "She sailed home in May. I know.") for number in range(300)]
    encoder = WordEncoder()
    steps: list[int] = []
    found = detect(pairs, PLAIN, encoder, told=steps.append)
    assert encoder.encoded == len(set(encoder.seen)) == 2 + 100 + 1
    assert steps == [64, 128, 192, 256, 300]
    assert len({one.sentences for one in found}) == 1


def test_the_order_of_pairs_changes_nothing() -> None:
    pairs = [Pair(f"{CONTEXT} Day {n % 7} began.", f"Day {n % 5} began. Ada sailed.") for n in range(150)]
    forward = detect(pairs, PLAIN, WordEncoder())
    assert detect(pairs[::-1], PLAIN, WordEncoder())[::-1] == forward


def test_the_file_holds_the_detector(tmp_path: Path) -> None:
    (tmp_path / "detector.json").write_text(json.dumps(PLAIN.record()), "utf-8")
    again = read_detector(tmp_path)
    assert again.record() == PLAIN.record()
    assert again.threshold == 0.5


def test_the_one_that_ships_says_what_it_rests_on() -> None:
    shipped = read_detector(None)
    trained = shipped.about["trained_on"]
    assert isinstance(trained, list)
    assert [row["set"] for row in trained] == ["begin-cmu", "begin-tc", "begin-wow", "qags-cnndm"]
    assert all(row["licence"] and row["rows"] for row in trained)
    assert SHIPPED.stat().st_size < 10_000
    signs = np.array(list(FEATURES.values()))
    assert (shipped.model.weights * signs >= 0).all()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": "other/1"}, "format: found 'other/1'"),
        ({"features": {}}, "features: found other ones, wanted word_share"),
        ({"threshold": None}, "threshold: found null"),
        ({"intercept": True}, "intercept: found a boolean"),
        (
            {"features": {name: {"mean": 0, "scale": 0, "weight": 0} for name in FEATURES}},
            "scale that is not above 0",
        ),
        ({"features": dict.fromkeys(FEATURES, 3)}, "features: word_share: mean: found null"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, change: dict[str, object], complaint: str) -> None:
    (tmp_path / "detector.json").write_text(json.dumps({**PLAIN.record(), **change}), "utf-8")
    with pytest.raises(BadInput, match=complaint):
        read_detector(tmp_path)
