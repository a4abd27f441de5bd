"""Rényi DP of Poisson-sampled Gaussian steps, by Opacus."""

from __future__ import annotations

import warnings
from functools import lru_cache

import numpy as np

# Opacus's own orders end at 63 and start at 1.1, which loosens ε where there is much or very little noise.
_ORDERS = (
    [1 + step / 100 for step in range(1, 10)]
    + [1 + step / 10 for step in range(1, 100)]
    + list(range(12, 64))
    + [2.0**power for power in range(6, 13)]
)


def epsilon_by_rdp(noise_multiplier: float, sampling_rate: float, steps: int, delta: float) -> float:
    """ε by Rényi DP, converted by Balle et al. 2020, theorem 21, as Opacus does it."""
    from opacus.accountants.analysis import rdp

    total = [steps * one for one in _rdp_of_a_step(noise_multiplier, sampling_rate)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns when the best order is an outer one: still a valid bound
        return max(0.0, float(rdp.get_privacy_spent(orders=_ORDERS, rdp=total, delta=delta)[0]))


@lru_cache(maxsize=256)
def _rdp_of_a_step(noise_multiplier: float, sampling_rate: float) -> tuple[float, ...]:
    """Rényi divergence of one Poisson-sampled Gaussian step at ``_ORDERS`` (Mironov, Talwar & Zhang 2019)."""
    from opacus.accountants.analysis import rdp

    spent = rdp.compute_rdp(q=sampling_rate, noise_multiplier=noise_multiplier, steps=1, orders=_ORDERS)
    return tuple(np.asarray(spent, dtype=np.float64).tolist())
