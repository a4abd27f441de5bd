"""LiRA: how well the target's confidence fits models with the record, against models without it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.signals import Signals

# The variance that models which agree to the last digit are taken to have: scores stay finite.
_SMALLEST_VARIANCE = 1e-30


class _Side(NamedTuple):
    """The shadows of one side, IN or OUT: numbers n and means μ are (..., N), the other two (...,)."""

    number: NDArray[np.float64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]  # Σ over records and shadows of (φ − μ)²
    freedom: NDArray[np.float64]  # Σ over records of n − 1


def lira(target: Signals, shadows: Signals, masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Likelihood ratio attack: log N(φ; μ_in, s²_in (1 + 1/n_in)) − log N(φ; μ_out, s²_out (1 + 1/n_out)).

    Source: Carlini et al. 2022, section V (online attack). Means μ are per record; each variance s² is pooled
    over records from within-record residuals divided by Σ(n − 1), IN and OUT separately. The factor 1 + 1/n
    turns the fitted density into the predictive one, without which claimed posteriors are too sure.
    A side on which no record has two shadows borrows the variance of the other side, or of all shadows;
    a record without shadows on a side scores 0, which says nothing.

    Args:
        target: signals of T models.
        shadows: signals of S models.
        masks: (..., S, N) of the shadows.

    Returns:
        (..., T, N) log likelihood ratios; the posterior at prior ½ is 1 / (1 + e^−score).
    """
    # Sums of squares lose digits far from 0. One shadow is as good a centre as the mean, depends on no mask,
    # and makes records on which all models agree exactly 0.
    centre = shadows.phi[0]
    phi, centred = target.phi - centre, shadows.phi - centre
    number = masks.sum(axis=-2, dtype=np.float64)
    total = np.einsum("...sn,sn->...n", masks, centred)
    squares = np.einsum("...sn,sn->...n", masks, centred**2)
    inside = _side(number, total, squares)
    outside = _side(len(centred) - number, centred.sum(axis=0) - total, (centred**2).sum(axis=0) - squares)
    everyone = _variance(_side(np.array(len(centred)), centred.sum(axis=0), (centred**2).sum(axis=0)), np.zeros(()))
    of_inside = _variance(inside, _variance(outside, everyone))
    of_outside = _variance(outside, _variance(inside, everyone))
    score = _log_density(phi, inside, of_inside) - _log_density(phi, outside, of_outside)
    known = (inside.number > 0) & (outside.number > 0)
    return np.where(known[..., None, :], score, 0.0)


def _side(number: NDArray[np.float64], total: NDArray[np.float64], squares: NDArray[np.float64]) -> _Side:
    """From the number, the sum and the sum of squares of the φ of each record, all (..., N)."""
    mean = total / np.maximum(number, 1)
    return _Side(
        number=number,
        mean=mean,
        squares=np.maximum(squares - number * mean**2, 0.0).sum(axis=-1),
        freedom=np.maximum(number - 1, 0).sum(axis=-1),
    )


def _variance(side: _Side, otherwise: NDArray[np.float64]) -> NDArray[np.float64]:
    """s² of shape (...,), or ``otherwise`` where no record has two shadows on the side."""
    pooled = np.where(side.freedom > 0, side.squares / np.maximum(side.freedom, 1), otherwise)
    return np.maximum(pooled, _SMALLEST_VARIANCE)


def _log_density(phi: NDArray[np.float64], side: _Side, variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of N(φ; μ, s²(1 + 1/n)), but for the constant −½ log 2π; (..., T, N)."""
    predictive = variance[..., None] * (1 + 1 / np.maximum(side.number, 1))
    distance = phi - side.mean[..., None, :]
    return distance**2 * (-0.5 / predictive)[..., None, :] - 0.5 * np.log(predictive)[..., None, :]
