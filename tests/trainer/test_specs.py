"""Specs: what is accepted comes back, what is refused names key, finding and wish."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import specs
from trainer.errors import BadInput
from trainer.spec_fields import Spec
from trainer.specs import PpoSpec, PretrainSpec, RewardModelSpec, SampleSpec, SftSpec, parse_tuning

PRETRAIN: dict[str, Any] = {"texts": ["a.txt"], "out": "o", "steps": 3}
SFT: dict[str, Any] = {"demonstrations": "d.jsonl", "model": "m", "out": "o"}
SAMPLE: dict[str, Any] = {"prompts": "p.jsonl", "model": "m", "out": "r.jsonl"}
RANKS: dict[str, Any] = {"rankings": "r.jsonl", "model": "m", "out": "o"}
PPO: dict[str, Any] = {"prompts": "p.jsonl", "policy": "m", "out": "o", "reward_model": "r"}
ALL: list[tuple[type[Spec], dict[str, Any]]] = [
    (PretrainSpec, PRETRAIN),
    (SftSpec, SFT),
    (SampleSpec, SAMPLE),
    (RewardModelSpec, RANKS),
    (PpoSpec, PPO),
]


@pytest.mark.parametrize(("spec", "told"), ALL, ids=[spec.verb for spec, _ in ALL])
def test_round_trip(spec: type[Spec], told: dict[str, Any]) -> None:
    once = spec.from_json(told, "-")
    assert spec.from_json(once.to_json(), "-") == once
    assert spec.from_json({"verb": spec.verb, **told}, "-") == once


@given(
    width=st.integers(1, 16),
    heads=st.integers(1, 8),
    rate=st.floats(1e-9, 10),
    share=st.floats(0, 0.5),
    texts=st.lists(st.text(min_size=1), min_size=1),
)
def test_round_trip_of_any_pretraining(
    width: int, heads: int, rate: float, share: float, texts: list[str]
) -> None:
    told = {**PRETRAIN, "texts": texts, "learning_rate": rate, "heldout_share": share, "heads": heads}
    told["width"] = 8 * width * heads
    once = PretrainSpec.from_json(told, "-")
    assert PretrainSpec.from_json(once.to_json(), "-") == once
    assert dataclasses.asdict(once)["width"] == 8 * width * heads


REFUSED: list[tuple[type[Spec], dict[str, Any], dict[str, Any], str]] = [
    (PretrainSpec, PRETRAIN, {"texts": []}, "empty list"),
    (PretrainSpec, PRETRAIN, {"texts": "a.txt"}, "wanted a list"),
    (PretrainSpec, PRETRAIN, {"width": 130}, "even number of units"),
    (PretrainSpec, PRETRAIN, {"width": 12}, "even number of units"),
    (PretrainSpec, PRETRAIN, {"minutes": 1}, "both or neither of steps and minutes"),
    (PretrainSpec, PRETRAIN, {"steps": None}, "both or neither"),
    (PretrainSpec, PRETRAIN, {"steps": 0}, "steps: found 0, wanted a whole number, at least 1"),
    (PretrainSpec, PRETRAIN, {"steps": 2.5}, "steps: found a number 2.5, wanted a whole number"),
    (PretrainSpec, PRETRAIN, {"steps": True}, "steps: found a boolean"),
    (PretrainSpec, PRETRAIN, {"learning_rate": 0}, "more than 0"),
    (PretrainSpec, PRETRAIN, {"learning_rate": float("nan")}, "more than 0"),
    (PretrainSpec, PRETRAIN, {"learning_rate": float("inf")}, "more than 0"),
    (PretrainSpec, PRETRAIN, {"batch_tokens": 64}, "at least the context"),
    (PretrainSpec, PRETRAIN, {"tuning": "last-layers:1"}, "full"),
    (PretrainSpec, PRETRAIN, {"colour": "red"}, "unknown key 'colour'"),
    (PretrainSpec, PRETRAIN, {"verb": "sft"}, "wanted pretrain"),
    (PretrainSpec, PRETRAIN, {"precision": "float8"}, "wanted one of float32, bfloat16"),
    (SftSpec, SFT, {"tuning": "lora:x"}, "lora:R with R at least 1"),
    (SftSpec, SFT, {"tuning": "last-layers:0"}, "N at least 1"),
    (SftSpec, SFT, {"tuning": "some"}, "full, last-layers:N, frozen-layers:N"),
    (SftSpec, SFT, {"keep_checkpoints": 0}, "keep_checkpoints: found 0"),
    (SampleSpec, SAMPLE, {"top_p": 0}, "more than 0"),
    (SampleSpec, SAMPLE, {"temperature": -1}, "at least 0"),
    (SampleSpec, SAMPLE, {"beams": 4}, "comes with the trainer issue"),
    (SampleSpec, SAMPLE, {"template": "qa"}, "comes with the trainer issue"),
    (RewardModelSpec, RANKS, {"loss": "hinge"}, "wanted one of pairwise, plackett-luce"),
    (PpoSpec, PPO, {"reward_model": None}, "reward"),
    (PpoSpec, PPO, {"pretraining_coefficient": 1.0}, "pretraining"),
]


@pytest.mark.parametrize(("spec", "told", "changes", "wanted"), REFUSED, ids=[str(row[2]) for row in REFUSED])
def test_refused(spec: type[Spec], told: dict[str, Any], changes: dict[str, Any], wanted: str) -> None:
    with pytest.raises(BadInput) as refusal:
        spec.from_json({**told, **changes}, "run.json")
    assert str(refusal.value).startswith("run.json: ")
    assert wanted in str(refusal.value)


@pytest.mark.parametrize(("spec", "told"), ALL, ids=[spec.verb for spec, _ in ALL])
def test_missing_keys_are_named(spec: type[Spec], told: dict[str, Any]) -> None:
    for key in told:
        if key in {"steps", "reward_model"}:
            continue
        with pytest.raises(BadInput, match=f"{key}: not given"):
            spec.from_json({name: value for name, value in told.items() if name != key}, "-")


def test_parse_tuning() -> None:
    assert parse_tuning("full") == ("full", 0)
    assert parse_tuning("last-layers:4") == ("last-layers", 4)
    assert parse_tuning("frozen-layers:26") == ("frozen-layers", 26)
    assert parse_tuning("lora:8") == ("lora", 8)
    for wrong in (
        "full:1",
        "lora",
        "lora:0",
        "last-layers",
        "last-layers:-1",
        "last-layers:x",
        "",
        "frozen-layers:1.5",
    ):
        with pytest.raises(ValueError, match="wanted full"):
            parse_tuning(wrong)


def test_every_field_says_what_it_is() -> None:
    found = [
        one for one in vars(specs).values() if isinstance(one, type) and issubclass(one, Spec) and one.verb
    ]
    assert len(found) >= 8
    for spec in found:
        for entry in spec.fields():
            assert len(entry.flag.help) > 5, (spec.verb, entry.name)
