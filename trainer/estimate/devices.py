"""Accelerators by name: dense peak of 16-bit products (not the sparse figure of twice that), and memory.

From the vendors' data sheets. A processor has no peak worth stating here: give --peak-tflops.
"""

from typing import NamedTuple

from trainer.errors import BadInput


class Device(NamedTuple):
    """Dense 16-bit peak in 10¹² operations a second (None: to be stated), and memory in 10⁹ bytes."""

    peak_tflops: float | None
    memory_gb: float | None


DEVICES = {
    "a100-40gb": Device(312, 40),
    "a100-80gb": Device(312, 80),
    "a40": Device(149.7, 48),
    "b200": Device(2250, 192),
    "cpu": Device(None, None),
    "h100": Device(989.4, 80),
    "h200": Device(989.4, 141),
    "l4": Device(121, 24),
    "l40s": Device(362, 48),
    "mi300x": Device(1307.4, 192),
    "rtx-3090": Device(71, 24),
    "rtx-4090": Device(165.2, 24),
    "t4": Device(65, 16),
    "v100-32gb": Device(125, 32),
}


def device_named(name: str) -> Device:
    """The device of that name, in any case. Refuses (BadInput) an unknown one."""
    known = DEVICES.get(name.lower())
    if known is None:
        raise BadInput(f"--device: found {name!r}, wanted one of {', '.join(sorted(DEVICES))}")
    return known
