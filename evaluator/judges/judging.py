"""`evaluator judge`: a judge's probability for each answer of a file."""

from pathlib import Path

from evaluator import json_lines
from evaluator.errors import BadInput
from evaluator.judges.features import Embeds
from evaluator.judges.judge import load_judge
from evaluator.judges.labels import known_references
from evaluator.progress import Progress
from evaluator.prompts import Line, placed_lines, text


def judge_lines(
    lines: Path,
    folder: Path,
    out: Path,
    progress: Progress,
    *,
    references: Path | None = None,
    embedder: Embeds | None = None,
) -> None:
    """Writes each line of `lines` (`question`, `answer`) with `probability` and `verdict` (probability at least 0.5).

    A judge with references takes `correct` and `incorrect` of the line, or those of the TruthfulQA question. Refuses
    a question without them, an empty file, and an `out` that exists.
    """
    if out.exists():
        raise BadInput(f"--out {out}: found a file, wanted one that is new")
    judge = load_judge(folder, embedder)
    known = known_references(references)
    asked: list[Line] = []
    rows: list[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = []
    for where, line in placed_lines(lines):
        question = text(line, "question", where).strip()
        answer = text(line, "answer", where, allow_empty=True)
        sides = _sides(line, known.get(question, ((), ())))
        if judge.form == "with-references" and not all(sides):
            raise BadInput(
                f"{where}: question: found {question[:60]!r} without references, wanted `correct` and `incorrect` "
                "in the line, --references, or a blind judge"
            )
        asked.append(line)
        rows.append((question, answer, *sides))
    if not rows:
        raise BadInput(f"{lines}: found no line, wanted at least one")
    found = judge.probabilities(rows)
    progress.step(len(rows), len(rows))
    json_lines.write_atomically(
        out,
        (
            {**line, "probability": sure, "verdict": sure >= 0.5}
            for line, sure in zip(asked, found, strict=True)
        ),
    )


def _sides(
    line: Line, known: tuple[tuple[str, ...], tuple[str, ...]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    own = []
    for key in ("correct", "incorrect"):
        value = line.get(key)
        own.append(tuple(str(one) for one in value) if isinstance(value, list) else ())
    return (own[0], own[1]) if all(own) else known
