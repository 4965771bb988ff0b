"""Human labels of support, as published: (context, response, supported?) of each set, licences beside them.

BEGIN (Dziri et al. 2022): "Fully attributable" is supported; "Not fully attributable" and "Generic" are not, since
nothing in the text supports them (figures without Generic stand apart). QAGS-CNNDM (Wang et al. 2020): supported where
the workers found every sentence consistent. HaluEval-QA (Li et al. 2023): the right and the hallucinated answer.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

TRAINED = ("begin-cmu", "begin-tc", "begin-wow", "qags-cnndm")
REPORTED = "halueval-qa"
LICENCES = {
    "begin-cmu": "CC BY 4.0",
    "begin-tc": "CDLA-Sharing 1.0",
    "begin-wow": "CC BY 4.0",
    "qags-cnndm": "MIT (UniEval)",
    "halueval-qa": "MIT",
}


@dataclass(frozen=True)
class Row:
    """One response to one text, whether people found it supported, and whether they called it generic."""

    set: str
    context: str
    response: str
    supported: bool
    generic: bool = False


def read_sets(data: Path) -> list[Row]:
    """All rows of all sets, in the order of their files."""
    begin = [
        row for name in ("cmu", "tc", "wow") for row in _begin(data / "begin" / f"begin_dev_{name}.tsv", name)
    ]
    return [
        *begin,
        *_qags(data / "qags" / "qags_cnndm.json"),
        *_halueval(data / "halueval" / "qa_one_turn.jsonl"),
    ]


def _begin(path: Path, name: str) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Row(
            f"begin-{name}",
            row["knowledge"],
            row["response"],
            row["begin_label"] == "Fully attributable",
            row["begin_label"] == "Generic",
        )
        for row in rows
    ]


def _qags(path: Path) -> list[Row]:
    rows = json.loads(path.read_text("utf-8"))
    return [
        Row("qags-cnndm", row["source"], row["system_output"], row["scores"]["consistency"] == 1.0)
        for row in rows
    ]


def _halueval(path: Path) -> list[Row]:
    found = []
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        found.append(Row(REPORTED, row["knowledge"], row["right_answer"], True))
        found.append(Row(REPORTED, row["knowledge"], row["hallucinated_answer"], False))
    return found
