"""Suite in-context-learning: does a model learn from the examples before a question, or only from their looks?

After Min et al. 2022 and Wei et al. 2023: each text is classified after examples with right, flipped or random labels,
whose inputs are of the same kind or foreign sentences, and after none. A model that reads the labels does worse
when they are flipped; one that has only seen the layout does not.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluator.errors import BadInput
from evaluator.json_lines import kind_of
from evaluator.progress import Progress
from evaluator.prompts import choice, placed_lines, text
from evaluator.report_files import Report, data_file
from evaluator.specs import RunSpec
from evaluator.statistics.intervals import generator
from evaluator.subjects import Continuation, Scored, open_scorer
from evaluator.subjects.response_cache import FILE_NAME, ResponseCache
from evaluator.suites.contamination import with_contamination
from evaluator.suites.samples import Sample, metrics_of, report_of, slices_of

NAME = "in-context-learning"
VARIANTS = ("label-words",)
SHIPPED = Path(__file__).parent / "in_context_learning.jsonl"
SHOTS = 8
SPLITS = ("example", "test", "foreign")
LABELLINGS = ("right", "flipped", "random")
INPUTS = ("in", "out")
CONDITIONS = ("zero-shot", *(f"{labels}/{inputs}" for inputs in INPUTS for labels in LABELLINGS))
EFFECTS = {
    "labels_matter_in": ("right/in", "flipped/in"),
    "right_over_random_in": ("right/in", "random/in"),
    "labels_matter_out": ("right/out", "flipped/out"),
    "inputs_matter": ("right/in", "right/out"),
    "examples_matter": ("right/in", "zero-shot"),
}
DIRECTIONS = {
    **{f"accuracy {condition}": "higher" if "right" in condition else "neither" for condition in CONDITIONS},
    **dict.fromkeys(EFFECTS, "neither"),
}


@dataclass(frozen=True)
class Labelled:
    """A text with its label; foreign texts have none."""

    id: str
    text: str
    label: str
    slices: dict[str, str]


@dataclass(frozen=True)
class Material:
    """What the suite works on: examples to show, texts to classify, foreign sentences, and all labels in order."""

    examples: tuple[Labelled, ...]
    tests: tuple[Labelled, ...]
    foreign: tuple[str, ...]
    labels: tuple[str, ...]


def run(spec: RunSpec, progress: Progress) -> Report:
    """The report of one subject with log-probabilities: accuracy by condition, and paired differences between them."""
    started = time.monotonic()
    path = spec.data or SHIPPED
    material = read_material(path)
    tests = material.tests[: spec.limit]
    shots = spec.shots or SHOTS
    if shots > len(material.examples) or shots > len(material.foreign):
        fewest = min(len(material.examples), len(material.foreign))
        raise BadInput(
            f"--shots {shots}: found {fewest} examples and foreign texts in {path}, wanted as many"
        )
    ways = [
        [
            Continuation(prompt_of(material, one, condition, shots, spec.seed), f" {label}")
            for condition in CONDITIONS
            for label in material.labels
        ]
        for one in tests
    ]
    scorer = open_scorer(spec, ResponseCache(spec.out / FILE_NAME))
    scored = scorer.score(ways, lambda done: progress.step(done, len(tests)))
    found = [_sample(material, one, scores) for one, scores in zip(tests, scored, strict=True)]
    samples, more = with_contamination(spec, found, {one.id: one.text for one in tests})
    return report_of(
        spec,
        NAME,
        spec.variant or VARIANTS[0],
        samples,
        metrics=[*metrics_of(samples, DIRECTIONS, seed=spec.seed, resamples=spec.resamples), *more],
        data=data_file(path),
        extra={"shots": shots, "labels": list(material.labels), "subject_detail": scorer.detail},
        started=started,
    )


def read_material(path: Path) -> Material:
    """The lines `{"id", "text", "label", "split": example|test|foreign}`.

    Refuses fewer than two labels, an empty split, a test label that no example has, and two lines with one id.
    """
    kept: dict[str, list[Labelled]] = {split: [] for split in SPLITS}
    seen: set[str] = set()
    for where, line in placed_lines(path):
        split = choice(line, "split", SPLITS, where)
        if split is None:
            raise BadInput(f"{where}: found no 'split', wanted one of {', '.join(SPLITS)}")
        name = text(line, "id", where)
        if name in seen:
            raise BadInput(f"{where}: id: found {kind_of(name)} again, wanted unique ids")
        seen.add(name)
        label = "" if split == "foreign" else text(line, "label", where)
        kept[split].append(Labelled(name, text(line, "text", where), label, slices_of(line, where)))
    empty = [split for split in SPLITS if not kept[split]]
    labels = tuple(sorted({one.label for one in kept["example"]}))
    unknown = {one.label for one in kept["test"]} - set(labels)
    if empty or len(labels) < 2 or unknown:
        found = f"no {empty[0]}" if empty else f"labels {', '.join(sorted({*labels, *unknown}))}"
        raise BadInput(
            f"{path}: found {found}, wanted examples of two or more labels, tests of those, and foreign texts"
        )
    foreign = tuple(one.text for one in kept["foreign"])
    return Material(tuple(kept["example"]), tuple(kept["test"]), foreign, labels)


def prompt_of(material: Material, one: Labelled, condition: str, shots: int, seed: int) -> str:
    """The text before the label: the examples of a condition, then the text to classify.

    All conditions of a text show the same examples in the same order, so that only what is probed differs.
    """
    tail = f"Text: {one.text}\nLabel:"
    if condition == "zero-shot":
        return tail
    labelling, inputs = condition.split("/")
    rng = generator(seed, "examples", one.id)
    examples = [material.examples[int(n)] for n in rng.permutation(len(material.examples))[:shots]]
    foreign = [material.foreign[int(n)] for n in rng.permutation(len(material.foreign))[:shots]]
    drawn = [material.labels[int(n)] for n in rng.integers(len(material.labels), size=shots)]
    texts = [example.text for example in examples] if inputs == "in" else foreign
    labels = {
        "right": [example.label for example in examples],
        "flipped": [flipped(example.label, material.labels) for example in examples],
        "random": drawn,
    }[labelling]
    shown = [f"Text: {text}\nLabel: {label}" for text, label in zip(texts, labels, strict=True)]
    return "\n\n".join([*shown, tail])


def flipped(label: str, labels: Sequence[str]) -> str:
    """Another label: the next one in order, the first after the last."""
    return labels[(labels.index(label) + 1) % len(labels)]


def _sample(material: Material, one: Labelled, found: Scored) -> Sample:
    shown: dict[str, object] = {"text": one.text, "label": one.label}
    if found.scores is None:
        return Sample(one.id, one.slices, {}, {**shown, "not_measured": found.reason})
    size = len(material.labels)
    chosen: dict[str, str] = {}
    for place, condition in enumerate(CONDITIONS):
        scores = found.scores[place * size : (place + 1) * size]
        chosen[condition] = material.labels[max(range(size), key=lambda n: (scores[n], -n))]
    right = {condition: float(label == one.label) for condition, label in chosen.items()}
    scores_by_name = {f"accuracy {condition}": value for condition, value in right.items()}
    effects = {name: right[more] - right[less] for name, (more, less) in EFFECTS.items()}
    return Sample(one.id, one.slices, {**scores_by_name, **effects}, {**shown, "chosen": chosen})
