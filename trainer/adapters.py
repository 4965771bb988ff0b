"""LoRA adapters (Hu et al. 2021) by peft: put into a model, turned off for the reference, kept, merged.

W x becomes W x + (alpha / R) B A x on every linear layer of the trunk, with A [R, in] drawn and B [out, R] zero:
at the start the model is what it was. Embeddings and the output layer stay; a head that reads a score learns.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from safetensors.torch import save_file
from torch import nn

FOLDER, ADAPTER = "adapter", "default"
# alpha = 2 R: the update's size does not depend on the rank that is chosen.
ALPHA_OF_RANK = 2


def add_adapters(model: Any, rank: int, *, seed: int) -> None:
    """Puts adapters of `rank` into the trunk of a transformers model, drawn by `seed`; only they learn, and a head.

    The output layer of a language model is no head: it stays as it is.
    """
    trunk = model.base_model
    outputs = model.get_output_embeddings()
    if outputs is not None:
        outputs.requires_grad_(False)
    # The adapters' start must not depend on what was drawn before, nor move what is drawn after.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        # peft also stops the rest of the trunk from learning.
        inject_adapter_in_model(_config(trunk, rank), trunk, ADAPTER)


def _config(trunk: nn.Module, rank: int) -> LoraConfig:
    linear = sorted(name for name, module in trunk.named_modules() if isinstance(module, nn.Linear))
    return LoraConfig(
        r=rank, lora_alpha=ALPHA_OF_RANK * rank, lora_dropout=0.0, target_modules=linear, bias="none"
    )


def adapted_layers(module: nn.Module) -> list[tuple[str, LoraLayer]]:
    """The layers of `module` that have an adapter, by name."""
    return [(name, layer) for name, layer in module.named_modules() if isinstance(layer, LoraLayer)]


@contextmanager
def adapters_off(module: nn.Module) -> Iterator[None]:
    """Within it `module` is the model that it was before adapters were put in, exactly."""
    layers = adapted_layers(module)
    try:
        for _, layer in layers:
            layer.enable_adapters(False)
        yield
    finally:
        for _, layer in layers:
            layer.enable_adapters(True)


class AdapterOff:
    """The reference model of a policy with adapters: the policy's own weights without them, no copy.

    Stands where a language model's trunk and output layer are asked for.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def get_decoder(self) -> "_TrunkOff":
        """The trunk, run with its adapters off."""
        return _TrunkOff(self._model.get_decoder())

    def get_output_embeddings(self) -> Any:
        """The output layer; it never has an adapter."""
        return self._model.get_output_embeddings()


class _TrunkOff:
    def __init__(self, trunk: Any) -> None:
        self._trunk = trunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trunk, name)

    def __call__(self, **told: Any) -> Any:
        with adapters_off(self._trunk):
            return self._trunk(**told)


def save_adapters(model: Any, folder: Path, *, base: str) -> None:
    """Writes `folder`/adapter in peft's layout: `PeftModel.from_pretrained(base model, folder / "adapter")`.

    A head that learned beside the adapters goes with them.
    """
    trunk = model.base_model
    layers = adapted_layers(trunk)
    rank = layers[0][1].r[ADAPTER]
    heads = sorted({name.split(".")[0] for name, one in model.named_parameters() if one.requires_grad} - {
        model.base_model_prefix
    })  # fmt: skip
    config = LoraConfig(
        r=rank,
        lora_alpha=ALPHA_OF_RANK * rank,
        lora_dropout=0.0,
        target_modules=[name for name, _ in layers],
        bias="none",
        modules_to_save=heads or None,
        task_type="SEQ_CLS" if heads else "CAUSAL_LM",
        base_model_name_or_path=base,
        inference_mode=True,
    )
    tensors = {
        f"base_model.model.{name.replace(f'.{ADAPTER}.', '.')}": one.detach().cpu().contiguous()
        for name, one in model.named_parameters()
        if one.requires_grad
    }
    partial = folder / f".{FOLDER}.{os.getpid()}.partial"
    partial.mkdir(parents=True)
    save_file(tensors, partial / "adapter_model.safetensors", metadata={"format": "pt"})
    config.save_pretrained(str(partial))
    for path in partial.iterdir():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
    # A run that was killed behind this line writes the same again.
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
    partial.rename(folder / FOLDER)


def merge_adapters(module: nn.Module) -> None:
    """Adds every adapter to its layer's weights and takes it away: plain layers again, the same outputs."""
    for name, layer in adapted_layers(module):
        layer.merge()
        parent, _, own = name.rpartition(".")
        setattr(module.get_submodule(parent), own, layer.get_base_layer())
    module.requires_grad_(True)
