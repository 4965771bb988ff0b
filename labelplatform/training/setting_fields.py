"""A field of a spec as a field of a form: type, bounds, choices, default and help are read from the spec.

The command line makes its flags of the same fields (`trainer.cli`), so what is new in a spec is on both at once.
"""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from labelplatform.training.spec_words import label_of
from trainer.shared_specs import parse_tuning
from trainer.spec_fields import REQUIRED, FieldOfSpec, Flag

YES, NO = "yes", "no"
MOST_WORTH_SAYING = 2**31 - 1


class NumbersField(forms.CharField):
    """Numbers with blanks or commas between them, as a list; nothing written is an empty list."""

    def clean(self, value: Any) -> Any:
        written = str(super().clean(value) or "").replace(",", " ").split()
        try:
            return [float(one) for one in written]
        except ValueError:
            raise ValidationError(_("Write numbers with blanks between them.")) from None


class TuningField(forms.CharField):
    """Which weights learn, refused here as the trainer would refuse it."""

    def clean(self, value: Any) -> Any:
        written = super().clean(value)
        try:
            parse_tuning(written or "full")
        except ValueError:
            raise ValidationError(
                _(
                    "Write full, last-layers:N, frozen-layers:N or lora:R, with a whole number of at least 1 after it."
                )
            ) from None
        return written


class WithinBounds:
    """Refuses what a field's open bounds exclude, which the bounds of Django's own fields would let in."""

    def __init__(self, known: Flag) -> None:
        self.above, self.below = known.above, known.below

    def __call__(self, value: float) -> None:
        if self.above is not None and value <= self.above:
            raise ValidationError(_("Wanted more than %(bound)s.") % {"bound": f"{self.above:g}"})
        if self.below is not None and value >= self.below:
            raise ValidationError(_("Wanted less than %(bound)s.") % {"bound": f"{self.below:g}"})


def form_field(
    verb: str, entry: FieldOfSpec, *, default: Any = REQUIRED, most: float | None = None
) -> forms.Field:
    """The form's field for one of the spec. `default` is what it begins with (the spec's own unless told), `most` a
    bound of this site below the spec's. Left empty, it says nothing: the spec's default holds."""
    begins = entry.default if default is REQUIRED else default
    told: dict[str, Any] = {
        "label": label_of(verb, entry.name),
        "help_text": help_of(entry, most),
        "required": False,
        "initial": None if begins is REQUIRED else begins,
    }
    if entry.type is bool:
        return forms.TypedChoiceField(
            **{**told, "initial": YES if begins else NO},
            choices=[(YES, _("yes")), (NO, _("no"))],
            coerce=lambda word: word == YES,
            empty_value=None,
        )
    if entry.flag.choices:
        nothing = [("", "–")] if entry.optional else []
        return forms.ChoiceField(**told, choices=[*nothing, *((word, word) for word in entry.flag.choices)])
    if entry.many:
        return NumbersField(**{**told, "initial": " ".join(str(one) for one in begins or ())})
    return _plain(entry, told, most)


def _plain(entry: FieldOfSpec, told: Mapping[str, Any], most: float | None) -> forms.Field:
    known = entry.flag
    highest = min((one for one in (known.maximum, most) if one is not None), default=None)
    if entry.type is int:
        whole = None if highest is None else int(highest)
        return forms.IntegerField(**told, min_value=_whole(known.minimum), max_value=whole)
    if entry.type is float:
        return forms.FloatField(
            **told, min_value=known.minimum, max_value=highest, validators=[WithinBounds(known)]
        )
    return (TuningField if entry.name == "tuning" else forms.CharField)(**told, max_length=200)


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)


def help_of(entry: FieldOfSpec, most: float | None = None) -> str:
    """The spec's own help, with the range of what may be written."""
    words = _(entry.flag.help)
    # A help that opens with what may be written is left as it is: "full" is typed so.
    said = words if entry.type is str and not entry.flag.choices else capfirst(words)
    bounds = ", ".join(bounds_of(entry, most))
    return _("%(help)s (%(range)s)") % {"help": said, "range": bounds} if bounds else said


def bounds_of(entry: FieldOfSpec, most: float | None = None) -> list[str]:
    """The range of a number in words; what no database could hold is no bound worth reading."""
    known = entry.flag
    bounds = [one for one in (known.maximum, most) if one is not None and one < MOST_WORTH_SAYING]
    highest = min(bounds, default=None)
    if entry.type not in (int, float) or entry.many:
        return []
    if known.minimum is not None and highest is not None:
        return [_("%(low)s to %(high)s") % {"low": f"{known.minimum:.12g}", "high": f"{highest:.12g}"}]
    words = [
        (known.minimum, _("at least %(bound)s")),
        (known.above, _("more than %(bound)s")),
        (highest, _("at most %(bound)s")),
        (known.below, _("less than %(bound)s")),
    ]
    return [word % {"bound": f"{bound:.12g}"} for bound, word in words if bound is not None]


def told_setting(entry: FieldOfSpec, value: Any, default: Any = REQUIRED) -> bool:
    """Whether a form's value says something: it is written, and not what holds anyway."""
    if value is None or value in ("", []):
        return False
    holds = entry.default if default is REQUIRED else default
    return bool(value != (list(holds) if isinstance(holds, tuple) else holds))
