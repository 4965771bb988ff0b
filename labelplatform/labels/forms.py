"""What people send: a ranking in letters and numbers, a draft, a new campaign."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labelplatform.accounts.models import Project
from labelplatform.labels.exchange.formats import FORMATS
from labelplatform.labels.models import Campaign
from labelplatform.labels.rules import FLAGS
from labelplatform.labels.services import Wishes
from labelplatform.prompts.models import PromptSet

LONGEST_SECONDS = 86_400


class RankingForm(forms.Form):
    """One judgement: for each letter a place, equal places tie. Which letters there are, the slot knows."""

    submission = forms.UUIDField()
    seconds = forms.FloatField(required=False, min_value=0, max_value=LONGEST_SECONDS)
    unacceptable = forms.BooleanField(required=False)

    def __init__(self, *args: Any, letters: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.letters = list(letters)
        for letter in self.letters:
            self.fields[f"place-{letter}"] = forms.IntegerField(
                required=False, min_value=1, max_value=len(letters)
            )
            self.fields[f"flags-{letter}"] = forms.MultipleChoiceField(
                required=False, choices=[(name, name) for name in FLAGS]
            )

    def tiers(self, responses: Mapping[str, int]) -> list[list[int]]:
        """The order in response ids, best tier first; numbers left out between places mean nothing."""
        by_place: dict[int, list[int]] = {}
        for letter in self.letters:
            place = self.cleaned_data[f"place-{letter}"]
            if place is not None:
                by_place.setdefault(place, []).append(responses[letter])
        return [by_place[place] for place in sorted(by_place)]

    def flags(self, responses: Mapping[str, int]) -> dict[int, list[str]]:
        """The flags by response id."""
        chosen = {letter: self.cleaned_data[f"flags-{letter}"] for letter in self.letters}
        return {responses[letter]: names for letter, names in chosen.items() if names}


def parse_draft(body: bytes, letters: Sequence[str]) -> dict[str, object] | None:
    """Return a draft that has the shape of one, or None: letters with places, flags, and what to undo."""
    try:
        state = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(state, dict) or not _places(state.get("places", {}), letters):
        return None
    flags = state.get("flags", {})
    if not isinstance(flags, dict) or set(flags) - set(letters):
        return None
    if not all(isinstance(names, list) and set(map(str, names)) <= set(FLAGS) for names in flags.values()):
        return None
    kept = {
        key: state[key] for key in ("places", "flags", "focus", "seconds", "at", "history") if key in state
    }
    return {**kept, "unacceptable": bool(state.get("unacceptable"))}


def _places(places: object, letters: Sequence[str]) -> bool:
    if not isinstance(places, dict) or set(places) - set(letters):
        return False
    return all(type(place) is int and 1 <= place <= len(letters) for place in places.values())


class CampaignForm(forms.Form):
    """A new campaign over the prompts of one set."""

    name = forms.CharField(label=_("Name"), max_length=120)
    prompt_set = forms.ModelChoiceField(
        label=_("Prompt set"),
        queryset=PromptSet.objects.none(),
        help_text=_("Every prompt with at least two answers becomes an item."),
    )
    kind = forms.ChoiceField(
        label=_("People give"),
        choices=Campaign.Kind.choices,
        help_text=_("A ranking shows up to nine answers; a comparison the first two."),
    )
    overlap = forms.IntegerField(
        label=_("Labels per item"),
        min_value=1,
        max_value=50,
        initial=1,
        help_text=_("Exactly so many different people see each item."),
    )
    guidelines = forms.CharField(
        label=_("Guidelines"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Markdown. Always one key away from the annotator."),
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["prompt_set"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = PromptSet.objects.filter(project=project).order_by("name")


class LabelsUploadForm(forms.Form):
    """A file of labels from elsewhere, and how to read it."""

    file = forms.FileField(label=_("File"), max_length=200, required=False, allow_empty_file=True)
    format = forms.ChoiceField(
        label=_("Format"),
        required=False,
        choices=[("", _("find out")), *((one.name, one.title) for one in FORMATS.values())],
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
