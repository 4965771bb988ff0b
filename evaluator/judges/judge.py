"""A judge of truth or informativeness: how probable it is that people would call an answer true, or informative.

A judge folder holds `judge.json` (what it judges, its form, its words, what it was trained on and how well it did) and
`weights.safetensors`. Nothing in it is run: it is numbers and names.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from evaluator import json_lines
from evaluator.errors import BadInput
from evaluator.json_lines import sha256_of_file
from evaluator.judges.embeddings import Embedder
from evaluator.judges.features import Embeds, Form, Judged, features_of
from evaluator.judges.models import Linear, Trees, Words, sigmoid

About = Literal["truth", "informativeness"]
Floats = NDArray[np.float64]
FORMAT = "labelplatform-judge/1"
TREE_PARTS = ("starts", "feature", "threshold", "left", "right", "leaf", "value")


@dataclass(frozen=True)
class Parts:
    """What decides: trees over features and over what words and vectors say; `slope`, `shift` calibrate (Platt)."""

    words: Words
    vectors: Linear
    trees: Trees
    slope: float = 1.0
    shift: float = 0.0

    def logits(self, rows: Sequence[Judged], form: Form, embedder: Embeds) -> Floats:
        """Calibrated logits [N]."""
        found = features_of(rows, form, embedder)
        texts = self.words.logits([row.answer for row in rows])
        table = np.column_stack([found.table, texts, self.vectors.logits(found.vectors)])
        return self.slope * self.trees.logits(table) + self.shift


@dataclass(frozen=True)
class Judge:
    """A judge of `about` in one `form`; `told` is what its folder says of it."""

    about: About
    form: Form
    parts: Parts
    embedder: Embeds
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def detail(self) -> dict[str, object]:
        """What a report says of the judge that was used."""
        return {"about": self.about, "form": self.form, **self.told}

    def probabilities(self, rows: Sequence[tuple[str, str, Sequence[str], Sequence[str]]]) -> list[float]:
        """P(people call it true, or informative) of (question, answer, true answers, false answers), each in (0, 1)."""
        if not rows:
            return []
        judged = [
            Judged(question, answer, tuple(true), tuple(false)) for question, answer, true, false in rows
        ]
        return [float(one) for one in sigmoid(self.parts.logits(judged, self.form, self.embedder))]


def save_judge(folder: Path, judge: Judge) -> None:
    """Writes the judge's folder, weights first."""
    parts = judge.parts
    arrays = {
        "words.idf": parts.words.idf,
        "words.weights": parts.words.weights,
        "vectors.mean": parts.vectors.mean,
        "vectors.scale": parts.vectors.scale,
        "vectors.weights": parts.vectors.weights,
        **{f"trees.{name}": getattr(parts.trees, name) for name in TREE_PARTS},
    }
    path = folder / "weights.safetensors"
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)
    numbers = {
        "words.bias": parts.words.bias,
        "vectors.bias": parts.vectors.bias,
        "trees.base": parts.trees.base,
        "slope": parts.slope,
        "shift": parts.shift,
    }
    runs = sorted(parts.words.runs, key=lambda run: parts.words.runs[run])
    content = {
        "format": FORMAT,
        "about": judge.about,
        "form": judge.form,
        "weights_sha256": sha256_of_file(path),
        "numbers": numbers,
        **judge.told,
        "runs": runs,
    }
    json_lines.write_json_atomically(folder / "judge.json", content)


def load_judge(folder: Path, embedder: Embeds | None = None) -> Judge:
    """The judge of a folder. Refuses another format, weights that are not those it was written with, other shapes."""
    content = json_lines.read_object(folder / "judge.json")
    if content.get("format") != FORMAT:
        raise BadInput(f"{folder / 'judge.json'}: format is {content.get('format')!r}; wanted {FORMAT!r}")
    path = folder / "weights.safetensors"
    if not path.is_file() or sha256_of_file(path) != content.get("weights_sha256"):
        raise BadInput(f"{path}: found no weights or others than judge.json names, wanted the judge's own")
    try:
        arrays = load_file(path)
        numbers: dict[str, float] = content["numbers"]  # type: ignore[assignment]
        runs: list[str] = content["runs"]  # type: ignore[assignment]
        parts = Parts(
            Words(
                {run: place for place, run in enumerate(runs)},
                arrays["words.idf"],
                arrays["words.weights"],
                numbers["words.bias"],
            ),
            Linear(
                arrays["vectors.mean"],
                arrays["vectors.scale"],
                arrays["vectors.weights"],
                numbers["vectors.bias"],
            ),
            Trees(numbers["trees.base"], *(arrays[f"trees.{name}"] for name in TREE_PARTS)),
            numbers["slope"],
            numbers["shift"],
        )
    except (KeyError, TypeError, SafetensorError) as error:
        raise BadInput(f"{folder}: {error}, wanted a judge that `train-judge` wrote") from error
    own = {"format", "about", "form", "numbers", "runs"}
    told = {key: value for key, value in content.items() if key not in own}
    about, form = content.get("about"), content.get("form")
    if about not in ("truth", "informativeness") or form not in ("blind", "with-references"):
        raise BadInput(f"{folder / 'judge.json'}: found {about!r} in form {form!r}, wanted a known judge")
    return Judge(about, form, parts, embedder or Embedder(), {"path": str(folder), **told})
