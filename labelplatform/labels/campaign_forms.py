"""What researchers send about a campaign: how urgent it is, whom it is for, and how its labels are given."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labelplatform.accounts import skills
from labelplatform.labels.models import Campaign
from labelplatform.labels.services.campaign_settings import BEFORE_THE_FIRST_LABEL, STEERING

MOMENT = "%Y-%m-%dT%H:%M"
HIGHEST_PRIORITY = 100


class SteeringForm(forms.Form):
    """Which campaign is offered first, until when, and to whom."""

    priority = forms.IntegerField(
        label=_("Priority"),
        min_value=-HIGHEST_PRIORITY,
        max_value=HIGHEST_PRIORITY,
        initial=0,
        required=False,
        help_text=_("The higher is offered first; among equals the one with the nearer deadline."),
    )
    deadline = forms.DateTimeField(
        label=_("Deadline (UTC)"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT),
        help_text=_("Annotators are told kindly. Empty: none."),
    )
    close_at_deadline = forms.BooleanField(
        label=_("Close at the deadline"),
        required=False,
        help_text=_("Otherwise the campaign goes on past it. Who is at work on an item may finish it."),
    )
    required_languages = forms.MultipleChoiceField(
        label=_("Only for people who read"),
        required=False,
        choices=skills.language_choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("All of those that are ticked. Who does not is never offered the campaign."),
    )
    required_domains = forms.CharField(
        label=_("Only for people who know about"),
        required=False,
        max_length=500,
        help_text=_("Such as law, medicine, code: all of them, parted by commas. Set on the page of people."),
    )
    route_languages = forms.BooleanField(
        label=_("Each item to people who read its language"),
        required=False,
        help_text=_("By the language told with its prompt; prompts that tell none go to everybody."),
    )
    route_domains = forms.BooleanField(
        label=_("Each item to people who know its domain"),
        required=False,
        help_text=_("By the domain told with its prompt; prompts that tell none go to everybody."),
    )

    def clean_priority(self) -> int:
        """Left empty, it is as urgent as any."""
        return self.cleaned_data["priority"] or 0

    def clean_required_domains(self) -> list[str]:
        """As a list, each once."""
        return skills.normal(self.cleaned_data["required_domains"].replace("，", ",").split(","))

    def clean(self) -> dict[str, Any]:
        """A campaign that closes at its deadline has one."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("close_at_deadline") and not cleaned.get("deadline") and "deadline" not in self.errors:
            self.add_error("deadline", _("Say when: a campaign that closes at its deadline needs one."))
        return cleaned

    steering_names = STEERING


class CampaignSettingsForm(SteeringForm):
    """All settings of a campaign that may change while it runs, and those that may until its first label."""

    name = forms.CharField(label=_("Name"), max_length=120)
    overlap = forms.IntegerField(
        label=_("Labels per item"),
        max_value=50,
        help_text=_("May only grow: each item then goes out to so many more people."),
    )
    skip_limit = forms.IntegerField(
        label=_("Set aside after so many skips"),
        min_value=1,
        max_value=50,
        help_text=_("So many people may say that they cannot judge an item before it waits for your look."),
    )
    rate_first = forms.BooleanField(label=_("Rate each answer from 1 to 7 first"), required=False)
    presort = forms.BooleanField(label=_("Propose an order from the ratings"), required=False)
    allow_unranked = forms.BooleanField(
        label=_("Answers may be left unranked"),
        required=False,
        help_text=_("What is left out counts as below all that are placed."),
    )
    field_order = ("name", "overlap", "skip_limit", *BEFORE_THE_FIRST_LABEL)

    def __init__(self, *args: Any, campaign: Campaign, labelled: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.campaign = campaign
        for name in self.fields:
            value = getattr(campaign, name)
            self.initial.setdefault(name, ", ".join(value) if name == "required_domains" else value)
        overlap = self.fields["overlap"]
        assert isinstance(overlap, forms.IntegerField)
        overlap.min_value = campaign.overlap
        overlap.widget.attrs["min"] = campaign.overlap
        if not campaign.overlap:
            # Its labels come in by import.
            del self.fields["overlap"]
        for name in BEFORE_THE_FIRST_LABEL if labelled else ():
            self.fields[name].disabled = True

    @property
    def settings(self) -> dict[str, Any]:
        """What was chosen, by the names of the campaign's settings; how often each item is labelled is not one."""
        return {name: value for name, value in self.cleaned_data.items() if name != "overlap"}
