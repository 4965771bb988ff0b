"""What the pages of labels of every kind may ask."""

from __future__ import annotations

from datetime import date, datetime

from django import template
from django.utils import timezone

from labelplatform.labels.models import Skip
from labelplatform.labels.progress_words import on_day, wanted_by

register = template.Library()


@register.simple_tag
def skip_reasons() -> list[tuple[str, str]]:
    """Why an item cannot be judged, in the order of their digits."""
    return [(value, str(title)) for value, title in Skip.Reason.choices]


@register.filter
def day_words(day: date) -> str:
    """A day with its weekday."""
    return on_day(day)


@register.filter
def wanted_by_words(deadline: datetime) -> str:
    """A deadline as annotators are told of it."""
    return wanted_by(deadline, timezone.now())
