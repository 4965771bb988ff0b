"""The form of a run is its spec: every setting, with the spec's bounds, choices, default and help."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from labelplatform.accounts.models import Project, User
from labelplatform.training import command_lines, forms, spec_words
from labelplatform.training.forms import START_FORMS, AssumptionsForm, StartForm
from labelplatform.training.setting_fields import bounds_of, form_field, help_of, told_setting
from trainer import cli
from trainer.estimate.specs import EstimateSpec
from trainer.spec_fields import FieldOfSpec, Flag, flag
from trainer.specs import PpoSpec, PretrainSpec, SftSpec

Browser = Callable[[User], Client]


def field_of(verb: str, name: str) -> FieldOfSpec:
    return command_lines.VERBS[verb].settings()[name]


@pytest.mark.parametrize("verb", START_FORMS)
def test_a_form_has_every_setting_but_those_that_name_code(project: Project, verb: str) -> None:
    form = START_FORMS[verb](project)
    wanted = set(command_lines.VERBS[verb].settings())
    code = {"reward_function", "reward_program", "validation_function"}
    assert set(form.offered) == wanted - code
    assert not code & set(form.fields)


@pytest.mark.parametrize("verb", START_FORMS)
def test_every_field_stands_on_the_page_once(project: Project, verb: str) -> None:
    form = START_FORMS[verb](project)
    shown = [*form.inputs(), *form.open_settings()]
    shown += [field for group in form.folded() for field in group.fields]
    assert sorted(field.name for field in shown) == sorted(form.fields)


@dataclass(frozen=True, kw_only=True)
class NewerSpec(PretrainSpec):
    """A spec with a field that no form was told of."""

    verb: ClassVar[str] = "pretrain"
    surprise: float = flag(0.5, help="how much is left open", minimum=0, maximum=1)


def test_a_new_field_of_a_spec_is_on_form_and_command_line(
    sign_in: Browser, rosa: User, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = replace(command_lines.VERBS["pretrain"], spec=NewerSpec)
    monkeypatch.setitem(command_lines.VERBS, "pretrain", newer)
    monkeypatch.setitem(cli.VERBS, "pretrain", replace(cli.VERBS["pretrain"], spec=NewerSpec))
    form = forms.PretrainForm(project)
    assert form.folded()[-1].title == spec_words.FURTHER.title
    assert [field.name for field in form.folded()[-1].fields] == ["surprise"]
    page = sign_in(rosa).get("/p/harbour/training/pretrain/").content.decode()
    assert "How much is left open (0 to 1)" in page
    assert cli.parser().parse_args(["pretrain", "a.txt", "--surprise", "0.25"]).surprise == 0.25


@pytest.mark.parametrize("verb", [*START_FORMS, "estimate"])
def test_every_setting_has_words_of_its_own(verb: str) -> None:
    names = [entry.name for entry in EstimateSpec.fields() if entry.name not in ("run", "out")]
    if verb != "estimate":
        names = list(forms.offered(verb))
    assert [n for n in names if not {f"{verb}.{n}", n} & set(spec_words.LABELS)] == []


def test_a_setting_without_words_goes_by_its_name() -> None:
    assert str(spec_words.label_of("sft", "no_such_field")) == "No such field"
    assert spec_words.label_of("ppo", "epochs") != spec_words.label_of("sft", "epochs")


@pytest.mark.parametrize(
    ("verb", "name", "refused", "taken"),
    [
        ("sft", "learning_rate", 0, 1e-9),
        ("sft", "warmup_share", 1, 0.999),
        ("sft", "warmup_share", -0.1, 0),
        ("ppo", "discount", 1.01, 1),
        ("ppo", "updates", -1, 0),
        ("pretrain", "layers", 129, 128),
        ("pretrain", "vocabulary", 269, 270),
        ("pretrain", "layers", 1.5, 1),
        ("ppo", "loss_mean", "word", "token"),
    ],
)
def test_the_bounds_are_those_of_the_spec(verb: str, name: str, refused: object, taken: object) -> None:
    field = form_field(verb, field_of(verb, name))
    with pytest.raises(ValidationError):
        field.clean(str(refused))
    assert field.clean(str(taken)) == taken


def test_a_bound_of_the_site_is_below_that_of_the_spec() -> None:
    entry = field_of("sft", "learning_rate")
    assert form_field("sft", entry).clean("0.5") == 0.5
    with pytest.raises(ValidationError):
        form_field("sft", entry, most=0.1).clean("0.5")
    assert bounds_of(entry, 0.1) == ["more than 0", "at most 0.1"]


def test_help_is_the_specs_own_in_the_readers_language() -> None:
    entry = field_of("pretrain", "layers")
    assert help_of(entry) == "Layers of the model (1 to 128)"
    with override("zh-hans"):
        assert help_of(entry) == "模型的层数（1 至 128）"
    assert help_of(field_of("sft", "warmup_share")).endswith("(at least 0, less than 1)")
    assert "(" not in help_of(field_of("ppo", "whiten_rewards"))
    assert help_of(field_of("ppo", "tuning")).startswith("full, ")
    assert help_of(field_of("ppo", "seed"), 2**31 - 1) == "Seed of every random choice (at least 0)"


def test_switches_are_told_only_where_they_turn_something() -> None:
    entry = field_of("sft", "packing")
    field = form_field("sft", entry)
    assert (field.clean("yes"), field.clean("no"), field.clean("")) == (True, False, None)
    assert field.initial == "yes"
    assert form_field("ppo", field_of("ppo", "watch_stop")).initial == "no"
    assert told_setting(entry, False)
    assert not told_setting(entry, True)
    assert not told_setting(entry, None)


def test_zero_says_something_and_nothing_does_not() -> None:
    entry = field_of("ppo", "baseline_n")
    assert told_setting(entry, 0)
    assert not told_setting(entry, 8)
    assert told_setting(entry, 8, 4)
    assert not told_setting(field_of("ppo", "reward_weights"), [])
    assert told_setting(field_of("ppo", "reward_weights"), [1.0])


def test_numbers_are_read_with_blanks_or_commas() -> None:
    field = form_field("ppo", field_of("ppo", "reward_weights"))
    assert field.clean("1, 0.5 2") == [1.0, 0.5, 2.0]
    assert field.clean("") == []
    with pytest.raises(ValidationError, match="numbers"):
        field.clean("1 and 2")


@pytest.mark.parametrize("written", ["lora", "lora:0", "some", "last-layers:-1", "full:2x"])
def test_tuning_is_refused_at_its_field(written: str) -> None:
    field = form_field("sft", field_of("sft", "tuning"))
    with pytest.raises(ValidationError, match="lora:R"):
        field.clean(written)
    assert field.clean("lora:8") == "lora:8"
    assert field.clean("") == ""


def test_a_choice_that_may_stay_open_offers_nothing() -> None:
    entry = FieldOfSpec("mode", Flag(help="a mode", choices=("a", "b")), str, False, True, None)
    field = form_field("sft", entry)
    assert (field.clean(""), field.clean("b")) == ("", "b")


@given(st.integers(1, 128), st.floats(1e-8, 0.1), st.booleans())
def test_what_a_form_takes_the_spec_takes(layers: int, rate: float, packing: bool) -> None:
    """Round trip of written values: what passes the fields is what `from_json` is given and keeps."""
    told = {
        name: form_field(verb, field_of(verb, name)).clean(written)
        for verb, name, written in (
            ("pretrain", "layers", str(layers)),
            ("pretrain", "learning_rate", repr(rate)),
            ("sft", "packing", "yes" if packing else "no"),
        )
    }
    spec = PretrainSpec.from_json(
        {"texts": ["a"], "out": "o", "steps": 1} | {n: told[n] for n in ("layers", "learning_rate")}, "form"
    )
    other = SftSpec.from_json(
        {"demonstrations": "d", "model": "m", "out": "o", "packing": told["packing"]}, "form"
    )
    assert (spec.layers, spec.learning_rate, other.packing) == (layers, rate, packing)


def test_what_an_estimate_assumes_is_its_own_spec(db: None) -> None:
    form = AssumptionsForm()
    wanted = {entry.name for entry in EstimateSpec.fields()} - {"run", "out"}
    assert set(form.fields) == wanted
    told = AssumptionsForm(
        {"estimate-device": "h100", "estimate-utilisation": "0.5", "estimate-devices": "1"}
    )
    assert told.is_valid()
    assert told.told() == {"device": "h100", "utilisation": 0.5}
    assert not AssumptionsForm({"estimate-device": "abacus"}).is_valid()


def test_the_specs_of_the_forms_are_those_of_the_commands() -> None:
    assert {verb: command_lines.VERBS[verb].spec for verb in START_FORMS} == {
        verb: cli.VERBS[verb].spec for verb in START_FORMS
    }
    assert command_lines.VERBS["ppo"].spec is PpoSpec
    assert issubclass(START_FORMS["sft"], StartForm)
