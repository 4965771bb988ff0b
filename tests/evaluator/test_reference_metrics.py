"""Reference metrics by hand and against their libraries; the evaluate modules load with no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sacrebleu import corpus_bleu, corpus_chrf

from evaluator.errors import BadInput
from evaluator.evaluate_modules import NAMES, folder
from evaluator.metrics import reference
from evaluator.metrics.reference import pair_f1, squad_words

ROOT = Path(__file__).parents[2]
SAID = ["The cat sat on the mat.", "Dogs bark loudly at night", "a tree"]
KNOWN = [["A cat sat on the mat!"], ["Dogs bark at night", "Some dogs are loud"], ["no plants", "Trees"]]


def test_words_of_an_answer() -> None:
    assert squad_words("The U.S.A.'s  an apple, a pear") == ["usas", "apple", "pear"]


def test_exact_match_and_f1_by_hand() -> None:
    assert reference.exact_match(SAID, KNOWN) == {"exact_match": pytest.approx(1 / 3)}
    # Shared words of (dogs bark loudly at night; dogs bark at night): 4 of 5 and 4 of 4.
    assert reference.token_f1(SAID, KNOWN) == {"f1": pytest.approx((1 + 8 / 9 + 0) / 3)}
    assert pair_f1("x x y", "x z") == pytest.approx(2 * 1 / 5)
    assert pair_f1("the", "a") == 1.0
    assert pair_f1("the", "x") == 0.0


def test_rouge_by_hand() -> None:
    found = reference.rouge(["a b c d"], [["a b x d", "q"]])
    assert found["rouge1"] == pytest.approx(0.75)
    assert found["rouge2"] == pytest.approx(1 / 3)
    assert found["rougeL"] == pytest.approx(0.75)
    assert reference.rouge(["a b"], [["a b c d"]], kinds=["rouge1"])["rouge1"] == pytest.approx(2 / 3)
    assert reference.rouge(["walking"], [["walked"]], kinds=["rouge1"]) == {"rouge1": 0.0}
    assert reference.rouge(["walking"], [["walked"]], kinds=["rouge1"], stemmer=True) == {"rouge1": 1.0}
    assert reference.rouge(["a", "b"], [["a"], ["x"]], kinds=["rouge1"]) == {"rouge1": 0.5}


def test_bleu_and_chrf_are_the_library_s() -> None:
    columns: Any = [[known[0] for known in KNOWN], [known[1] if len(known) > 1 else None for known in KNOWN]]
    assert reference.bleu(SAID, KNOWN) == {"bleu": pytest.approx(corpus_bleu(SAID, columns).score)}
    assert reference.chrf(SAID, KNOWN) == {"chrf": pytest.approx(corpus_chrf(SAID, columns).score)}
    assert reference.bleu(["x y z w"], [["x y z w"]]) == {"bleu": pytest.approx(100)}


def test_meteor_by_hand() -> None:
    # Four matches in one chunk: F = 1, penalty 0.5 · (1/4)³.
    assert reference.meteor(["a b c d"], [["a b c d"]]) == {"meteor_exact_stem": pytest.approx(1 - 0.5 / 64)}
    assert reference.meteor(["walking"], [["walked"]])["meteor_exact_stem"] == pytest.approx(0.5)
    assert reference.meteor(["car"], [["automobile"]])["meteor_exact_stem"] == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_bad_input(name: str) -> None:
    figure = getattr(reference, name)
    with pytest.raises(BadInput, match="found 1 predictions and 0"):
        figure(["x"], [])
    with pytest.raises(BadInput, match="found 0 predictions"):
        figure([], [])
    with pytest.raises(BadInput, match="without a reference"):
        figure(["x"], [[]])


def test_an_unknown_module_is_refused() -> None:
    with pytest.raises(ValueError, match="wanted one of bleu, chrf"):
        folder("bertscore")


def test_modules_load_with_no_network_and_say_the_same(tmp_path: Path) -> None:
    code = (
        "import json, socket, sys\n"
        "def closed(*_, **__): sys.exit('a socket was opened')\n"
        "socket.socket.connect = socket.create_connection = closed\n"
        "import evaluate\n"
        "from evaluator.evaluate_modules import NAMES, folder\n"
        f"said, known = {SAID!r}, {KNOWN!r}\n"
        "found = {n: evaluate.load(str(folder(n))).compute(predictions=said, references=known) for n in NAMES}\n"
        "print(json.dumps(found))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    run = subprocess.run(
        [sys.executable, "-B", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    assert found == {name: pytest.approx(getattr(reference, name)(SAID, KNOWN)) for name in NAMES}


def test_our_own_path_does_not_import_evaluate() -> None:
    code = (
        "import sys\n"
        "from evaluator.metrics import reference as r\n"
        "[f(['a b'], [['a b']]) for f in (r.bleu, r.chrf, r.rouge, r.meteor, r.token_f1, r.exact_match)]\n"
        "print([n for n in ('evaluate', 'datasets', 'torch', 'transformers') if n in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-B", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
