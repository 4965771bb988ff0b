"""Where Adam adds its epsilon: PyTorch's form, or TensorFlow's, in which the first RLHF results were made.

PyTorch: θ -= lr·m̂ / (√v̂ + ε), m̂ and v̂ free of bias. TensorFlow: θ -= lr·√(1-β₂ᵗ)/(1-β₁ᵗ)·m / (√v + ε). The
second is the first with ε/√(1-β₂ᵗ): at step 1 thirty times as large, so that small gradients move little.
"""

import math
from typing import Any

import torch


def use_tensorflow_form(optimiser: torch.optim.Optimizer, epsilon: float) -> None:
    """From now on the optimiser (Adam or AdamW) steps in TensorFlow's form (Kingma and Ba 2015, section 2).

    The step is read from the optimiser's own state, so that a resumed run goes on as it would have.
    """

    def corrected(stepping: torch.optim.Optimizer, *_: Any) -> None:
        for group in stepping.param_groups:
            step = 1 + max((_taken(stepping, part) for part in group["params"]), default=0)
            group["eps"] = epsilon / math.sqrt(1 - group["betas"][1] ** step)

    optimiser.register_step_pre_hook(corrected)


def _taken(optimiser: torch.optim.Optimizer, part: torch.Tensor) -> int:
    return int(optimiser.state[part]["step"]) if part in optimiser.state else 0
