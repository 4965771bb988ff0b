"""Gradient checkpointing (Chen et al. 2016): a layer's inner states are computed again instead of kept.

Loss and gradient stay exactly equal; a step costs a third more. Only forward passes that learn recompute:
decoding and scoring read a cache, which recomputing layers would drop.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from trainer.errors import BadInput


class Recomputing:
    """The layers of a transformers model that recompute where `on` is entered."""

    def __init__(self, model: Any) -> None:
        if not getattr(model, "supports_gradient_checkpointing", False):
            raise BadInput(
                f"--gradient-checkpointing: found a {type(model).__name__}, wanted a model that supports it"
            )
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        if hasattr(model, "disable_input_require_grads"):
            model.disable_input_require_grads()
        self._layers = list(model.base_model.layers)
        for layer in self._layers:
            layer.training = False

    @contextmanager
    def on(self) -> Iterator[None]:
        """Within it the layers recompute. Their parts stay as they are: dropout stays off where it was."""
        try:
            for layer in self._layers:
                layer.training = True
            yield
        finally:
            for layer in self._layers:
                layer.training = False


def recomputes(trunk: Any) -> bool:
    """True inside `on`: the trunk's layers would drop a cache."""
    layers: Any = getattr(trunk, "layers", ())
    return any(layer.training and getattr(layer, "gradient_checkpointing", False) for layer in layers)
