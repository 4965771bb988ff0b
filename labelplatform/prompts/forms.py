"""What people send: a new prompt set, a file of lines, a request for answers."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labelplatform.accounts.models import Project
from labelplatform.jobs.models import Artifact
from labelplatform.prompts.lines import UPLOAD_LIMIT_BYTES

MODELS = (Artifact.Kind.BASE_MODEL, Artifact.Kind.POLICY)


class PromptSetForm(forms.Form):
    """A new prompt set, with its first file or empty."""

    name = forms.CharField(label=_("Name"), max_length=120)
    purpose = forms.CharField(label=_("What it is for"), required=False, max_length=1000)


class ImportForm(forms.Form):
    """A file of prompt lines or response lines."""

    kind = forms.ChoiceField(
        label=_("The file holds"),
        choices=[("prompts", _("prompts")), ("responses", _("prompts with answers"))],
    )
    file = forms.FileField(
        label=_("JSON lines"),
        help_text=_("One JSON object a line. All lines are taken, or none."),
        max_length=200,
    )

    def clean_file(self) -> bytes:
        """The bytes of the file, if they are few enough."""
        upload = self.cleaned_data["file"]
        if upload.size > UPLOAD_LIMIT_BYTES:
            raise forms.ValidationError(_("This file is too large for the browser: import it in parts."))
        return bytes(upload.read())


class SampleForm(forms.Form):
    """Ask a policy for answers to every prompt of a set."""

    policy = forms.ModelChoiceField(label=_("Policy"), queryset=Artifact.objects.none())
    responses_per_prompt = forms.IntegerField(
        label=_("Answers per prompt"), min_value=1, max_value=9, initial=4
    )
    temperature = forms.FloatField(label=_("Temperature"), min_value=0, max_value=5, initial=1.0)
    top_p = forms.FloatField(label=_("Top p"), min_value=0.01, max_value=1, initial=1.0)
    max_new_tokens = forms.IntegerField(
        label=_("Longest answer (tokens)"), min_value=1, max_value=2048, initial=64
    )
    seed = forms.IntegerField(label=_("Seed"), min_value=0, max_value=2**31 - 1, initial=0)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["policy"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Artifact.objects.filter(project=project, kind__in=MODELS).order_by("name")
        # With one model or more the first is chosen already: no row of dashes.
        field.empty_label = None if field.queryset.exists() else str(_("no model yet"))

    @property
    def sampling(self) -> dict[str, object]:
        """The sampling settings of the request."""
        return {name: self.cleaned_data[name] for name in ("temperature", "top_p", "max_new_tokens")}
