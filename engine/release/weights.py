"""Released weights: exact, or with Gaussian noise added after training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.release.values import Release, WeightNoise
from engine.seeds import generator

Arrays = dict[str, NDArray[np.float32]]


def released(weights: Arrays, release: Release, *, seed: int, wave: int) -> list[Arrays]:
    """The K released copies of a wave's models: θ + N(0, σ²I), noise independent for weights, models and draws.

    Yang, Gohari & Topcu 2022, the post-training mechanism. The noise depends on σ and on the options by its scale
    alone, so that neighbouring stops of the dial are compared on common random numbers.

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
                name: value + _deviation(noise, name, value) * rng.standard_normal(value.shape, dtype=np.float32)
                for name, value in sorted(weights.items())  # stored weights come back in any order
            }
        )
    return copies


def _deviation(noise: WeightNoise, name: str, value: NDArray[np.float32]) -> np.float32 | NDArray[np.float32]:
    """The standard deviation of the noise on a tensor (M, …): one for all models, or with M in front."""
    if noise.tensors == "output" and not name.startswith("out."):
        return np.float32(0)
    if noise.scale == "absolute":
        return np.float32(noise.sigma)
    axes = tuple(range(1, value.ndim))
    mean_square = np.square(value, dtype=np.float64).mean(axis=axes, keepdims=True)
    return (noise.sigma * np.sqrt(mean_square)).astype(np.float32)
