"""What researchers send to choose what is labelled next."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labelplatform.accounts.models import Project
from labelplatform.jobs.models import Artifact
from labelplatform.jobs.queries import artifacts_of
from labelplatform.labels.models import QueueOrder
from labelplatform.labels.services import Choice

if TYPE_CHECKING:
    ArtifactsChoice = forms.ModelMultipleChoiceField[Artifact]
else:
    ArtifactsChoice = forms.ModelMultipleChoiceField


class ChoiceForm(forms.Form):
    """By which reward models and which rule, and how much of it chance decides."""

    reward_models = ArtifactsChoice(
        label=_("Reward models"),
        queryset=Artifact.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Two or more that were trained alike but for their seed tell best where labels are missing."
        ),
    )
    rule = forms.ChoiceField(
        label=_("What goes first"),
        choices=QueueOrder.Rule.choices,
        widget=forms.RadioSelect,
        initial=QueueOrder.Rule.DISAGREEMENT,
    )
    control_share = forms.FloatField(
        label=_("Share drawn at random"),
        min_value=0.05,
        max_value=0.95,
        initial=0.2,
        widget=forms.NumberInput(attrs={"step": "0.05"}),
        help_text=_(
            "The control arm: dealt over the whole queue, so that what the rule gains is measured. "
            "0.5 gives both arms as many labels."
        ),
    )
    seed = forms.IntegerField(label=_("Seed"), min_value=0, max_value=2**31 - 1, initial=0)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["reward_models"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = artifacts_of(project, Artifact.Kind.REWARD_MODEL)

    def choice(self) -> Choice:
        """The choice that was made."""
        told = self.cleaned_data
        return Choice(told["rule"], told["control_share"], told["seed"])
