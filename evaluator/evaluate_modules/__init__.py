"""Our reference metrics as modules of `evaluate`: `evaluate.load(str(folder("rouge")))` works with no network.

Each lies in a folder of its own name, as `evaluate` wants it, and only wraps a function of `metrics.reference`.
"""

from pathlib import Path

NAMES = ("bleu", "chrf", "exact_match", "meteor", "rouge", "token_f1")


def folder(name: str) -> Path:
    """The folder `evaluate.load` takes. Refuses a name that is not one of NAMES (ValueError)."""
    if name not in NAMES:
        raise ValueError(f"no reference metric {name!r}, wanted one of {', '.join(NAMES)}")
    return Path(__file__).parent / name
