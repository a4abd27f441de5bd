"""Released weights: exact, or with Gaussian noise added after training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.recipe import Release
from engine.seeds import generator

Arrays = dict[str, NDArray[np.float32]]


def released(weights: Arrays, release: Release, *, seed: int, wave: int) -> list[Arrays]:
    """The K released copies of a wave's models: θ + N(0, σ²I), noise independent for weights, models and draws.

    Yang, Gohari & Topcu 2022, the post-training mechanism. The noise does not depend on σ but for its scale, so
    that neighbouring stops of the dial are compared on common random numbers.

    Args:
        weights: by parameter name, (M, …).
        release: σ and K; without weight noise the one copy is exact.
        seed: the recipe's seed.
        wave: the wave's number.
    """
    noise = release.weight_noise
    if noise is None:
        return [weights]
    copies = []
    for draw in range(noise.draws):
        rng = generator(noise.seed, "weight noise", seed, wave, draw)
        copies.append(
            {
                name: value + np.float32(noise.sigma) * rng.standard_normal(value.shape, dtype=np.float32)
                for name, value in sorted(weights.items())  # stored weights come back in any order
            }
        )
    return copies
