"""Large numbers as people write them."""

import math

from django import template

register = template.Library()
RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
THIN_SPACE = "\u2009"
# From here on a number is written as a power.
LARGE = 1000


@register.filter
def power(value: float | None) -> str:
    """1.2 × 10¹²; small numbers as they are, to three digits."""
    if value is None or not math.isfinite(value):
        return "–"
    if abs(value) < LARGE:
        return f"{value:.3g}"
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits}{THIN_SPACE}×{THIN_SPACE}10{str(int(exponent)).translate(RAISED)}"
