"""What people send: the wish to freeze labels."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labelplatform.accounts.models import Project
from labelplatform.labels.models import Campaign
from labelplatform.labels.queries import DECISIONS_ONLY


class SnapshotForm(forms.Form):
    """Freeze the labels of now, all or some campaigns'."""

    name = forms.CharField(label=_("Name"), max_length=120)
    campaigns = forms.ModelMultipleChoiceField(
        label=_("Campaigns"),
        queryset=Campaign.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: all of them."),
    )

    decisions = forms.BooleanField(
        label=_("Where a reviewer has decided, the decision alone"),
        required=False,
        help_text=_("Not ticked: the decision is one label more, marked “adjudicated”."),
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["campaigns"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = Campaign.objects.filter(project=project).order_by("pk")

    @property
    def filters(self) -> dict[str, object]:
        """The wishes as `freeze_snapshot` takes them."""
        wished: dict[str, object] = {
            "campaigns": sorted(campaign.pk for campaign in self.cleaned_data["campaigns"])
        }
        return wished | ({"decisions": DECISIONS_ONLY} if self.cleaned_data["decisions"] else {})
