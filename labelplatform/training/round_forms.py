"""Strings of the forms that begin a round as typed, bounded values. What fits together is checked by the verbs."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labelplatform.accounts.models import Project
from labelplatform.jobs.models import Artifact
from labelplatform.jobs.queries import artifacts_of
from labelplatform.prompts.models import PromptSet
from labelplatform.training.round_models import FEWEST_ANSWERS, MOST_ANSWERS, Round
from labelplatform.training.rounds import Wishes

LARGEST_SEED = 2**31 - 1
# Fields of the form by the verb and the setting that they fill.
SETTINGS = {
    "sample": {"temperature": "temperature", "max_new_tokens": "max_new_tokens"},
    "reward-model": {"reward_model_epochs": "epochs", "reward_model_learning_rate": "learning_rate"},
    "ppo": {
        "updates": "updates",
        "episodes": "episodes",
        "kl_coefficient": "kl_coefficient",
        "ppo_learning_rate": "learning_rate",
        "temperature": "temperature",
        "max_new_tokens": "max_new_tokens",
    },
}


class RoundForm(forms.Form):
    """One round: what is asked of people, and how the two models learn from it."""

    prompt_set = forms.ModelChoiceField(
        label=_("Prompts"), queryset=PromptSet.objects.none(), empty_label=None
    )
    wanted_rankings = forms.IntegerField(
        label=_("Rankings wanted"),
        min_value=1,
        max_value=1_000_000,
        initial=100,
        help_text=_("When so many are in, the campaign closes and the reward model begins."),
    )
    answers = forms.IntegerField(
        label=_("Answers to each prompt"),
        min_value=FEWEST_ANSWERS,
        max_value=MOST_ANSWERS,
        initial=4,
        help_text=_("By the newest policy. From round 1 on an answer of round 0's policy stands among them."),
    )
    overlap = forms.IntegerField(label=_("People an item"), min_value=1, max_value=50, initial=1)
    guidelines = forms.CharField(
        label=_("Guidelines"), required=False, widget=forms.Textarea(attrs={"rows": 5}), max_length=50_000
    )
    temperature = forms.FloatField(label=_("Temperature"), min_value=0.01, max_value=10, initial=1.0)
    max_new_tokens = forms.IntegerField(
        label=_("Longest answer, tokens"), min_value=1, max_value=2048, initial=32
    )
    learns_from = forms.ChoiceField(
        label=_("The reward model learns from"),
        choices=Round.LearnsFrom.choices,
        initial=Round.LearnsFrom.ALL,
    )
    older_weight = forms.FloatField(
        label=_("Weight of older rankings"),
        min_value=0.001,
        max_value=1,
        initial=1.0,
        help_text=_(
            "Of the round before, beside 1 for this one; of the one before that its square, and so on."
        ),
    )
    reward_model_start = forms.ModelChoiceField(
        label=_("The reward model starts from"), queryset=Artifact.objects.none(), empty_label=None
    )
    reward_model_epochs = forms.IntegerField(
        label=_("Epochs of the reward model"), min_value=1, max_value=50, initial=3
    )
    reward_model_learning_rate = forms.FloatField(
        label=_("Learning rate of the reward model"), min_value=1e-8, max_value=0.1, initial=1e-4
    )
    start = forms.ModelChoiceField(
        label=_("PPO starts from"),
        queryset=Artifact.objects.none(),
        required=False,
        empty_label=_("the newest policy"),
        help_text=_("The KL that ties the policy is measured from here."),
    )
    updates = forms.IntegerField(label=_("Updates"), min_value=1, max_value=10_000, initial=50)
    episodes = forms.IntegerField(label=_("Responses per update"), min_value=1, max_value=8192, initial=64)
    kl_coefficient = forms.FloatField(label=_("KL coefficient"), min_value=0, max_value=10, initial=0.05)
    ppo_learning_rate = forms.FloatField(
        label=_("Learning rate of the policy"), min_value=1e-8, max_value=0.1, initial=1e-4
    )
    seed = forms.IntegerField(label=_("Seed"), min_value=0, max_value=LARGEST_SEED, initial=0)

    def __init__(self, project: Project, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        models = artifacts_of(project, Artifact.Kind.POLICY, Artifact.Kind.BASE_MODEL)
        _offer(self, "prompt_set", PromptSet.objects.filter(project=project))
        for name in ("reward_model_start", "start", "policy"):
            if name in self.fields:
                _offer(self, name, models)

    def wishes(self) -> Wishes:
        """What the round is to do."""
        chosen = self.cleaned_data
        own = {name: chosen[name] for name in Wishes.__dataclass_fields__ if name in chosen}
        told: dict[str, dict[str, Any]] = {
            verb: {setting: chosen[name] for name, setting in named.items()}
            for verb, named in SETTINGS.items()
        }
        for verb in ("reward-model", "ppo"):
            told[verb]["seed"] = chosen["seed"]
        return Wishes(told=told, **own)


class SeriesForm(RoundForm):
    """Round 0 of a new series."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("What the rounds make is called so, with its number.")
    )
    policy = forms.ModelChoiceField(
        label=_("Policy of round 0"), queryset=Artifact.objects.none(), empty_label=None
    )

    field_order = ("name", "policy")


def as_before(row: Round) -> dict[str, Any]:
    """What a form for the next round begins with: the wishes of this one, and a seed of its own."""
    columns = (
        "prompt_set",
        "wanted_rankings",
        "answers",
        "overlap",
        "guidelines",
        "learns_from",
        "older_weight",
    )
    told = {name: getattr(row, name) for name in (*columns, "reward_model_start")}
    for verb, named in SETTINGS.items():
        settings = row.told.get(verb, {})
        told |= {name: settings[setting] for name, setting in named.items() if setting in settings}
    # Who started from a policy of their choice keeps it; who started from the newest starts from the newest again.
    start = row.start if row.start_id != row.policy_id else None
    return {**told, "start": start, "seed": min(row.seed + 1, LARGEST_SEED)}


def _offer(form: forms.Form, name: str, queryset: Any) -> None:
    """Only what this project has can be chosen."""
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = queryset
    if field.required and not queryset.exists():
        field.help_text = _("This project has none yet.")
