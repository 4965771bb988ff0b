"""Strings of the start forms as typed values. What fits together is checked again by the services."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labelplatform.accounts.models import Project
from labelplatform.evaluations.models import EvaluationRun
from labelplatform.evaluations.queries import finished_evaluations_of, subjects_of
from labelplatform.jobs.models import Artifact
from labelplatform.snapshots.models import Snapshot

SUITES = {"hallucination-open-domain": "closed-book", "reward-agreement": "pairwise"}


class EvaluationForm(forms.Form):
    """One suite, one subject."""

    name = forms.CharField(label=_("Name"), max_length=120)
    suite = forms.ChoiceField(
        label=_("Suite"),
        choices=[
            ("hallucination-open-domain", _("Hallucination, open domain (closed-book questions)")),
            ("reward-agreement", _("Agreement of a reward model with held-out rankings")),
        ],
    )
    subject = forms.ModelChoiceField(
        label=_("Subject"),
        queryset=Artifact.objects.none(),
        empty_label=None,
        help_text=_("Who is measured."),
    )
    questions = forms.ModelChoiceField(
        label=_("Questions"),
        queryset=Artifact.objects.none(),
        required=False,
        empty_label=_("none"),
        help_text=_("Questions with reference answers; a reward model brings its own held-out rankings."),
    )
    seed = forms.IntegerField(label=_("Seed"), min_value=0, max_value=2**31 - 1, initial=0)

    def __init__(self, project: Project, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        _offer(self, "subject", subjects_of(project))
        _offer(
            self,
            "questions",
            Artifact.objects.filter(project=project, kind=Artifact.Kind.QUESTIONS).order_by("-pk"),
        )

    def clean(self) -> dict[str, Any]:
        """Closed-book questions without questions cannot be asked."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("suite") == "hallucination-open-domain" and not cleaned.get("questions"):
            self.add_error("questions", _("This suite needs questions with reference answers."))
        return cleaned

    def asked(self) -> dict[str, Any]:
        """The arguments of `start_evaluation` that the form decides."""
        told = dict(self.cleaned_data)
        questions = told.pop("questions")
        return {**told, "data": questions, "variant": SUITES[told["suite"]]}


class ComparisonForm(forms.Form):
    """Two finished evaluations of the same questions."""

    baseline = forms.ModelChoiceField(
        label=_("Baseline"), queryset=EvaluationRun.objects.none(), empty_label=None
    )
    candidate = forms.ModelChoiceField(
        label=_("Candidate"), queryset=EvaluationRun.objects.none(), empty_label=None
    )
    follow = forms.BooleanField(
        label=_("Also compare every later evaluation of these questions with this baseline"),
        required=False,
        help_text=_("Each new report of the same suite and questions is compared as soon as it is there."),
    )

    def __init__(self, project: Project, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("baseline", "candidate"):
            _offer(self, name, finished_evaluations_of(project))


class LeaderboardForm(forms.Form):
    """Ratings from the rankings of a snapshot."""

    snapshot = forms.ModelChoiceField(label=_("Snapshot"), queryset=Snapshot.objects.none(), empty_label=None)

    def __init__(self, project: Project, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        _offer(self, "snapshot", Snapshot.objects.filter(project=project, artifact__isnull=False))


def _offer(form: forms.Form, name: str, queryset: Any) -> None:
    """Only what this project has can be chosen."""
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = queryset
    if field.required and not queryset.exists():
        field.help_text = _("This project has none yet.")
