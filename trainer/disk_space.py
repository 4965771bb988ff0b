"""Telling a full disk from other failures."""

import errno

from safetensors import SafetensorError


def is_disk_full(error: BaseException) -> bool:
    """True when `error` says that a disk or a quota is full; safetensors says so in words alone."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return isinstance(error, SafetensorError) and "os error 28" in str(error)
