"""The sizes of a ladder: layers and width of each model, what each run is told, and what it will take."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from trainer.errors import BadInput
from trainer.estimate.specs import EstimateSpec
from trainer.estimate.verb import estimate
from trainer.specs import PretrainSpec

SIZE = re.compile(r"([1-9]\d{0,2})x([1-9]\d{0,4})")
# Units of one attention head, where the width allows as many.
HEAD_UNITS = 16
FEWEST_SIZES, MOST_SIZES, MOST_SEEDS = 2, 12, 5


@dataclass(frozen=True)
class Size:
    """A model of so many layers of such a width."""

    layers: int
    width: int

    @property
    def name(self) -> str:
        """How it is written: 2x64."""
        return f"{self.layers}x{self.width}"

    @property
    def heads(self) -> int:
        """Attention heads: as many of 16 units as fit the width, at least one."""
        return max(1, self.width // HEAD_UNITS)

    def settings(self) -> dict[str, int]:
        """What `trainer pretrain` is told of the size."""
        return {"layers": self.layers, "width": self.width, "heads": self.heads}


@dataclass(frozen=True)
class Estimate:
    """What one run of a size will take, as `trainer estimate` reckons it."""

    size: Size
    parameters: int
    tokens: int
    flops: float
    peak_bytes: int


def parse_sizes(told: str) -> tuple[Size, ...]:
    """The sizes written as layers x width ("1x16, 2x32"), smallest first. Refuses what is no size, one size twice,
    and fewer than two or more than twelve.
    """
    words = [word for word in re.split(r"[\s,;]+", told.replace("×", "x")) if word]
    found: list[Size] = []
    for word in words:
        match = SIZE.fullmatch(word)
        if match is None:
            raise ValidationError(_("%(word)s is no size: write layers x width, as 2x64.") % {"word": word})
        found.append(Size(int(match[1]), int(match[2])))
    if len(set(found)) < len(found):
        raise ValidationError(_("A size stands there twice."))
    if not FEWEST_SIZES <= len(found) <= MOST_SIZES:
        raise ValidationError(
            _("Found %(found)d sizes, wanted %(fewest)d to %(most)d.")
            % {"found": len(found), "fewest": FEWEST_SIZES, "most": MOST_SIZES}
        )
    return tuple(sorted(found, key=weights))


def weights(size: Size) -> tuple[int, str]:
    """What sizes are ordered by: 12 h² weights in each layer, as a Llama's block of our shape has about."""
    return 12 * size.layers * size.width**2, size.name


def estimates(sizes: Sequence[Size], settings: Mapping[str, Any]) -> tuple[Estimate, ...]:
    """What a run of each size takes. Refuses what the trainer would refuse."""
    return tuple(_estimate(size, settings) for size in sizes)


def _estimate(size: Size, settings: Mapping[str, Any]) -> Estimate:
    try:
        of_run = PretrainSpec.from_json(
            {**settings, **size.settings(), "texts": ["-"], "out": "-"}, f"pretrain {size.name}"
        )
        told: dict[str, Any] = estimate(of_run, EstimateSpec(run="-", device="cpu"))
    except BadInput as error:
        raise ValidationError(str(error)) from error
    return Estimate(
        size,
        parameters=told["parameters"]["counted"],
        tokens=told["tokens"],
        flops=told["flops"]["counted"],
        peak_bytes=told["memory"]["peak_bytes"],
    )
