"""What the pages of labels of every kind may ask."""

from __future__ import annotations

import json
from datetime import date, datetime

from django import template
from django.utils import timezone

from labelplatform.accounts.models import User
from labelplatform.labels import refusal_words
from labelplatform.labels.kinds import spans
from labelplatform.labels.models import Skip
from labelplatform.labels.own_keys import PAGES
from labelplatform.labels.progress_words import on_day, wanted_by

register = template.Library()


@register.simple_tag
def skip_reasons() -> list[tuple[str, str]]:
    """Why an item cannot be judged, in the order of their digits."""
    return [(value, str(title)) for value, title in Skip.Reason.choices]


@register.simple_tag
def span_kinds() -> list[tuple[str, str, str]]:
    """The kinds of what is invented, in the order of their digits: name, words, meaning."""
    return spans.span_kinds()


@register.simple_tag(takes_context=True)
def own_keys(context: template.Context, page: str) -> str:
    """The reader's own keys on such a page, by the usual ones, for its script."""
    user = context.get("user")
    return json.dumps(PAGES[page].by_usual(user.keys)) if isinstance(user, User) else "{}"


@register.filter
def in_words(refusal: str) -> str:
    """Why a line was refused, in the reader's language."""
    return refusal_words.in_words(refusal)


@register.filter
def day_words(day: date) -> str:
    """A day with its weekday."""
    return on_day(day)


@register.filter
def wanted_by_words(deadline: datetime) -> str:
    """A deadline as annotators are told of it."""
    return wanted_by(deadline, timezone.now())
