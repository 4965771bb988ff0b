"""Strings of the start forms as typed, bounded values. What fits together is checked again by the services."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from labelplatform.accounts.models import Project
from labelplatform.jobs.models import Artifact
from labelplatform.jobs.queries import artifacts_of
from labelplatform.prompts.models import PromptSet
from labelplatform.snapshots.models import Snapshot

Kind = Artifact.Kind
GRADES = "evaluator.metrics.closed_book:grades"
# A checkpoint that lost more of the share right than this is not kept, whatever its grade: it bought by forgetting.
KEEP_BOUND = "right:0.05"


class RewardModelForm(forms.Form):
    """A reward model from a snapshot."""

    name = forms.CharField(label=_("Name"), max_length=120)
    snapshot = forms.ModelChoiceField(label=_("Snapshot"), queryset=Snapshot.objects.none())
    model = forms.ModelChoiceField(
        label=_("Starts from"),
        queryset=Artifact.objects.none(),
        help_text=_("The language model whose weights it begins with."),
    )
    epochs = forms.IntegerField(
        label=_("Epochs"),
        min_value=1,
        max_value=50,
        initial=3,
        help_text=_("It stops earlier when the held-out loss rises."),
    )
    learning_rate = forms.FloatField(label=_("Learning rate"), min_value=1e-8, max_value=0.1, initial=1e-4)
    rankings_per_step = forms.IntegerField(
        label=_("Rankings per step"), min_value=1, max_value=256, initial=8
    )
    seed = forms.IntegerField(label=_("Seed"), min_value=0, max_value=2**31 - 1, initial=0)

    SETTINGS = ("epochs", "learning_rate", "rankings_per_step", "seed")

    def __init__(self, project: Project, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        frozen = Snapshot.objects.filter(project=project, artifact__isnull=False)
        _choices(self.fields["snapshot"], frozen)
        _choices(self.fields["model"], artifacts_of(project, Kind.POLICY, Kind.BASE_MODEL))

    def settings(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.SETTINGS}


if TYPE_CHECKING:
    ArtifactChoice = forms.ModelChoiceField[Artifact]
else:
    ArtifactChoice = forms.ModelChoiceField


class RewardModelChoice(ArtifactChoice):
    """Reward models beside what they are worth: PPO against one that cannot tell answers apart teaches nothing good."""

    def label_from_instance(self, obj: Artifact) -> str:
        accuracy = obj.detail.get("metrics", {}).get("heldout_accuracy")
        if not isinstance(accuracy, int | float):
            return str(obj.name)
        words = {"name": obj.name, "accuracy": f"{accuracy:.2f}"}
        return gettext("%(name)s (held-out accuracy %(accuracy)s)") % words


class PpoForm(forms.Form):
    """PPO on a prompt set. Rewards that are programs or functions are for the command line, never for a form."""

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("The new policy will be called so."))
    prompt_set = forms.ModelChoiceField(label=_("Prompts"), queryset=PromptSet.objects.none())
    policy = forms.ModelChoiceField(label=_("Policy"), queryset=Artifact.objects.none())
    reward_model = RewardModelChoice(label=_("Reward model"), queryset=Artifact.objects.none())
    updates = forms.IntegerField(label=_("Updates"), min_value=1, max_value=10_000, initial=50)
    episodes = forms.IntegerField(label=_("Responses per update"), min_value=1, max_value=8192, initial=64)
    kl_coefficient = forms.FloatField(
        label=_("KL coefficient"),
        min_value=0,
        max_value=10,
        initial=0.05,
        help_text=_("Higher ties the policy closer to where it started."),
    )
    learning_rate = forms.FloatField(label=_("Learning rate"), min_value=1e-8, max_value=0.1, initial=1e-4)
    max_new_tokens = forms.IntegerField(
        label=_("Longest response, tokens"), min_value=1, max_value=2048, initial=32
    )
    pretraining_text = forms.ModelChoiceField(
        label=_("Pretraining text"),
        queryset=Artifact.objects.none(),
        required=False,
        help_text=_("Mixed into each step, so that the policy does not forget."),
    )
    pretraining_coefficient = forms.FloatField(
        label=_("Pretraining coefficient"), min_value=0, max_value=100, initial=0, required=False
    )
    validation = forms.ModelChoiceField(
        label=_("Validation questions"),
        queryset=Artifact.objects.none(),
        required=False,
        help_text=_("With them the best checkpoint by held-out grade is kept, else the last one."),
    )
    seed = forms.IntegerField(label=_("Seed"), min_value=0, max_value=2**31 - 1, initial=0)

    SETTINGS = ("updates", "episodes", "kl_coefficient", "learning_rate", "max_new_tokens", "seed")

    def __init__(self, project: Project, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        _choices(self.fields["prompt_set"], PromptSet.objects.filter(project=project))
        _choices(self.fields["policy"], artifacts_of(project, Kind.POLICY, Kind.BASE_MODEL))
        _choices(self.fields["reward_model"], artifacts_of(project, Kind.REWARD_MODEL))
        _choices(self.fields["pretraining_text"], artifacts_of(project, Kind.CORPUS))
        _choices(self.fields["validation"], artifacts_of(project, Kind.QUESTIONS))

    def settings(self) -> dict[str, Any]:
        told = {name: self.cleaned_data[name] for name in self.SETTINGS}
        if self.cleaned_data["pretraining_text"]:
            told["pretraining_coefficient"] = self.cleaned_data["pretraining_coefficient"] or 0.0
        if self.cleaned_data["validation"]:
            told |= {"validation_function": GRADES, "keep_best": "grade", "keep_bound": KEEP_BOUND}
        return told

    def inputs(self) -> dict[str, Any]:
        """The artifacts chosen; the prompt set becomes one when the run starts."""
        names = ("policy", "reward_model", "pretraining_text", "validation")
        return {name: self.cleaned_data[name] for name in names if self.cleaned_data[name]}


def _choices(field: forms.Field, queryset: Any) -> None:
    """Only what this project has; the newest is chosen already, unless choosing nothing is allowed."""
    if isinstance(field, forms.ModelChoiceField):
        field.queryset = queryset
        field.empty_label = _("none") if not field.required else None
        if field.required and not queryset.exists():
            field.help_text = _("This project has none yet.")
