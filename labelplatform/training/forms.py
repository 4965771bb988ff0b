"""The forms that start a run: inputs chosen among what the project has, settings made from the run's own spec.

What fits together is asked of the spec itself, here for an error at the field and again by the services.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from labelplatform.accounts.models import Project
from labelplatform.jobs.models import Artifact
from labelplatform.jobs.queries import artifacts_of
from labelplatform.prompts.models import PromptSet
from labelplatform.snapshots.models import Snapshot
from labelplatform.training import command_lines, spec_words
from labelplatform.training.setting_fields import form_field, told_setting
from labelplatform.training.spec_words import Words
from trainer.estimate.devices import DEVICES
from trainer.estimate.specs import EstimateSpec
from trainer.spec_fields import REQUIRED, FieldOfSpec
from trainer.specs import ENSEMBLE

Kind = Artifact.Kind
MODELS = (Kind.POLICY, Kind.BASE_MODEL)
DEMONSTRATIONS = "demonstrations.jsonl"
GRADES = "evaluator.metrics.closed_book:grades"
# A checkpoint that lost more of the share right than this is not kept, whatever its grade: it bought by forgetting.
KEEP_BOUND = "right:0.05"


@dataclass(frozen=True)
class Folded:
    """Fields that are folded away; open where one of them is refused or says something already."""

    title: Words
    fields: tuple[forms.BoundField, ...]
    open: bool


class StartForm(forms.Form):
    """What all runs are asked: a name, inputs (declared by each form), and the settings of the spec."""

    VERB: ClassVar[str]
    # Inputs that most runs do without: the first group that is folded away.
    MORE: ClassVar[tuple[str, ...]] = ()
    # What a setting begins with on the form, and what holds when nothing is said, where that is not the spec's default.
    BEGINS: ClassVar[Mapping[str, Any]] = {}
    HOLDS: ClassVar[Mapping[str, Any]] = {}

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("What it makes will be called so."))

    def __init__(self, project: Project, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.project = project
        self.offer(project)
        self.offered = offered(self.VERB)
        for name, entry in self.offered.items():
            begins = self.BEGINS.get(name, REQUIRED)
            self.fields[name] = form_field(self.VERB, entry, default=begins, most=spec_words.MOST.get(name))

    def offer(self, project: Project) -> None:
        """Fills the choices of the inputs with what the project has."""
        raise NotImplementedError

    def roles(self) -> dict[str, Sequence[Any]]:
        """What is given for each role of the verb, as far as it is chosen."""
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """The settings that say something: written, and not what holds anyway."""
        return {
            name: value
            for name, entry in self.offered.items()
            if told_setting(entry, value := self.cleaned_data.get(name), self.HOLDS.get(name, REQUIRED))
        }

    def chosen(self, *names: str) -> list[Any]:
        """What is chosen under these names, in order, each once."""
        found: dict[Any, Any] = {}
        for name in names:
            value = self.cleaned_data.get(name)
            several = [value] if isinstance(value, Artifact | Snapshot | PromptSet) else value or ()
            found.update({one.pk: one for one in several})
        return list(found.values())

    def clean(self) -> dict[str, Any]:
        """Asks the spec whether all of it fits together; a name may still be missing."""
        cleaned = super().clean() or self.cleaned_data
        if set(self.errors) <= {"name"}:
            given = {role: ["-"] * len(listed) for role, listed in self.roles().items() if listed}
            try:
                command_lines.validate(self.VERB, {"name": "-", "inputs": given, "settings": self.settings()})
            except ValidationError as error:
                said = " ".join(error.messages).removeprefix(f"{self.VERB}: ")
                words = gettext("This does not fit together: %(said)s.") % {"said": said}
                self.add_error(self.place_of(said), words)
        return cleaned

    def place_of(self, said: str) -> str | None:
        """The field that an error of the spec names first, or none."""
        places = {
            found.start(): name
            for name in self.fields
            if (found := re.search(rf"(?<![\w-]){name.replace('_', '[_-]')}(?![\w-])", said))
        }
        return places[min(places)] if places else None

    def inputs(self) -> Iterator[forms.BoundField]:
        """The name and the inputs that every such run has."""
        return (self[name] for name in self.fields if name not in {*self.offered, *self.MORE})

    def open_settings(self) -> Iterator[forms.BoundField]:
        """The settings one looks at first."""
        names = spec_words.OPEN[self.VERB]
        return (self[name] for name in names if name in self.fields)

    def folded(self) -> list[Folded]:
        """Everything else, by group; what no group names stands in the last one."""
        left = [name for name in self.offered if name not in {*spec_words.OPEN[self.VERB], *self.MORE}]
        groups: list[tuple[Words, list[str]]] = [
            (_("More inputs"), [name for name in self.MORE if name in self.fields])
        ]
        for group in spec_words.GROUPS:
            groups.append((group.title, [name for name in group.names if name in left]))
        named = {name for _title, names in groups for name in names}
        groups.append((spec_words.FURTHER.title, [name for name in left if name not in named]))
        return [self._folded(title, names) for title, names in groups if names]

    def _folded(self, title: Words, names: Iterable[str]) -> Folded:
        fields = tuple(self[name] for name in names)
        told = self.is_bound and any(field.name in self.changed_data for field in fields)
        return Folded(title, fields, told or any(field.errors for field in fields))


class PretrainForm(StartForm):
    """A language model from nothing but text, or one that goes on reading."""

    VERB = "pretrain"
    MORE = ("model",)
    BEGINS = {"steps": 500}

    corpus = forms.ModelMultipleChoiceField(
        label=_("Text"),
        queryset=Artifact.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("All texts chosen are read together; a share of their documents is held out."),
    )
    model = forms.ModelChoiceField(
        label=_("Goes on from"),
        queryset=Artifact.objects.none(),
        required=False,
        help_text=_("Its shape and tokenizer stay; without one the model begins from nothing."),
    )

    def offer(self, project: Project) -> None:
        _choices(self.fields["corpus"], texts_of(project))
        _choices(self.fields["model"], artifacts_of(project, *MODELS))

    def roles(self) -> dict[str, Sequence[Any]]:
        return {"texts": self.chosen("corpus"), "model": self.chosen("model")}


class SftForm(StartForm):
    """A model taught by demonstrations."""

    VERB = "sft"

    demonstrations = forms.ModelChoiceField(label=_("Demonstrations"), queryset=Artifact.objects.none())
    model = forms.ModelChoiceField(
        label=_("Starts from"),
        queryset=Artifact.objects.none(),
        help_text=_("The language model whose weights it begins with."),
    )

    def offer(self, project: Project) -> None:
        _choices(self.fields["demonstrations"], demonstrations_of(project))
        _choices(self.fields["model"], artifacts_of(project, *MODELS))

    def roles(self) -> dict[str, Sequence[Any]]:
        return {"demonstrations": self.chosen("demonstrations"), "model": self.chosen("model")}


class RewardModelForm(StartForm):
    """A reward model from a snapshot."""

    VERB = "reward-model"
    MORE = ("demonstrations",)
    # As the service says unless told: what people saw and ranked is an answer, also where it is empty.
    BEGINS = HOLDS = {"empty_responses": "keep"}

    snapshot = forms.ModelChoiceField(label=_("Snapshot"), queryset=Snapshot.objects.none())
    model = forms.ModelChoiceField(
        label=_("Starts from"),
        queryset=Artifact.objects.none(),
        help_text=_("The language model whose weights it begins with."),
    )
    demonstrations = forms.ModelChoiceField(
        label=_("Demonstrations"),
        queryset=Artifact.objects.none(),
        required=False,
        help_text=_("Their mean score is set to 0; without them that of the best answers is."),
    )

    def offer(self, project: Project) -> None:
        _choices(self.fields["snapshot"], Snapshot.objects.filter(project=project, artifact__isnull=False))
        _choices(self.fields["model"], artifacts_of(project, *MODELS))
        _choices(self.fields["demonstrations"], demonstrations_of(project))

    def roles(self) -> dict[str, Sequence[Any]]:
        return {
            "rankings": [snapshot.artifact for snapshot in self.chosen("snapshot")],
            "model": self.chosen("model"),
            "demonstrations": self.chosen("demonstrations"),
        }


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


class PpoForm(StartForm):
    """PPO on a prompt set. Rewards that are programs or functions are for the command line, never for a form."""

    VERB = "ppo"
    MORE = (
        "more_reward_models",
        "heldout_reward_model",
        "pretraining_text",
        "pretraining_coefficient",
        "validation",
    )
    BEGINS = HOLDS = {"keep_best": "grade", "keep_bound": KEEP_BOUND}

    prompt_set = forms.ModelChoiceField(label=_("Prompts"), queryset=PromptSet.objects.none())
    policy = forms.ModelChoiceField(label=_("Policy"), queryset=Artifact.objects.none())
    reward_model = RewardModelChoice(label=_("Reward model"), queryset=Artifact.objects.none())
    more_reward_models = forms.ModelMultipleChoiceField(
        label=_("More reward models"),
        queryset=Artifact.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Their scores are summed by weight unless told otherwise under “Scores and ensembles”."),
    )
    heldout_reward_model = RewardModelChoice(
        label=_("Held-out reward model"),
        queryset=Artifact.objects.none(),
        required=False,
        help_text=_("It is not trained on: where its scores part from the others', the policy games them."),
    )
    pretraining_text = forms.ModelChoiceField(
        label=_("Pretraining text"),
        queryset=Artifact.objects.none(),
        required=False,
        help_text=_("Mixed into each step, so that the policy does not forget."),
    )
    validation = forms.ModelChoiceField(
        label=_("Validation questions"),
        queryset=Artifact.objects.none(),
        required=False,
        help_text=_("With them the best checkpoint by held-out grade is kept, else the last one."),
    )

    def offer(self, project: Project) -> None:
        _choices(self.fields["prompt_set"], PromptSet.objects.filter(project=project))
        _choices(self.fields["policy"], artifacts_of(project, *MODELS))
        for name in ("reward_model", "more_reward_models", "heldout_reward_model"):
            _choices(self.fields[name], artifacts_of(project, Kind.REWARD_MODEL))
        _choices(self.fields["pretraining_text"], texts_of(project))
        _choices(self.fields["validation"], artifacts_of(project, Kind.QUESTIONS))

    def roles(self) -> dict[str, Sequence[Any]]:
        """The prompts are still a set: it becomes an artifact when the run starts."""
        return {
            "prompts": self.chosen("prompt_set"),
            "policy": self.chosen("policy"),
            "reward_model": self.chosen("reward_model", "more_reward_models"),
            "heldout_reward_model": self.chosen("heldout_reward_model"),
            "pretraining_text": self.chosen("pretraining_text"),
            "validation": self.chosen("validation"),
        }

    def clean(self) -> dict[str, Any]:
        """Refuses an ensemble of one too, which the trainer sees only when it opens the folder."""
        cleaned = super().clean()
        models = self.chosen("reward_model", "more_reward_models")
        several = len(models) > 1 or any((one.path / ENSEMBLE).is_file() for one in models)
        if cleaned.get("reward_ensemble", "sum") not in ("", "sum") and not several:
            self.add_error("reward_ensemble", _("Choose two reward models or more, or an ensemble."))
        return cleaned

    def settings(self) -> dict[str, Any]:
        told = super().settings()
        if not self.chosen("pretraining_text"):
            told.pop("pretraining_coefficient", None)
        if self.chosen("validation"):
            return {**self.HOLDS, **told, "validation_function": GRADES}
        return told


class AssumptionsForm(forms.Form):
    """What an estimate assumes of the machine: the fields of `trainer estimate`, without the run it is of."""

    prefix = "estimate"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        entries = {entry.name: entry for entry in EstimateSpec.fields() if entry.name not in ("run", "out")}
        for name, entry in entries.items():
            self.fields[name] = form_field("estimate", entry)
        about = self.fields["device"]
        words = {"label": about.label, "help_text": about.help_text, "initial": about.initial}
        self.fields["device"] = forms.ChoiceField(
            **words, required=False, choices=[(name, name) for name in DEVICES]
        )
        self._entries = entries

    def told(self) -> dict[str, Any]:
        """What is assumed beside the defaults of the command."""
        return {
            name: value
            for name, entry in self._entries.items()
            if told_setting(entry, value := self.cleaned_data.get(name))
        }


START_FORMS: Mapping[str, type[StartForm]] = {
    form.VERB: form for form in (PretrainForm, SftForm, RewardModelForm, PpoForm)
}


def offered(verb: str) -> dict[str, FieldOfSpec]:
    """The settings of a verb that a form may name."""
    settings = command_lines.VERBS[verb].settings()
    return {name: entry for name, entry in settings.items() if name not in spec_words.FOR_THE_COMMAND_LINE}


def texts_of(project: Project) -> Any:
    """Corpora of plain text, newest first."""
    found = artifacts_of(project, Kind.CORPUS)
    return found.exclude(pk__in=[one.pk for one in found if DEMONSTRATIONS in _files(one)])


def demonstrations_of(project: Project) -> Any:
    """What holds demonstrations: files that were brought along, and snapshots of those that people wrote."""
    found = artifacts_of(project, Kind.CORPUS, Kind.SNAPSHOT)
    holding = [
        one.pk for one in found if DEMONSTRATIONS in _files(one) or (one.path / DEMONSTRATIONS).is_file()
    ]
    return found.filter(pk__in=holding)


def _files(artifact: Artifact) -> Sequence[str]:
    return artifact.detail.get("files") or ()


def _choices(field: forms.Field, queryset: Any) -> None:
    """Only what this project has; the newest is chosen already, unless choosing nothing is allowed."""
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = queryset
    if not isinstance(field, forms.ModelMultipleChoiceField):
        field.empty_label = _("none") if not field.required else None
    if field.required and not queryset.exists():
        field.help_text = _("This project has none yet.")
