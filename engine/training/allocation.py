"""Memory that one training step frees stays with the process for the next one."""

from __future__ import annotations

import ctypes
import functools
import sys

# parameters of mallopt, from glibc's malloc.h
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3


@functools.cache
def keep_freed_memory() -> None:
    """Tell the C library not to hand freed memory back to the system; where it is not glibc, do nothing.

    A step frees and allocates the same large activations as the one before. By default glibc returns them each
    time, and the system then fills every page with zeros again, which takes much of the time of a step.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 2**30)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_TOP_PAD, 2**26)
