"""What researchers send about quality."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labelplatform.labels.orders import tiers


class QualityForm(forms.Form):
    """What a campaign does about the quality of its labels."""

    third_opinion_below = forms.FloatField(
        label=_("Ask one more person below"),
        required=False,
        min_value=0,
        max_value=1,
        widget=forms.NumberInput(attrs={"step": "0.05"}),
        help_text=_(
            "Pairwise agreement from 0 to 1: an item whose wanted labels are all in and agree less "
            "goes out once more. Empty: never."
        ),
    )
    most_labels = forms.IntegerField(
        label=_("At most so many labels of an item"),
        min_value=1,
        max_value=50,
        help_text=_("However much people disagree, nobody is asked beyond that."),
    )
    gold_rate = forms.FloatField(
        label=_("Share of gold items"),
        min_value=0,
        max_value=0.5,
        widget=forms.NumberInput(attrs={"step": "0.01"}),
        help_text=_(
            "From 0 to 0.5 of what people are given. Which items are gold, you say on an item's page; "
            "their labels measure people and are left out of downloads and snapshots."
        ),
    )
    gold_slots = forms.IntegerField(
        label=_("People for each gold item"),
        min_value=1,
        max_value=1000,
        help_text=_("As many as may ever work in this campaign."),
    )
    qualification_items = forms.IntegerField(
        label=_("Gold items that come first"),
        min_value=0,
        max_value=100,
        help_text=_("Everybody begins with so many, not knowing it; 0: nobody has to qualify."),
    )
    qualification_share = forms.FloatField(
        label=_("Share of pairs that must be right"),
        min_value=0,
        max_value=1,
        widget=forms.NumberInput(attrs={"step": "0.05"}),
        help_text=_("Whoever reaches it goes on to the other items; you can let in anybody on their page."),
    )
    repeat_rate = forms.FloatField(
        label=_("Share of hidden repeats"),
        min_value=0,
        max_value=0.2,
        widget=forms.NumberInput(attrs={"step": "0.01"}),
        help_text=_(
            "From 0 to 0.2 of what people are given; 0.02 is a good start. An item comes to the same person again, "
            "shuffled anew: how far people agree with themselves. Nobody is told, and these labels count nowhere else."
        ),
    )
    repeat_after = forms.IntegerField(
        label=_("Labels before an item comes again"),
        min_value=1,
        max_value=10_000,
        help_text=_("So many of their own labels must lie between, so that it is no matter of memory."),
    )


class GoldForm(forms.Form):
    """The right order of an item: for each answer, by its stored place, the place it ought to have."""

    explanation = forms.CharField(
        label=_("Why this is right"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, responses: Sequence[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.responses = list(responses)
        for number in range(1, len(self.responses) + 1):
            self.fields[f"place-{number}"] = forms.IntegerField(
                label=_("Place of answer %(number)d") % {"number": number},
                min_value=1,
                max_value=len(self.responses),
            )
        self.order_fields([*(name for name in self.fields if name != "explanation"), "explanation"])

    def tiers(self) -> list[list[int]]:
        """The order in response ids, best tier first; numbers left out between places mean nothing."""
        numbered = enumerate(self.responses, 1)
        return tiers((self.cleaned_data[f"place-{number}"], response) for number, response in numbered)
