"""Names of ratings and flags in templates, as words in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.utils.translation import gettext as _

from labelplatform.labels.flag_names import flag_choices
from labelplatform.labels.kinds.honesty import honesty_flags
from labelplatform.labels.kinds.scales import scale
from labelplatform.labels.quality_words import why

if TYPE_CHECKING:
    from evaluator.statistics.intervals import Interval

register = template.Library()


@register.filter
def scale_title(name: str) -> str:
    """What a rating is called; a researcher's own name stands as it is."""
    return scale(name).title


@register.filter
def flag_title(name: str) -> str:
    """What a flag says; other houses' names stand as they are."""
    return dict([*flag_choices(), *honesty_flags()]).get(name, name)


@register.filter
def why_no_figure(found: Interval) -> str:
    """Why a figure or its interval is missing; empty where nothing is."""
    return why(found, _("answers rated by two people"))
