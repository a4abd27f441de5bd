"""LiRA for few shadows: each record's mean and variance are drawn towards those of all records.

The prior is normal-inverse-gamma: σ² ~ InvGamma(α, β) and μ given σ² ~ N(m, σ²/κ), for IN and OUT separately. Its
parameters are fitted to all records (empirical Bayes), and the posterior predictive is a Student t.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from engine.attacks.likelihood_ratio import Side, split
from engine.signals import Signals

# Records are never taken to differ less than this, as a share of the variance within records: the prior stays proper.
_LEAST_DIFFERENCE = 1e-4


class _Prior(NamedTuple):
    """Parameters of the prior of one side, all (..., 1)."""

    mean: NDArray[np.float64]  # m
    weight: NDArray[np.float64]  # κ, in shadows
    shape: NDArray[np.float64]  # α
    scale: NDArray[np.float64]  # β


def lira_conjugate(target: Signals, shadows: Signals, masks: NDArray[np.bool_], /) -> NDArray[np.float64]:
    """Log ratio of Student t densities t(φ; 2α_n, m_n, β_n (κ_n + 1) / (α_n κ_n)), IN against OUT.

    Source: Murphy 2007, "Conjugate Bayesian analysis of the Gaussian distribution", in the place of the
    normal densities of Carlini et al. 2022, section V; the idea is that of Brännvall 2026. With n shadows of mean x̄
    and squares SS: κ_n = κ + n, m_n = (κm + n x̄)/κ_n, α_n = α + n/2, β_n = β + SS/2 + κn(x̄ − m)²/(2κ_n).
    A record without shadows on a side scores 0, as in ``lira``.

    Args:
        target: signals of T models.
        shadows: signals of S models.
        masks: (..., S, N) of the shadows.

    Returns:
        (..., T, N).
    """
    sides = split(shadows, masks)
    inside, outside = (
        _log_predictive(target.phi, side, side.mean + sides.centre, variance)
        for side, variance in zip((sides.inside, sides.outside), sides.variances(), strict=True)
    )
    return np.where(sides.known(), inside - outside, 0.0)


def _log_predictive(
    phi: NDArray[np.float64], side: Side, mean: NDArray[np.float64], variance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Logarithm of the posterior predictive density, (..., T, N), but for −½ log π; x̄ is ``mean``."""
    prior = _fitted(side, mean, variance)
    number = side.number
    weight = prior.weight + number
    centre = (prior.weight * prior.mean + number * mean) / weight
    shape = prior.shape + number / 2
    scale = prior.scale + side.squares / 2 + prior.weight * number * (mean - prior.mean) ** 2 / (2 * weight)
    freedom = 2 * shape
    spread = freedom * scale * (weight + 1) / (shape * weight)
    constant = gammaln(shape + 0.5) - gammaln(shape) - 0.5 * np.log(spread)
    distance = (phi - centre[..., None, :]) ** 2 / spread[..., None, :]
    return constant[..., None, :] - (shape + 0.5)[..., None, :] * np.log1p(distance)


def _fitted(side: Side, mean: NDArray[np.float64], variance: NDArray[np.float64]) -> _Prior:
    """The prior by moments, from pooled s² (..., 1) and each record's x̄ (..., N).

    α and β give σ² the mean s² and the variance of the records' own s²_i beyond what n_i shadows explain, for
    E s⁴_i = E σ⁴ (1 + 2/(n_i − 1)); κ likewise explains the spread of x̄ beyond s²/n_i.
    """
    held, several = side.number > 0, side.number > 1
    freedom = np.maximum(side.number - 1, 1)
    fourth = _average((side.squares / freedom) ** 2 / (1 + 2 / freedom), several)
    unequal = np.maximum(fourth / variance**2 - 1, _LEAST_DIFFERENCE)  # Var σ² / (E σ²)²
    middle = _average(mean, held)
    between = _average((mean - middle) ** 2 - variance / np.maximum(side.number, 1), held)
    shape = 2 + 1 / unequal
    return _Prior(
        mean=middle,
        weight=variance / np.maximum(between, _LEAST_DIFFERENCE * variance),
        shape=shape,
        scale=(shape - 1) * variance,
    )


def _average(values: NDArray[np.float64], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean over the chosen records, (..., 1); 0 where none is chosen."""
    number = np.maximum(chosen.sum(axis=-1, keepdims=True), 1)
    return np.where(chosen, values, 0.0).sum(axis=-1, keepdims=True) / number
