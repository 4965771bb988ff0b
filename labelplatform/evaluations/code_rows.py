"""A report of a suite of code becomes rows: one a submission, with its verdict, reason, failing call and program."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from labelplatform.evaluations.code_models import JudgedSubmission
from labelplatform.evaluations.models import EvaluationRun
from labelplatform.evaluations.sample_lines import sample_lines

SUITE = "code-generation"
# A page shows a program, the report folder keeps it whole.
LONGEST_PROGRAM, LONGEST_TEXT = 20_000, 1_200
AT_ONCE = 500


def keep_submissions(run: EvaluationRun, folder: Path) -> None:
    """Keep every judged submission of a report folder, in batches; reports of other suites have none."""
    if run.suite != SUITE:
        return
    rows = _rows(run, (line.sample for line in sample_lines(folder)))
    while batch := list(islice(rows, AT_ONCE)):
        JudgedSubmission.objects.bulk_create(batch)


def _rows(run: EvaluationRun, samples: Iterable[Mapping[str, Any]]) -> Iterator[JudgedSubmission]:
    for number, sample in enumerate(samples):
        for place, told in enumerate(_judgements(sample)):
            yield JudgedSubmission(
                run=run,
                number=number,
                problem=_text(sample["id"], 200),
                place=place,
                temperature=told.get("temperature"),
                verdict=told["verdict"],
                reason=_text(told.get("reason"), LONGEST_TEXT),
                call=_text(told.get("call"), LONGEST_TEXT),
                calls=told.get("calls", 0),
                attempt=_text(told.get("attempt"), 40),
                wall_only=bool(told.get("wall_only")),
                program=_text(told.get("program", told.get("response")), LONGEST_PROGRAM),
            )


def _judgements(sample: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Of a report with one response a problem, the sample itself is the judgement, where there was a response."""
    if "judgements" in sample:
        found: list[Mapping[str, Any]] = sample["judgements"]
        return found
    return [sample] if "verdict" in sample else []


def _text(value: object, most: int) -> str:
    """Text as a database takes it: no zero bytes, and not longer than is shown."""
    text = "" if value is None else str(value).replace("\0", "\\x00")
    return text if len(text) <= most else text[: most - 1] + "…"
