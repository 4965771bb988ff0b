"""A campaign's progress as people read it: how far, how fast, done when, and whether the deadline is met."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.utils import dateformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from labelplatform.labels import progress
from labelplatform.labels.models import Campaign

if TYPE_CHECKING:
    from evaluator.statistics.forecast import Forecast

# Beyond that a date says nothing.
LONGEST_DAYS = 3650
CHART_WIDTH, CHART_HEIGHT, GAP = 720, 150, 3


@dataclass(frozen=True)
class Bar:
    """One day of the chart, in units of its drawing."""

    day: date
    labels: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class ProgressPage:
    """All that the campaign page tells of progress."""

    wanted: progress.Wanted
    forecast: list[str]
    # Whether the first of these lines says when; else why nobody can tell.
    known: bool
    deadline: str
    # "good", "warn" or "bad"; empty where nothing is told.
    tone: str
    bars: list[Bar]
    most: int
    width: int = CHART_WIDTH
    height: int = CHART_HEIGHT


def progress_page(campaign: Campaign, now: datetime) -> ProgressPage:
    """How the campaign stands; three statements, whatever its length."""
    from evaluator.statistics.forecast import forecast

    wanted, pace = progress.wanted(campaign), progress.pace(campaign, now)
    days = progress.labels_per_day(campaign, now)
    found = forecast(pace.counts, wanted.to_do)
    told, tone = deadline_words(campaign, found, pace.people, wanted.to_do, now)
    return ProgressPage(
        wanted=wanted,
        forecast=forecast_words(campaign, found, pace.people, wanted, now) if wanted.all else [],
        known=found.days is not None,
        deadline=told,
        tone=tone,
        bars=bars(days),
        most=max(labels for _day, labels in days),
    )


def bars(days: list[tuple[date, int]]) -> list[Bar]:
    """The chart's bars: the highest as high as the chart, a day without a label has none."""
    step, most = CHART_WIDTH / len(days), max(1, *(labels for _day, labels in days))
    heights = [CHART_HEIGHT * labels / most for _day, labels in days]
    return [
        Bar(day, labels, number * step, CHART_HEIGHT - height, step - GAP, height)
        for number, ((day, labels), height) in enumerate(zip(days, heights, strict=True))
    ]


def forecast_words(
    campaign: Campaign, found: Forecast, people: int, wanted: progress.Wanted, now: datetime
) -> list[str]:
    """When it will be done, what that rests on, and how sure it is."""
    if not wanted.to_do:
        return [_("All wanted labels are in.")]
    if found.days is None:
        return [_missing(found)]
    told = [_done_when(found, now), _pace(found, people)]
    if campaign.state != Campaign.State.OPEN or campaign.is_over(now):
        told.append(_("Nothing is handed out just now: the forecast holds from when it is opened again."))
    return told


def _missing(found: Forecast) -> str:
    from evaluator.statistics.forecast import FEWEST_DAYS, FEWEST_DONE

    if found.seen_days < FEWEST_DAYS:
        told = ngettext(
            "Not enough data for a forecast: %(days)d whole day since the first label, %(wanted)d wanted.",
            "Not enough data for a forecast: %(days)d whole days since the first label, %(wanted)d wanted.",
            found.seen_days,
        )
        return told % {"days": found.seen_days, "wanted": FEWEST_DAYS}
    told = ngettext(
        "Not enough data for a forecast: %(done)d label in the last %(days)d days, %(wanted)d wanted.",
        "Not enough data for a forecast: %(done)d labels in the last %(days)d days, %(wanted)d wanted.",
        found.done,
    )
    return told % {"done": found.done, "days": found.seen_days, "wanted": FEWEST_DONE}


def _done_when(found: Forecast, now: datetime) -> str:
    assert found.days is not None
    assert found.low is not None
    if found.days > LONGEST_DAYS:
        return _("At this pace it takes more than ten years.")
    told = {"day": day_words(now, found.days), "low": day_words(now, min(found.low, LONGEST_DAYS))}
    if found.high is None or found.high > LONGEST_DAYS:
        return _("Done on %(day)s at this pace; not before %(low)s, how late cannot be told (95 %%).") % told
    told["high"] = day_words(now, found.high)
    if told["low"] == told["high"]:
        return _("Done on %(day)s at this pace (95 %%).") % told
    return _("Done on %(day)s at this pace; between %(low)s and %(high)s (95 %%).") % told


def _pace(found: Forecast, people: int) -> str:
    told = ngettext(
        "%(pace).1f labels a day over the last %(days)d whole days, from %(people)d annotator.",
        "%(pace).1f labels a day over the last %(days)d whole days, from %(people)d annotators.",
        people,
    )
    return told % {"pace": found.per_day, "days": found.seen_days, "people": people}


def day_words(now: datetime, days: float) -> str:
    """The day so many days from now."""
    return on_day(now + timedelta(days=days))


def on_day(at: date) -> str:
    """A day with its weekday, as people write it; with the year where that is another one than this."""
    # Translators: a day as Django's date filter writes it: weekday, day, month.
    return dateformat.format(at, pgettext("date format", "D j M Y"))


def deadline_words(
    campaign: Campaign, found: Forecast, people: int, to_do: int, now: datetime
) -> tuple[str, str]:
    """Whether the people of now meet the deadline, by how much, and how many would; with its tone."""
    from evaluator.statistics.forecast import people_wanted, verdict

    if campaign.deadline is None or not to_do:
        return "", ""
    left = (campaign.deadline - now) / timedelta(days=1)
    if left <= 0:
        told = ngettext(
            "The deadline has passed; %(n)d label is still wanted.",
            "The deadline has passed; %(n)d labels are still wanted.",
            to_do,
        )
        return told % {"n": to_do}, "bad"
    judged = verdict(found, left)
    if judged is None or found.days is None:
        return "", ""
    sentence = _judged(judged, people) % {"people": people, "time": length(abs(found.days - left))}
    enough = people_wanted(found, people=people, remaining=to_do, days_left=left)
    if judged == "meets" or enough is None or enough <= people:
        return sentence, "good" if judged == "meets" else "warn"
    more = ngettext(
        "%(n)d annotator at that pace would meet it.", "%(n)d annotators at that pace would meet it.", enough
    )
    return f"{sentence} {more % {'n': enough}}", "bad" if judged == "misses" else "warn"


def _judged(judged: str, people: int) -> str:
    if judged == "meets":
        return ngettext(
            "%(people)d annotator at the present pace meets the deadline, with %(time)s to spare.",
            "%(people)d annotators at the present pace meet the deadline, with %(time)s to spare.",
            people,
        )
    if judged == "misses":
        return ngettext(
            "%(people)d annotator at the present pace will miss the deadline by %(time)s.",
            "%(people)d annotators at the present pace will miss the deadline by %(time)s.",
            people,
        )
    return ngettext(
        "%(people)d annotator at the present pace may or may not meet the deadline.",
        "%(people)d annotators at the present pace may or may not meet the deadline.",
        people,
    )


def length(days: float) -> str:
    """A length of time in one unit: days, or hours below two days."""
    if days < 2:
        hours = max(1, round(24 * days))
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    return ngettext("%(n)d day", "%(n)d days", round(days)) % {"n": round(days)}


def wanted_by(deadline: datetime, now: datetime) -> str:
    """A deadline as it is told to those who help: never as a threat."""
    left = (deadline - now) / timedelta(days=1)
    if left <= 0:
        return _("The day it was wanted by has passed; what you do still helps.")
    told = {"time": length(left), "day": on_day(deadline)}
    return _("Wanted by %(day)s, in %(time)s.") % told
