"""What people send: a ranking in letters and numbers, a draft, a new campaign."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labelplatform.accounts.models import Project
from labelplatform.labels.campaign_forms import SteeringForm
from labelplatform.labels.exchange import kind_lines
from labelplatform.labels.exchange.formats import FORMATS
from labelplatform.labels.kind_forms import KindFields, kind_choices
from labelplatform.labels.kinds.demonstrations import MOST_CHARACTERS
from labelplatform.labels.marking import is_better, is_marks, read_better, read_marks
from labelplatform.labels.models import Campaign
from labelplatform.labels.orders import tiers
from labelplatform.labels.rules import FLAGS, HIGHEST_RATING, LOWEST_RATING, OVERALL, Judgement
from labelplatform.labels.services import Stages, Wishes
from labelplatform.labels.services.campaign_settings import STEERING
from labelplatform.prompts.lines import LineRefused, check_storable
from labelplatform.prompts.models import PromptSet

LONGEST_SECONDS = 86_400
# What was said, then what the page needs to be again as it was: where one stood, what can be undone, who wrote.
DRAFT_KEYS = (
    *("places", "ratings", "flags", "margins", "marks", "better", "stage", "proposed"),
    *("focus", "view", "raw", "pane", "read", "history", "future", "log"),
    *("seconds", "at", "version", "base", "writer"),
)


class LabelForm(forms.Form):
    """What every submission has, whatever its label is; the rest its kind reads (labels/kinds)."""

    submission = forms.UUIDField()
    seconds = forms.FloatField(required=False, min_value=0, max_value=LONGEST_SECONDS)


class RankingForm(LabelForm):
    """One judgement: for each letter a place (equal places tie), a rating, flags. Which letters, the slot knows."""

    unacceptable = forms.BooleanField(required=False)
    # One figure for each gap between neighbouring tiers, best first: "2,1,3".
    margins = forms.RegexField(r"^[1-3](,[1-3])*$", required=False, max_length=17)
    # Spans by letter, as JSON, and an answer of the person's own: labels/marking.py reads both.
    marks = forms.CharField(required=False, max_length=200_000)
    better = forms.CharField(required=False, max_length=2 * MOST_CHARACTERS, strip=False)

    def __init__(self, *args: Any, letters: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.letters = list(letters)
        for letter in self.letters:
            self.fields[f"place-{letter}"] = forms.IntegerField(
                required=False, min_value=1, max_value=len(letters)
            )
            self.fields[f"rating-{letter}"] = forms.IntegerField(
                required=False, min_value=LOWEST_RATING, max_value=HIGHEST_RATING
            )
            self.fields[f"flags-{letter}"] = forms.MultipleChoiceField(
                required=False, choices=[(name, name) for name in FLAGS]
            )

    def judgement(self, responses: Mapping[str, int]) -> Judgement:
        """What was said, about response ids."""
        told, margins = self.cleaned_data, self.cleaned_data["margins"]
        ratings = {responses[letter]: told[f"rating-{letter}"] for letter in self.letters}
        flags = {responses[letter]: told[f"flags-{letter}"] for letter in self.letters}
        return Judgement(
            tiers=self._tiers(responses),
            seconds=told["seconds"],
            flags={response: names for response, names in flags.items() if names},
            unacceptable=told["unacceptable"],
            ratings={response: {OVERALL: value} for response, value in ratings.items() if value is not None},
            margins=[int(margin) for margin in margins.split(",")] if margins else None,
            marks=read_marks(told["marks"], responses),
            better=read_better(told["better"]),
        )

    def _tiers(self, responses: Mapping[str, int]) -> list[list[int]]:
        """The order in response ids, best tier first; numbers left out between places mean nothing."""
        places = {letter: self.cleaned_data[f"place-{letter}"] for letter in self.letters}
        return tiers((place, responses[letter]) for letter, place in places.items() if place is not None)


def parse_draft(body: bytes, letters: Sequence[str]) -> dict[str, object] | None:
    """Return a draft that has the shape of one, or None: places, ratings, flags, and what the page needs to go on."""
    try:
        state = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(state, dict) or not _numbers(state.get("places", {}), letters, len(letters)):
        return None
    if not _numbers(state.get("ratings", {}), letters, HIGHEST_RATING):
        return None
    flags = state.get("flags", {})
    if not isinstance(flags, dict) or set(flags) - set(letters):
        return None
    if not all(isinstance(names, list) and set(map(str, names)) <= set(FLAGS) for names in flags.values()):
        return None
    if not is_marks(state.get("marks", {}), letters) or not is_better(state.get("better", "")):
        return None
    try:
        check_storable(state)
    except LineRefused:
        return None
    kept = {key: state[key] for key in DRAFT_KEYS if key in state}
    return {**kept, "unacceptable": bool(state.get("unacceptable"))}


def _numbers(given: object, letters: Sequence[str], highest: int) -> bool:
    if not isinstance(given, dict) or set(given) - set(letters):
        return False
    return all(type(number) is int and 1 <= number <= highest for number in given.values())


class CampaignForm(KindFields, SteeringForm):
    """A new campaign over the prompts of one set."""

    name = forms.CharField(label=_("Name"), max_length=120)
    prompt_set = forms.ModelChoiceField(
        label=_("Prompt set"),
        queryset=PromptSet.objects.none(),
        help_text=_(
            "Of orders, every prompt with at least two answers becomes an item; of ratings and the like, every answer."
        ),
    )
    kind = forms.ChoiceField(
        label=_("People give"),
        choices=kind_choices,
        help_text=_(
            "A ranking shows up to nine answers, a comparison the first two; ratings, honesty checks and spans one, "
            "demonstrations none. "
            "Of spans there is no gold and no third opinion; of demonstrations no third opinion and no repeats."
        ),
    )
    overlap = forms.IntegerField(
        label=_("Labels per item"),
        min_value=1,
        max_value=50,
        initial=1,
        help_text=_("Exactly so many different people see each item."),
    )
    rate_first = forms.BooleanField(
        label=_("Rate each answer from 1 to 7 first"),
        required=False,
        initial=True,
        help_text=_(
            "Makes many long answers feasible: ratings give the coarse order, ranking resolves the rest."
        ),
    )
    presort = forms.BooleanField(
        label=_("Propose an order from the ratings"),
        required=False,
        initial=True,
        help_text=_(
            "Only when every answer is rated, and the annotator must confirm it. Noted with each ranking."
        ),
    )
    open_at_once = forms.BooleanField(
        label=_("Open at once"),
        required=False,
        initial=True,
        help_text=_("Otherwise it is made paused, so that you can look at it as an annotator first."),
    )
    guidelines = forms.CharField(
        label=_("Guidelines"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Markdown. Always one key away from the annotator."),
    )

    field_order = (
        "name",
        "prompt_set",
        "kind",
        *("ratings", "own_ratings", "reference", "fewest_characters"),
        "overlap",
        "rate_first",
        "presort",
        "guidelines",
        "open_at_once",
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["prompt_set"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = PromptSet.objects.filter(project=project).order_by("name")

    def clean(self) -> dict[str, Any]:
        """How the page goes as one thing, and so what the campaign is steered by."""
        cleaned = super().clean() or self.cleaned_data
        asks = self.asks(cleaned)
        stages = Stages(cleaned.pop("rate_first", False), cleaned.pop("presort", False), asks)
        for name in KindFields.base_fields:
            cleaned.pop(name, None)
        settings = {name: cleaned.pop(name) for name in STEERING if name in cleaned}
        state = Campaign.State.OPEN if cleaned.pop("open_at_once", False) else Campaign.State.PAUSED
        return {**cleaned, "stages": stages, "settings": settings, "state": state}


class LabelsUploadForm(forms.Form):
    """A file of labels from elsewhere, and how to read it."""

    file = forms.FileField(label=_("File"), max_length=200, required=False, allow_empty_file=True)
    format = forms.ChoiceField(
        label=_("Format"),
        required=False,
        choices=[
            ("", _("find out")),
            *((one.name, one.title) for one in FORMATS.values()),
            (kind_lines.NAME, kind_lines.TITLE),
        ],
    )
    target = forms.CharField(
        label=_("Into the campaign"),
        required=False,
        max_length=120,
        help_text=_("A new name, or that of an earlier import to add to it. Empty: the name of the file."),
    )
    leave_out_similar = forms.BooleanField(
        label=_("Leave out prompts that begin like an earlier one"),
        required=False,
        help_text=_("The same first 100 characters, but for case and blanks."),
    )
    leave_out_named = forms.BooleanField(
        label=_("Leave out answers that name a model"),
        required=False,
        help_text=_("Such as “developed by OpenAI”: whoever reads it no longer judges blind."),
    )
    # Of the dry run: the upload it looked at, and what it said would happen.
    digest = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    promise = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """A file or the digest of a kept one; the target's name from the file where none is given."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        upload = cleaned.get("file")
        if upload is None and not cleaned.get("digest") and "file" not in self.errors:
            self.add_error("file", _("Choose a file."))
        if not cleaned.get("target"):
            cleaned["target"] = Path(upload.name).stem[:120].strip() if upload is not None else ""
        if not cleaned["target"] and not self.errors:
            self.add_error("target", _("Name the campaign that the labels go into."))
        return cleaned

    @property
    def wishes(self) -> Wishes:
        """How the file is to be read."""
        chosen = self.cleaned_data
        return Wishes(chosen["format"], chosen["leave_out_similar"], chosen["leave_out_named"])
