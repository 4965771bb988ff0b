"""Tuning: which layers learn, and adapters that are off for the reference, kept beside, and merged."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from tests.trainer.runs import command, write_world
from tests.trainer.tiny_models import tiny_model
from trainer.adapters import AdapterOff, adapted_layers, adapters_off, add_adapters, merge_adapters
from trainer.cli import main
from trainer.errors import BadInput
from trainer.ppo.reference import reference_of
from trainer.reward_model.model import load_reward_model, with_new_head
from trainer.tuning import apply_tuning, parameter_counts

VERBS = ("pretrain", "sft", "reward-model", "ppo")
IDS = torch.tensor([[9, 10, 11, 12, 13, 14]])


@pytest.mark.parametrize(
    ("tuning", "learning"),
    [
        ("full", {"embed_tokens", "layers.0", "layers.1", "layers.2", "norm"}),
        ("last-layers:1", {"layers.2", "norm"}),
        ("last-layers:3", {"layers.0", "layers.1", "layers.2", "norm"}),
        ("frozen-layers:1", {"layers.1", "layers.2", "norm"}),
    ],
)
def test_tuning_chooses_the_layers_that_learn(tuning: str, learning: set[str]) -> None:
    model = tiny_model(layers=3).model
    apply_tuning(model, tuning)
    found = set()
    for name, parameter in model.named_parameters():
        parts = name.removeprefix("model.").split(".")
        if parameter.requires_grad:
            found.add(".".join(parts[:2]) if parts[0] == "layers" else parts[0])
    assert found == learning


def test_tuning_beyond_the_layers_is_refused() -> None:
    with pytest.raises(BadInput, match="at most the model's 3 layers"):
        apply_tuning(tiny_model(layers=3).model, "last-layers:4")
    with pytest.raises(BadInput, match="lora:R with R at least 1"):
        apply_tuning(tiny_model().model, "lora:0")


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=IDS).logits
    return found


def moved(model: Any, seed: int = 0) -> Any:
    """The model after its adapters were made to differ from zero."""
    generator = torch.Generator().manual_seed(seed)
    for _, layer in adapted_layers(model):
        matrix: Any = layer.lora_B["default"].weight
        matrix.data.normal_(0.0, 0.3, generator=generator)
    return model


def test_adapters_learn_alone_and_start_as_nothing() -> None:
    model = tiny_model().model
    base = logits(model)
    add_adapters(model, 4, seed=0)
    assert torch.equal(logits(model), base)
    learning = {name.split(".")[-3] for name, one in model.named_parameters() if one.requires_grad}
    assert learning == {"lora_A", "lora_B"}
    # Seven linear layers in each of two layers, of widths 16 and 48, at rank 4 on both sides.
    assert parameter_counts(model)["trainable_parameters"] == 2 * 4 * (4 * (16 + 16) + 3 * (16 + 48))


def test_adapters_are_drawn_by_the_seed_and_move_no_other_draw() -> None:
    def drawn(seed: int) -> torch.Tensor:
        model = tiny_model().model
        add_adapters(model, 4, seed=seed)
        matrix: Any = adapted_layers(model)[0][1].lora_A["default"].weight
        weight: torch.Tensor = matrix.detach()
        return weight

    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    first = drawn(1)
    torch.manual_seed(3)
    second = drawn(1)
    assert torch.equal(first, second)
    assert not torch.equal(first, drawn(2))
    torch.manual_seed(3)
    model = tiny_model().model
    torch.manual_seed(3)
    add_adapters(model, 4, seed=1)
    assert torch.equal(torch.rand(2), wanted)


def test_the_reference_with_adapters_off_equals_the_base_model_exactly() -> None:
    base, model = tiny_model().model, tiny_model().model
    add_adapters(model, 4, seed=0)
    moved(model)
    reference = reference_of(model, "lora:4")
    assert isinstance(reference, AdapterOff)
    with torch.no_grad():
        states = reference.get_decoder()(input_ids=IDS).last_hidden_state
        found = reference.get_output_embeddings()(states)
    assert torch.equal(found, logits(base))
    assert not torch.equal(logits(model), logits(base))
    assert reference.get_output_embeddings().weight.data_ptr() == model.lm_head.weight.data_ptr()


def test_adapters_are_on_again_even_after_a_failure() -> None:
    model = tiny_model().model
    add_adapters(model, 4, seed=0)
    wanted = logits(moved(model))
    with pytest.raises(RuntimeError, match="stopped"), adapters_off(model):
        raise RuntimeError("stopped")
    assert torch.equal(logits(model), wanted)
    assert parameter_counts(model)["trainable_parameters"] > 0


def test_merged_adapters_give_the_same_outputs_in_plain_layers() -> None:
    model = tiny_model().model
    names = set(model.state_dict())
    add_adapters(model, 4, seed=0)
    wanted = logits(moved(model))
    merge_adapters(model)
    assert set(model.state_dict()) == names
    assert torch.allclose(logits(model), wanted, atol=1e-5)


def test_a_reward_models_head_learns_beside_its_adapters() -> None:
    model = with_new_head(tiny_model(), seed=0).model
    apply_tuning(model, "lora:2")
    learning = {name.split(".")[0] for name, one in model.named_parameters() if one.requires_grad}
    assert learning == {"model", "score"}
    assert not model.model.embed_tokens.weight.requires_grad


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


def started(verb: str, world: Path) -> list[str]:
    """The command of a run that starts from the policy: pretraining goes on from it."""
    return [*command(verb, world), *(["--model", str(world / "policy")] if verb == "pretrain" else [])]


@pytest.mark.parametrize("verb", VERBS)
def test_a_run_with_adapters_opens_merged_and_beside_its_base(verb: str, world: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert (
        main([*started(verb, world), "--out", str(out), "--tuning", "lora:3", "--learning-rate", "0.02"]) == 0
    )
    kind = AutoModelForSequenceClassification if verb == "reward-model" else AutoModelForCausalLM
    merged = kind.from_pretrained(out).eval()
    told = {"num_labels": 1} if verb == "reward-model" else {}
    base = kind.from_pretrained(world / "policy", **told)
    base.config.pad_token_id = 0
    beside = PeftModel.from_pretrained(base, out / "adapter").eval()
    assert torch.allclose(logits(merged), logits(beside), atol=1e-5)
    if verb != "reward-model":
        assert not torch.allclose(logits(merged), logits(kind.from_pretrained(world / "policy")), atol=1e-4)
    else:
        load_reward_model(out)
        told = json.loads((out / "adapter" / "adapter_config.json").read_text("utf-8"))
        assert told["modules_to_save"] == ["score"]
    metrics = json.loads((out / "outcome.json").read_text("utf-8"))["metrics"]
    assert 0 < metrics["trainable_parameters"] < metrics["parameters"]
    assert not any("lora" in name for name in load_file(out / "model.safetensors"))


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("tuning", "stay"), [("last-layers:1", 0), ("frozen-layers:1", 0)])
def test_layers_that_stay_are_the_same_after_a_run(
    verb: str, tuning: str, stay: int, world: Path, tmp_path: Path
) -> None:
    assert main([*started(verb, world), "--out", str(tmp_path / "out"), "--tuning", tuning]) == 0
    before, after = (
        load_file(world / "policy" / "model.safetensors"),
        load_file(tmp_path / "out" / "model.safetensors"),
    )
    shared = set(before) & set(after)
    same = {name for name in shared if torch.equal(before[name], after[name])}
    assert {name for name in shared if f"layers.{stay}." in name or "embed_tokens" in name} <= same


def test_a_policy_with_adapters_keeps_no_second_model(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main([*command("ppo", world), "--out", str(out), "--tuning", "lora:2"]) == 0
    lines = [json.loads(line) for line in (out / "progress.jsonl").read_text("utf-8").splitlines()]
    first = next(line for line in lines if "kl" in line)
    # Decoding and reading sum in another order; that its weights are the base model's own has tests of its own.
    assert abs(first["kl"]) < 1e-6
    assert any(abs(line["kl"]) > 0 for line in lines if "kl" in line)


def test_pretraining_goes_on_from_a_model_within_its_context(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*started("pretrain", world), "--out", str(tmp_path / "out"), "--context", "65"]
    assert main([*words, "--batch-tokens", "130"]) == 2
    assert "--context: found 65, wanted at most the model's 64" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
