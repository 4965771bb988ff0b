"""Strings of the ladder form as typed, bounded values. What fits together is checked again by the services."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from labelplatform.accounts.models import Project
from labelplatform.jobs.models import Artifact
from labelplatform.jobs.queries import artifacts_of
from labelplatform.ladders.emergence import TRAINED
from labelplatform.ladders.services import Tasks
from labelplatform.ladders.sizes import MOST_SEEDS, Size, parse_sizes
from labelplatform.ladders.string_tasks import TASKS

SIZES = "1x16, 1x32, 2x32, 2x64, 3x96"
LARGEST_SEED = 2**31 - 1


class LadderForm(forms.Form):
    """Corpus, tasks, sizes and seeds of a ladder."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    text = forms.ModelChoiceField(
        label=gettext_lazy("Text"),
        queryset=Artifact.objects.none(),
        required=False,
        empty_label=gettext_lazy("none"),
        help_text=gettext_lazy("Read beside the tasks by every size; without it they read the tasks alone."),
    )
    tasks = forms.MultipleChoiceField(
        label=gettext_lazy("Tasks"),
        choices=[
            ("copy", gettext_lazy("copy: five letters again")),
            ("reverse", gettext_lazy("reverse: five letters from the last to the first")),
            ("sort", gettext_lazy("sort: five letters in order")),
            ("transcribe", gettext_lazy("transcribe: how five letters sound")),
            ("add", gettext_lazy("add: two numbers of two digits")),
        ],
        widget=forms.CheckboxSelectMultiple,
        initial=list(TASKS),
        help_text=gettext_lazy("Drawn by the seed of the tasks; no item that is asked is ever taught."),
    )
    sizes = forms.CharField(
        label=gettext_lazy("Sizes"),
        max_length=200,
        initial=SIZES,
        help_text=gettext_lazy(
            "Layers x width of each model; heads of 16 units. With fewer than 5 no curve can be told from another."
        ),
    )
    seeds = forms.CharField(
        label=gettext_lazy("Seeds"),
        max_length=60,
        initial="0",
        help_text=gettext_lazy(
            "Each size is trained once with each: what differs between them is no growth."
        ),
    )
    steps = forms.IntegerField(
        label=gettext_lazy("Steps"),
        min_value=1,
        max_value=1_000_000,
        initial=1000,
        help_text=gettext_lazy("The same for every size, so that they read the same."),
    )
    batch_tokens = forms.IntegerField(
        label=gettext_lazy("Tokens per step"), min_value=64, max_value=1_048_576, initial=2048
    )
    learning_rate = forms.FloatField(
        label=gettext_lazy("Learning rate"), min_value=1e-6, max_value=0.1, initial=0.004
    )
    taught = forms.IntegerField(
        label=gettext_lazy("Documents of each task"), min_value=10, max_value=200_000, initial=4000
    )
    asked = forms.IntegerField(
        label=gettext_lazy("Items asked of each task"), min_value=10, max_value=2000, initial=100
    )
    task_seed = forms.IntegerField(
        label=gettext_lazy("Seed of the tasks"), min_value=0, max_value=LARGEST_SEED, initial=0
    )

    TOLD = ("steps", "batch_tokens", "learning_rate")
    # A question with its answer is some twenty tokens: one look back holds three.
    ALWAYS = {"context": 64, "vocabulary": 384}

    def __init__(self, project: Project, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["text"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = artifacts_of(project, Artifact.Kind.CORPUS).exclude(ladders_taught__isnull=False)

    def clean_sizes(self) -> tuple[Size, ...]:
        """The sizes, smallest first."""
        return parse_sizes(self.cleaned_data["sizes"])

    def clean_seeds(self) -> list[int]:
        """The seeds, each once."""
        words = [word for word in re.split(r"[\s,;]+", self.cleaned_data["seeds"]) if word]
        if not words or not all(word.isascii() and word.isdecimal() for word in words):
            raise ValidationError(_("Seeds are whole numbers parted by commas."))
        seeds = [int(word) for word in words]
        if len(set(seeds)) < len(seeds) or len(seeds) > MOST_SEEDS or max(seeds) > LARGEST_SEED:
            raise ValidationError(_("Give 1 to %(most)d different seeds.") % {"most": MOST_SEEDS})
        return seeds

    def settings(self) -> dict[str, Any]:
        """What every rung is told beside its size and its seed."""
        return {**self.ALWAYS, **{name: self.cleaned_data[name] for name in self.TOLD}}

    def asked_tasks(self) -> Tasks:
        """What is taught and asked."""
        told = self.cleaned_data
        return Tasks(tuple(told["tasks"]), told["taught"], told["asked"], told["task_seed"])


class EmergenceForm(forms.Form):
    """An emergence report of points from elsewhere, or of what a training run measured on its way."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    file = forms.FileField(
        label=gettext_lazy("Points"),
        required=False,
        help_text=gettext_lazy(
            "A CSV file with task, metric, scale and value; where known also family, kind, n, chance, low, high."
        ),
    )
    model = forms.ModelChoiceField(
        label=gettext_lazy("Training run"),
        queryset=Artifact.objects.none(),
        required=False,
        empty_label=gettext_lazy("none"),
        help_text=gettext_lazy("Its curves over its steps are drawn instead of a file."),
    )

    LARGEST = 8 * 2**20

    def __init__(self, project: Project, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["model"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = artifacts_of(project, *TRAINED).filter(training_run__isnull=False)

    def clean(self) -> dict[str, Any]:
        """A file or a run, and not both."""
        cleaned = super().clean() or self.cleaned_data
        if bool(cleaned.get("file")) == bool(cleaned.get("model")):
            raise ValidationError(_("Choose a file of points or a training run, one of them."))
        if cleaned.get("file") and cleaned["file"].size > self.LARGEST:
            raise ValidationError(_("The file is larger than 8 MiB."))
        return cleaned
