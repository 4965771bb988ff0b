"""Suite string-tasks: symbols in, symbols out, one right answer, the same outputs by a sharp and by smooth metrics.

Whether an ability appears suddenly with scale or only its metric jumps (Schaeffer et al. 2023) is seen where one output
is scored both ways: exact match needs every symbol right, edit similarity and log-probability credit each one.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluator.errors import BadInput
from evaluator.json_lines import kind_of
from evaluator.metrics.edit_distance import edit_similarity
from evaluator.progress import Progress
from evaluator.prompts import placed_lines, text
from evaluator.report_files import Metric, Report, data_file
from evaluator.specs import RunSpec
from evaluator.subjects import Continuation, Scored, open_scorer
from evaluator.subjects.generating import Request, generate_texts
from evaluator.subjects.response_cache import FILE_NAME, ResponseCache
from evaluator.suites.contamination import with_contamination
from evaluator.suites.samples import Sample, metrics_of, report_of, slices_of

NAME = "string-tasks"
VARIANTS = ("completion",)
DIRECTIONS = {"exact_match": "higher", "edit_similarity": "higher", "log_probability": "higher"}
TASK = "task"
# Other answers each right answer is held against to measure chance.
OTHERS = 10
# Tokens of a response beyond two for each symbol of the longest answer: room to go wrong without end.
SPARE_TOKENS = 4


@dataclass(frozen=True)
class StringItem:
    """A text to go on from, and the symbols (parted by spaces) that go on rightly."""

    id: str
    text: str
    target: str
    slices: Mapping[str, str]

    @property
    def symbols(self) -> list[str]:
        """The symbols of the right answer."""
        return self.target.split()


def run(spec: RunSpec, progress: Progress) -> Report:
    """The report of a model folder or endpoint with log-probabilities: each metric by task, and chance beside it."""
    started = time.monotonic()
    if spec.data is None:
        raise BadInput(f"--data: found nothing, wanted a file of items for {NAME}")
    items = sorted(read_items(spec.data)[: spec.limit], key=lambda item: item.id)
    cache, steps = ResponseCache(spec.out / FILE_NAME), 2 * len(items)
    scorer = open_scorer(spec, cache)
    tokens = spec.max_new_tokens or 2 * max(len(item.symbols) for item in items) + SPARE_TOKENS
    requests = [
        Request(text=item.text, stop=("\n",), max_new_tokens=tokens, temperature=spec.temperature)
        for item in items
    ]
    written, detail = generate_texts(spec, requests, cache, lambda done: progress.step(done, steps))
    ways = [[Continuation(item.text, f" {item.target}")] for item in items]
    scored = scorer.score(ways, lambda done: progress.step(len(items) + done, steps))
    found = [
        sample_of(item, texts[0], likely) for item, texts, likely in zip(items, written, scored, strict=True)
    ]
    asked = {item.id: f"{item.text} {item.target}" for item in items}
    samples, more = with_contamination(spec, found, asked)
    return report_of(
        spec,
        NAME,
        spec.variant or VARIANTS[0],
        samples,
        metrics=[
            *metrics_of(samples, DIRECTIONS, seed=spec.seed, resamples=spec.resamples),
            *chance_metrics(items),
            *more,
        ],
        data=data_file(spec.data),
        extra={"subject_detail": detail, "max_new_tokens": tokens},
        started=started,
    )


def read_items(path: Path) -> list[StringItem]:
    """The lines `{"id", "text", "target", "slices": {"task": …}}`. Refuses an empty file, two lines with one id, an
    item without a task and a target without a symbol.
    """
    items: dict[str, StringItem] = {}
    for where, line in placed_lines(path):
        item = StringItem(
            text(line, "id", where),
            text(line, "text", where),
            text(line, "target", where),
            slices_of(line, where),
        )
        if item.id in items:
            raise BadInput(f"{where}: id: found {kind_of(item.id)} again, wanted unique ids")
        if TASK not in item.slices:
            raise BadInput(f"{where}: slices: found no {TASK!r}, wanted the name of the item's task")
        if not item.symbols:
            raise BadInput(f"{where}: target: found only spaces, wanted at least one symbol")
        items[item.id] = item
    if not items:
        raise BadInput(f"{path}: found no line, wanted at least one")
    return list(items.values())


def sample_of(item: StringItem, response: str, likely: Scored) -> Sample:
    """One output by every metric; log_probability is of the right answer, in nats a symbol of it."""
    said = response.split()
    scores = {
        "exact_match": float(said == item.symbols),
        "edit_similarity": edit_similarity(said, item.symbols),
    }
    shown: dict[str, object] = {"text": item.text, "target": item.target, "response": response}
    if likely.scores is None:
        shown["log_probability_missing"] = likely.reason
    else:
        scores["log_probability"] = likely.scores[0] / len(item.symbols)
    return Sample(item.id, item.slices, scores, shown)


def chance_metrics(items: Sequence[StringItem]) -> list[Metric]:
    """`chance_NAME` of each metric by task: what the right answers to the task's other items would earn, and for the
    log-probability a symbol drawn evenly from those of the task's answers.
    """
    tasks: dict[str, list[StringItem]] = {}
    for item in items:
        tasks.setdefault(item.slices[TASK], []).append(item)
    return [
        Metric(f"chance_{name}", value, None, None, len(own), f"{TASK}={task}", reason, better="neither")
        for task, own in sorted(tasks.items())
        for name, (value, reason) in _chances(own).items()
    ]


def _chances(items: Sequence[StringItem]) -> dict[str, tuple[float | None, str | None]]:
    answers = [item.symbols for item in items]
    count, shifts = len(answers), min(len(answers) - 1, OTHERS)
    kinds = {symbol for answer in answers for symbol in answer}
    evenly: tuple[float | None, str | None] = (-math.log(len(kinds)), None)
    if not shifts:
        alone = (None, "the task has one item: there is no other answer")
        return {"exact_match": alone, "edit_similarity": alone, "log_probability": evenly}
    pairs = [
        (answers[(place + shift) % count], answer)
        for shift in range(1, shifts + 1)
        for place, answer in enumerate(answers)
    ]
    same = sum(other == answer for other, answer in pairs) / len(pairs)
    alike = sum(edit_similarity(other, answer) for other, answer in pairs) / len(pairs)
    return {"exact_match": (same, None), "edit_similarity": (alike, None), "log_probability": evenly}
