"""What a campaign's set-up asks for kinds of labels beside orders of answers."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labelplatform.labels.kinds import KINDS, AsksRefused
from labelplatform.labels.kinds.demonstrations import MOST_CHARACTERS
from labelplatform.labels.kinds.honesty import AFTER, ALWAYS, NEVER
from labelplatform.labels.kinds.scales import THREE_H
from labelplatform.labels.models import RANKING_KINDS, Campaign
from labelplatform.labels.rules import OVERALL

THREE, ONE, OWN = "three-h", OVERALL, "own"
PRESETS = {THREE: THREE_H, ONE: (OVERALL,)}


def kind_choices() -> list[tuple[str, str]]:
    """The kinds of label that a campaign can collect here."""
    return [(kind.value, str(kind.label)) for kind in Campaign.Kind if kind.value in {*RANKING_KINDS, *KINDS}]


class KindFields(forms.Form):
    """Fields that matter for one kind only; the page shows those of the kind that is chosen."""

    ratings = forms.ChoiceField(
        label=_("Rated for"),
        required=False,
        choices=[
            (THREE, _("helpful, honest, harmless")),
            (ONE, _("overall quality alone")),
            (OWN, _("names of your own")),
        ],
        help_text=_("Each from 1 to 7, and beside them the flags of InstructGPT."),
    )
    own_ratings = forms.CharField(
        label=_("Names of your own"),
        required=False,
        max_length=600,
        help_text=_(
            "One to eight, with commas between: small letters, digits and hyphens, such as clear, well-sourced."
        ),
    )
    reference = forms.ChoiceField(
        label=_("Known true and false answers"),
        required=False,
        choices=[
            (AFTER, _("shown after the annotator's own first judgement")),
            (ALWAYS, _("shown from the beginning")),
            (NEVER, _("never shown")),
        ],
        help_text=_(
            "Where the prompts have them: correct_answers, incorrect_answers and source of their lines."
        ),
    )

    fewest_characters = forms.IntegerField(
        label=_("Shortest answer"),
        required=False,
        min_value=1,
        max_value=MOST_CHARACTERS,
        help_text=_("In characters; empty: anything that is not blank."),
    )

    def asks(self, cleaned: dict[str, Any]) -> dict[str, object]:
        """What a campaign of the chosen kind asks; an error stands beside the field it is about."""
        kind = cleaned.get("kind")
        told: dict[str, object] = {}
        if kind == Campaign.Kind.RATING:
            chosen = cleaned.get("ratings") or THREE
            own = [name.strip() for name in cleaned.get("own_ratings", "").split(",") if name.strip()]
            told = {"names": own if chosen == OWN else PRESETS[chosen]}
            if chosen == OWN and not own:
                self.add_error("own_ratings", _("Name at least one thing to rate."))
                return {}
        elif kind == Campaign.Kind.HONESTY:
            told = {"reference": cleaned.get("reference") or AFTER}
        elif kind == Campaign.Kind.DEMONSTRATION:
            told = {"fewest_characters": cleaned.get("fewest_characters")}
        try:
            return KINDS[kind].asks(told) if kind in KINDS else {}
        except AsksRefused as refusal:
            self.add_error("own_ratings" if kind == Campaign.Kind.RATING else None, str(refusal))
            return {}
