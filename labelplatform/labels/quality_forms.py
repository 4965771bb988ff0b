"""What researchers send about quality."""

from django import forms
from django.utils.translation import gettext_lazy as _


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
