"""Strings of the start forms as typed values. What fits together is checked again by the services."""

from collections.abc import Callable
from typing import Any, get_args

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from evaluator.specs import Precision, Prompting
from evaluator.truthfulqa.prompts import PROMPTS
from evaluator.truthfulqa.questions import Edition
from labelplatform.accounts.models import Project
from labelplatform.evaluations import suites
from labelplatform.evaluations.models import EvaluationRun
from labelplatform.evaluations.queries import finished_evaluations_of, subjects_of
from labelplatform.jobs.models import Artifact
from labelplatform.prompts.lines import UPLOAD_LIMIT_BYTES
from labelplatform.prompts.models import PromptSet
from labelplatform.snapshots.models import Snapshot

Kind = Artifact.Kind
# What a flag names is an artifact of this kind.
FILE_KINDS = {
    "corpus": Kind.CORPUS,
    "knowledge": Kind.CORPUS,
    "training_text": Kind.CORPUS,
    "labels": Kind.SNAPSHOT,
    "scorer": Kind.BASE_MODEL,
}
# Fields that stand beside "how it is asked" only when somebody looks for them.
FOLDED = (
    "paths", "samples", "k", "temperatures", "temperature", "max_new_tokens", "batch_size", "precision", "knowledge",
    "training_text", "labels",
)  # fmt: skip


class NumbersField(forms.CharField):
    """Numbers parted by commas; [] for nothing."""

    def __init__(self, *, number: Callable[[str], float], **options: Any) -> None:
        super().__init__(max_length=100, **options)
        self.number = number

    def clean(self, value: Any) -> list[float]:
        """Each number, in the order told."""
        told = [one.strip() for one in super().clean(value).split(",") if one.strip()]
        try:
            return [self.number(one) for one in told]
        except ValueError as error:
            raise ValidationError(_("Write numbers, parted by commas.")) from error


