"""One-sided Clopper–Pearson bounds of rates, and the two lower bounds on ε that are made of them.

A target's members called non-members are binomial with rate FNR, its non-members called members with rate FPR, if
records are independent. Both errors bounded from above at half the level bound every other rate: TPR = 1 − FNR and
TNR = 1 − FPR.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, ndtri

from engine.release.gaussian import epsilon_of


def at_most(hits: ArrayLike, trials: ArrayLike, level: float) -> NDArray[np.float64]:
    """The largest rate at which so few hits still have probability ``level``; 1 without trials.

    Source: Clopper & Pearson 1934. Beta⁻¹(1 − level; hits + 1, trials − hits).

    Args:
        hits: (...,) counts, or expected counts, which need not be whole.
        trials: (...,) at least ``hits``.
        level: the probability, at most, that the rate is above the bound.
    """
    hits, trials = np.broadcast_arrays(np.asarray(hits, dtype=np.float64), np.asarray(trials, dtype=np.float64))
    misses = trials - hits
    return np.where(misses > 0, betaincinv(hits + 1, np.where(misses > 0, misses, 1.0), 1 - level), 1.0)


def at_least(hits: ArrayLike, trials: ArrayLike, level: float) -> NDArray[np.float64]:
    """The smallest rate at which so many hits still have probability ``level``; see ``at_most``."""
    return 1 - at_most(np.asarray(trials) - np.asarray(hits), trials, level)


def clopper_pearson_epsilon(
    fpr_at_most: NDArray[np.float64], fnr_at_most: NDArray[np.float64], delta: float
) -> NDArray[np.float64]:
    """ε ≥ max{0, ln((TPR − δ)/FPR), ln((TNR − δ)/FNR)} for errors that are at most so large.

    Source: Jagielski, Ullman & Oprea 2020; Kairouz, Oh & Viswanath 2015. Both quotients fall with both errors.

    Args:
        fpr_at_most: (...,) above 0.
        fnr_at_most: (...,) above 0.
        delta: δ.
    """
    found = np.maximum(1 - fnr_at_most - delta, 0) / fpr_at_most
    spared = np.maximum(1 - fpr_at_most - delta, 0) / fnr_at_most
    return np.log(np.maximum(np.maximum(found, spared), 1.0))


def gaussian_dp_mu(fpr_at_most: NDArray[np.float64], fnr_at_most: NDArray[np.float64]) -> NDArray[np.float64]:
    """μ ≥ max{0, Φ⁻¹(1 − FPR) − Φ⁻¹(FNR)} for errors that are at most so large.

    Source: Nasr et al. 2023; Dong, Roth & Su 2022, section 2. Evidence against membership
    (a negative difference) is no evidence of leakage, so it counts as 0.
    """
    return np.maximum(ndtri(1 - fpr_at_most) - ndtri(fnr_at_most), 0.0)


def gaussian_dp_epsilon(mu: float, delta: float) -> float:
    """The ε that μ-GDP means at δ: δ(ε) = Φ(−ε/μ + μ/2) − e^ε Φ(−ε/μ − μ/2).

    Source: Dong, Roth & Su 2022, section 2, which is Balle & Wang's formula for Δ/σ = μ.
    """
    return epsilon_of(delta, sensitivity=mu, sigma=1.0) if mu > 0 else 0.0
