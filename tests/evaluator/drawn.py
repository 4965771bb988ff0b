"""Figures of each kind, small enough to be read, and a report that draws them."""

from __future__ import annotations

from pathlib import Path

from evaluator.figures import (
    Band,
    Curves,
    Figure,
    Matrix,
    Reference,
    Series,
    Table,
    Whisker,
    Whiskers,
)
from evaluator.report_files import Items, Metric, Report, Verdict, write_report

TABLE = Table(("policy", "rating", "low"), (("ppo", 1112.25, None), ("=1+1", 2.5, 3.0)))
HOSTILE = "<script>alert(1)</script> & $x$ 策略\x01"
ROWS = (Whisker("ppo", 1112, 1098, 1126), Whisker(HOSTILE, 950, 925, 975, colour=3, hollow=True))
RATINGS = Figure(
    "ratings",
    "Ratings",
    "Where each policy stands.",
    TABLE,
    Whiskers(ROWS, "Rating", (Reference(1000, "mean"),)),
)
SERIES = (
    Series("exact match", (1e8, 1e9, 1e10), (0.0, 0.1, 0.6), (0.0, 0.05, 0.5), (0.02, 0.15, 0.7)),
    Series("fit", (1e8, 1e10), (0.0, 0.5), colour=1, dashed=True, points=False),
)
CURVE = Figure(
    "curve",
    "Curve",
    "It jumps.",
    TABLE,
    Curves(
        SERIES, "parameters", "score", True, (Reference(0.25, "chance"),), (Band(1e9, 3e9, "breakpoint"),)
    ),
)
WIN_RATES = Figure(
    "win-rates",
    "Win rates",
    "Who beats whom.",
    TABLE,
    Matrix(("a", "b"), ("a", "b"), ((None, 0.7), (0.3, None))),
)
MISSING = Figure("history", "History", "What stood when.", TABLE, missing="not enough data: one <week>")
FIGURES = (RATINGS, CURVE, WIN_RATES, MISSING)


def report(*figures: Figure) -> Report:
    """A report whose every text would do harm if a page took it for markup."""
    metrics = [
        Metric("rating", 1112.25, 1098.0, 1126.0, 200, HOSTILE),
        Metric("accuracy", 0.5, 0.4, 0.6, 10),
        Metric("loss", None, None, None, 0, reason="no | data"),
    ]
    verdict = Verdict("rating", "not-enough-data", f"because {HOSTILE}")
    return Report(
        "leaderboard",
        f"davidson-luce {HOSTILE}",
        "r.jsonl",
        0,
        metrics,
        Items(10, 9, 0, 1),
        [verdict],
        data=[{"path": "a.jsonl", "sha256": "ab" * 32}],
        spec={"rankings": HOSTILE},
        extra={"warnings": [HOSTILE], "verdict": "regression"},
        figures=figures,
    )


def folder(path: Path, *figures: Figure) -> Path:
    path.mkdir()
    write_report(path, report(*figures))
    return path
