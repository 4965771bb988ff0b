"""The reference model that a policy is tied to."""

from typing import Any

from trainer.ppo.policy import frozen_copy
from trainer.specs import parse_tuning


def reference_of(model: Any, tuning: str) -> Any:
    """The model as it is now, frozen: the policy's own weights with adapters off, else a copy."""
    if parse_tuning(tuning)[0] == "lora":
        from trainer.adapters import AdapterOff

        return AdapterOff(model)
    return frozen_copy(model)
