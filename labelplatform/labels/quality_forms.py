"""What researchers send about quality."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labelplatform.labels.kinds.scales import scale
from labelplatform.labels.models import Campaign
from labelplatform.labels.orders import tiers
from labelplatform.labels.rules import HIGHEST_RATING, LOWEST_RATING
from labelplatform.labels.services.quality_settings import settings_of


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
    qualification_score = forms.FloatField(
        label=_("Mean rating that must be reached"),
        min_value=LOWEST_RATING,
        max_value=HIGHEST_RATING,
        widget=forms.NumberInput(attrs={"step": "0.1"}),
        help_text=_(
            "From 1 to 7, by reviewers, of what was written for the prompts that come first; InstructGPT asked for 6."
        ),
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

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(self.fields) - set(settings_of(kind)):
            del self.fields[name]
        if kind in (Campaign.Kind.RATING, Campaign.Kind.HONESTY):
            self.fields["third_opinion_below"].help_text = _(
                "Share of two people's ratings that agree, from 0 to 1 (within one point of the scale; of an honesty "
                "check, the same answer): an item whose wanted labels are all in and agree less goes out once more. "
                "Empty: never."
            )
        if kind == Campaign.Kind.RATING:
            share = self.fields["qualification_share"]
            share.label = _("Share of ratings that must be right")
            share.help_text = _(
                "A rating is right within one point of gold's; whoever reaches the share goes on."
            )
        elif kind == Campaign.Kind.HONESTY:
            share = self.fields["qualification_share"]
            share.label = _("Share of answers that must be right")
            share.help_text = _(
                "Right is the same side of the scale as gold; whoever reaches the share goes on."
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


class GoldRatingsForm(forms.Form):
    """The right ratings of an answer; what is left empty is unknown."""

    explanation = forms.CharField(
        label=_("Why this is right"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, names: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = list(names)
        for name in names:
            self.fields[f"rating-{name}"] = forms.IntegerField(
                label=scale(name).title, required=False, min_value=LOWEST_RATING, max_value=HIGHEST_RATING
            )
        self.order_fields([*(f"rating-{name}" for name in names), "explanation"])

    def ratings(self) -> dict[str, int]:
        """What was told, by name."""
        told = {name: self.cleaned_data[f"rating-{name}"] for name in self.names}
        return {name: value for name, value in told.items() if value is not None}


class ScoreForm(forms.Form):
    """What a reviewer gives a demonstration."""

    score = forms.TypedChoiceField(
        label=_("How good is this answer?"),
        coerce=int,
        choices=[(value, str(value)) for value in range(LOWEST_RATING, HIGHEST_RATING + 1)],
        widget=forms.RadioSelect(attrs={"class": "score"}),
        help_text=_("1: very bad, 7: as good as the best of us would write it."),
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("For those who look at it later; whoever wrote the answer does not see it."),
    )
