"""Random numbers by name: every generator is a pure function of a seed and a path of names.

No generator is shared and none is global, so adding a draw in one place changes nothing elsewhere. All
generators live on the CPU, whatever the device: masks, initial weights and batches are the same everywhere.
"""

from __future__ import annotations

import hashlib

import numpy as np


def entropy(seed: int, *path: str | int) -> int:
    """128 bits that depend on the seed and on every name of the path, for any generator."""
    text = "/".join(str(part) for part in (seed, *path))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")


def generator(seed: int, *path: str | int) -> np.random.Generator:
    """A fresh NumPy generator for ``seed/path[0]/path[1]/…``."""
    return np.random.Generator(np.random.PCG64(entropy(seed, *path)))