class EvaluationForm(forms.Form):
    """One suite of one subject: the fields that the suite has, and no other."""

    name = forms.CharField(label=_("Name"), max_length=120)
    suite = forms.CharField(widget=forms.HiddenInput)
    subject = forms.ModelChoiceField(
        label=_("Subject"),
        queryset=Artifact.objects.none(),
        empty_label=None,
        help_text=_("Who is measured."),
    )
    variant = forms.ChoiceField(label=_("Variant"), required=False, widget=forms.RadioSelect)
    questions = forms.ModelChoiceField(
        label=_("Questions"), queryset=Artifact.objects.none(), required=False, empty_label=_("none")
    )
    prompt_set = forms.ModelChoiceField(
        label=_("or a prompt set"),
        queryset=PromptSet.objects.none(),
        required=False,
        empty_label=_("none"),
        help_text=_("Its prompts as they stand now."),
    )
    file = forms.FileField(label=_("or a file"), required=False, max_length=200)
    limit = forms.IntegerField(
        label=_("At most so many items"), min_value=1, required=False, help_text=_("Empty: all of them.")
    )
    prompt = forms.ChoiceField(
        label=_("Prompt"),
        required=False,
        choices=[(name, name) for name in PROMPTS],
        help_text=_("TruthfulQA's own prompts by name."),
    )
    edition = forms.ChoiceField(
        label=_("Edition"),
        required=False,
        choices=[("", _("the variant's own")), *((year, year) for year in get_args(Edition))],
        help_text=_("817 questions (2021) or 790 (2025), where no questions are given."),
    )
    prompting = forms.ChoiceField(
        label=_("Prompting"),
        required=False,
        choices=[(name, name) for name in get_args(Prompting)],
        help_text=_("plain, with examples, with reasons, step by step, or a majority of several answers"),
    )
    shots = forms.IntegerField(
        label=_("Examples before each question"), min_value=0, max_value=64, required=False,
        help_text=_("Empty: as many as the way of prompting has by itself."),
    )  # fmt: skip
    paths = forms.IntegerField(
        label=_("Answers that vote"), min_value=1, max_value=64, required=False,
        help_text=_("Of self-consistency."),
    )  # fmt: skip
    samples = forms.IntegerField(label=_("Further answers"), min_value=1, max_value=64, required=False)
    k = NumbersField(
        label=_("k of pass@k"),
        number=int,
        required=False,
        help_text=_("Whole numbers, parted by commas; empty: 1."),
    )
    temperatures = NumbersField(
        label=_("Temperatures"), number=float, required=False,
        help_text=_("Parted by commas: as many programs at each; empty: the one temperature."),
    )  # fmt: skip
    temperature = forms.FloatField(
        label=_("Temperature"), min_value=0, max_value=5, required=False,
        help_text=_("0 takes the likeliest token."),
    )  # fmt: skip
    max_new_tokens = forms.IntegerField(
        label=_("Longest answer (tokens)"), min_value=1, max_value=4096, required=False,
        help_text=_("Empty: the suite's own."),
    )  # fmt: skip
    corpus = forms.ModelChoiceField(
        label=_("Corpus"), queryset=Artifact.objects.none(), required=False, empty_label=_("none"),
        help_text=_("Passages that facts are looked up in."),
    )  # fmt: skip
    scorer = forms.ModelChoiceField(
        label=_("Scorer"), queryset=Artifact.objects.none(), required=False, empty_label=_("none"),
        help_text=_("An NLI model's folder; only variants that say so need one."),
    )  # fmt: skip
    batch_size = forms.IntegerField(
        label=_("Batch size"), min_value=1, max_value=512, required=False, help_text=_("Changes no figure.")
    )
    precision = forms.ChoiceField(
        label=_("Precision"), required=False, choices=[(name, name) for name in get_args(Precision)]
    )
    knowledge = forms.ModelChoiceField(
        label=_("Knowledge"), queryset=Artifact.objects.none(), required=False, empty_label=_("none"),
        help_text=_("Passages of which the best are put before a question (retrieval)."),
    )  # fmt: skip
    labels = forms.ModelChoiceField(
        label=_("People's spans"), queryset=Artifact.objects.none(), required=False, empty_label=_("none"),
        help_text=_("A snapshot with hallucination spans of the same answers: adds how well support tells them."),
    )  # fmt: skip
    training_text = forms.ModelChoiceField(
        label=_("Text it was trained on"), queryset=Artifact.objects.none(), required=False,
        empty_label=_("none"), help_text=_("Says which items stand in it."),
    )  # fmt: skip
    seed = forms.IntegerField(label=_("Seed"), min_value=0, max_value=2**31 - 1, initial=0)

    def __init__(self, project: Project, offer: suites.SuiteOffer, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.offer = offer
        self.fields["suite"].initial = offer.name
        variants = self.fields["variant"]
        assert isinstance(variants, forms.ChoiceField)
        variants.choices = [(one.name, f"{one.name}: {one.title}") for one in offer.variants]
        variants.initial = offer.variants[0].name
        _offer(self, "subject", subjects_of(project).filter(kind__in=offer.subjects))
        _offer(
            self, "questions", Artifact.objects.filter(project=project, kind=Kind.QUESTIONS).order_by("-pk")
        )
        _offer(self, "prompt_set", PromptSet.objects.filter(project=project).order_by("-pk"))
        for name, kind in FILE_KINDS.items():
            _offer(self, name, Artifact.objects.filter(project=project, kind=kind).order_by("-pk"))
        self._leave_out()

    def _leave_out(self) -> None:
        """The suite's own fields stay."""
        always = {"name", "suite", "subject", "variant", "seed", "limit"}
        data = set() if self.offer.data == "none" else {"questions", "prompt_set", "file"}
        wanted = always | data | set(self.offer.all_fields())
        for name in [name for name in self.fields if name not in wanted]:
            del self.fields[name]
        if data:
            self.fields["questions"].help_text = str(self.offer.data_help)

    @property
    def shown_first(self) -> list[forms.BoundField]:
        """Fields that everybody sees."""
        return [field for field in self.visible_fields() if field.name not in FOLDED]

    @property
    def folded(self) -> list[forms.BoundField]:
        """Fields for whoever looks for them."""
        return [field for field in self.visible_fields() if field.name in FOLDED]

    def clean_file(self) -> Any:
        """The upload, if it is small enough for the browser."""
        upload = self.cleaned_data["file"]
        if upload is not None and upload.size > UPLOAD_LIMIT_BYTES:
            raise ValidationError(_("This file is too large for the browser: import it in parts."))
        return upload

    def clean(self) -> dict[str, Any]:
        """Questions once, where the suite wants them; what a variant needs, and whom it can ask."""
        cleaned = super().clean() or self.cleaned_data
        given = [name for name in ("questions", "prompt_set", "file") if cleaned.get(name)]
        if len(given) > 1:
            self.add_error(given[1], _("Give questions once: as stored, as a prompt set or as a file."))
        subject = cleaned.get("subject")
        own = subject is not None and subject.kind == Kind.RESPONSES and self.offer is not suites.CODE
        if self.offer.data == "needed" and not given and not own:
            self.add_error("questions", _("This suite needs questions."))
        variant = self.offer.variant(cleaned.get("variant", ""))
        if variant is None:
            return cleaned
        for name in variant.needs:
            if not cleaned.get(name):
                self.add_error(name, _("This variant needs it."))
        if subject is not None and variant.subjects and subject.kind not in variant.subjects:
            self.add_error("subject", _("This variant scores given answers: it needs a model."))
        return cleaned

    def asked(self) -> dict[str, Any]:
        """The arguments of `start_evaluation` that the form decides, less the questions."""
        told, variant = self.cleaned_data, self.offer.variant(self.cleaned_data.get("variant", ""))
        assert variant is not None
        files = {name: told[name] for name in FILE_KINDS if told.get(name)}
        return {
            "name": told["name"],
            "suite": self.offer.name,
            "variant": variant.name,
            "subject": told["subject"],
            "seed": told["seed"],
            "files": files,
            **self._flags(),
        }

    def _flags(self) -> dict[str, Any]:
        """Flags that were told and say more than nothing: what stands at its default is left to the evaluator."""
        usual = {"prompting": "plain", "precision": "float32", "prompt": "qa", "temperature": 0}
        names = (
            "limit", "prompt", "edition", "prompting", "shots", "paths", "samples", "k", "temperatures", "temperature",
            "max_new_tokens", "batch_size", "precision",
        )  # fmt: skip
        told = {name: self.cleaned_data.get(name) for name in names}
        return {
            name: value
            for name, value in told.items()
            if value not in (None, "", []) and value != usual.get(name)
        }


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
