"""What a regression report says of itself: its own drawings, how many items were compared, its rules and its tax."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labelplatform.evaluations.drawings import Drawing, drawings_of
from labelplatform.evaluations.models import ComparisonRun
from labelplatform.evaluations.queries import metric_name

LOST_ITEMS = "worst-items"


@dataclass(frozen=True)
class Tax:
    """What one metric of a standard suite lost: positive where the candidate is worse."""

    suite: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    verdict: str


@dataclass(frozen=True)
class Compared:
    """Of one report artifact; what it does not tell is None or empty."""

    items: int | None
    asked: int | None
    tests: int | None
    level: float | None
    margin: float | None
    warnings: Sequence[str]
    taxes: Sequence[Tax]
    stopped: bool | None
    drawings: Sequence[Drawing]

    @property
    def level_percent(self) -> float | None:
        """The level of the whole family in percent."""
        return None if self.level is None else 100 * self.level


def compared(run: ComparisonRun) -> Compared | None:
    """What the report of a comparison says; None before there is one."""
    report = run.report
    if report is None:
        return None
    detail: Mapping[str, Any] = report.detail
    items = _object(detail, "items")
    gate = _object(detail, "gate")
    return Compared(
        items=items.get("measured"),
        asked=items.get("asked"),
        tests=detail.get("tests_in_family"),
        level=detail.get("level"),
        margin=detail.get("margin"),
        warnings=[str(warning) for warning in _list(detail.get("warnings"))],
        taxes=[_tax(one) for one in _list(_object(detail, "alignment_tax").get("effects"))],
        stopped=None if "passed" not in gate else not gate["passed"],
        # The items that were lost stand on the page themselves, both sides in full.
        drawings=[one for one in drawings_of(report) if one.name != LOST_ITEMS],
    )


def _tax(one: Mapping[str, Any]) -> Tax:
    verdict = str(one.get("verdict") or "")
    words = dict(ComparisonRun.Verdict.choices)
    named = (str(one["suite"]), metric_name(str(one["name"])))
    return Tax(
        *named, one.get("tax"), one.get("low"), one.get("high"), one["n"], str(words.get(verdict, verdict))
    )


def _object(detail: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = detail.get(key)
    return found if isinstance(found, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
