"""Which parameters of a model learn, for every verb alike, and what is made of them at the end."""

from pathlib import Path
from typing import Any

from torch import nn

from trainer.errors import BadInput
from trainer.specs import parse_tuning


def apply_tuning(model: Any, tuning: str, *, seed: int = 0) -> None:
    """Marks which parameters of a transformers model learn.

    full: all. last-layers:N: the last N layers, the final norm and any head that is not tied to the
    embeddings. frozen-layers:N: all but the embeddings and the first N layers. lora:R: adapters of rank R,
    drawn by `seed`, and a reward model's head. Refuses (BadInput) N beyond the model's layers.
    """
    try:
        kind, count = parse_tuning(tuning)
    except ValueError as error:
        raise BadInput(f"--tuning: {error}") from None
    if kind == "full":
        return
    if kind == "lora":
        # peft takes a second to import; most runs do without it.
        from trainer.adapters import add_adapters

        add_adapters(model, count, seed=seed)
        return
    trunk = model.base_model
    layers = list(trunk.layers)
    if count > len(layers):
        raise BadInput(f"--tuning: found {tuning}, wanted at most the model's {len(layers)} layers")
    frozen = layers[:-count] if kind == "last-layers" else layers[:count]
    for module in (trunk.embed_tokens, *frozen):
        module.requires_grad_(False)


def parameter_counts(module: nn.Module) -> dict[str, int]:
    """`parameters` of the module, tied ones once, and `trainable_parameters` among them."""
    counts = [(one.numel(), one.requires_grad) for one in module.parameters()]
    return {
        "parameters": sum(count for count, _ in counts),
        "trainable_parameters": sum(count for count, learns in counts if learns),
    }


def finish_tuning(model: Any, tuning: str, folder: Path, *, base: str) -> None:
    """After training: adapters are kept in `folder`/adapter beside the model they are merged into."""
    if parse_tuning(tuning)[0] == "lora":
        from trainer.adapters import save_adapters

        save_adapters(model, folder, base=base)
        merge(model, tuning)


def merge(module: nn.Module, tuning: str) -> None:
    """Merges the adapters of `module` into its weights, where it has some."""
    if parse_tuning(tuning)[0] == "lora":
        from trainer.adapters import merge_adapters

        merge_adapters(module)
