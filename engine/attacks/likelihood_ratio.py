"""LiRA: how well the target's confidence fits models with the record, against models without it.

Source: Carlini et al. 2022. All forms share the per-record mean and residuals of the shadows on each side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.attacks.attack import required
from engine.signals import Signals

# The variance that models which agree to the last digit are taken to have: scores stay finite.
SMALLEST_VARIANCE = 1e-30
_MEDIAN_SQUARE = 0.454936423119572  # of a standard normal variable


class Side(NamedTuple):
    """The shadows of one side, IN or OUT, for each record, all (..., N).

    Attributes:
        number: n, how many shadows.
        mean: μ of their φ − centre.
        squares: Σ (φ − μ)².
    """

    number: NDArray[np.float64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]


class Sides(NamedTuple):
    """The shadows, split by whether they trained on the record.

    Attributes:
        centre: (N,) what is taken off φ everywhere.
        inside: with the record.
        outside: without.
        everyone: all shadows, (N,).
    """

    centre: NDArray[np.float64]
    inside: Side
    outside: Side
    everyone: Side

    def variances(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pooled s² of IN and of OUT, both (..., 1).

        A side on which no record has two shadows borrows the variance of the other side, or of all shadows.
        """
        everyone = _pooled(self.everyone, np.zeros(()))
        inside = _pooled(self.inside, _pooled(self.outside, everyone))
        outside = _pooled(self.outside, _pooled(self.inside, everyone))
        return inside[..., None], outside[..., None]

    def known(self) -> NDArray[np.bool_]:
        """(..., 1, N): whether the record has shadows on both sides."""
        return ((self.inside.number > 0) & (self.outside.number > 0))[..., None, :]


def split(shadows: Signals, masks: NDArray[np.bool_]) -> Sides:
    """The shadows' φ by side.

    Sums of squares lose digits far from 0. One shadow is as good a centre as the mean, depends on no mask, and
    makes records on which all models agree exactly 0.
    """
    centre = shadows.phi[0]
    phi = shadows.phi - centre
    squared = phi**2
    number = masks.sum(axis=-2, dtype=np.float64)
    total = np.einsum("...sn,sn->...n", masks, phi)
    squares = np.einsum("...sn,sn->...n", masks, squared)
    all_number, all_total, all_squares = np.float64(len(phi)), phi.sum(axis=0), squared.sum(axis=0)
    return Sides(
        centre=centre,
        inside=_side(number, total, squares),
        outside=_side(all_number - number, all_total - total, all_squares - squares),
        everyone=_side(np.full(centre.shape, all_number), all_total, all_squares),
    )


def lira(target: Signals, shadows: Signals, masks: NDArray[np.bool_], /) -> NDArray[np.float64]:
    """Likelihood ratio attack: log N(φ; μ_in, s²_in (1 + 1/n_in)) − log N(φ; μ_out, s²_out (1 + 1/n_out)).

    Source: Carlini et al. 2022, section V (online attack). Means μ are per record; each variance s² is pooled
    over records from within-record residuals divided by Σ(n − 1), IN and OUT separately. The factor 1 + 1/n
    turns the fitted density into the predictive one, without which claimed posteriors are too sure.
    A record without shadows on a side scores 0, which says nothing.

    Args:
        target: signals of T models.
        shadows: signals of S models.
        masks: (..., S, N) of the shadows.

    Returns:
        (..., T, N) log likelihood ratios; the posterior at prior ½ is 1 / (1 + e^−score).
    """
    sides = split(shadows, masks)
    of_inside, of_outside = sides.variances()
    return _log_ratio(target, sides, of_inside, of_outside)


def lira_per_record(target: Signals, shadows: Signals, masks: NDArray[np.bool_], /) -> NDArray[np.float64]:
    """LiRA with a variance for each record: s² = Σ(φ − μ)² / (n − 1) of the record's own shadows.

    Source: Carlini et al. 2022, section V (online attack without a fixed variance); for many shadows. A record
    with fewer than two shadows on a side takes the pooled variance of ``lira``. Arguments and result as there.
    """
    sides = split(shadows, masks)
    of_inside, of_outside = sides.variances()
    return _log_ratio(target, sides, _own(sides.inside, of_inside), _own(sides.outside, of_outside))


def lira_augmented(target: Signals, shadows: Signals, masks: NDArray[np.bool_], /) -> NDArray[np.float64]:
    """LiRA on changed copies of each record: the mean of ``lira`` over the copies, the record itself included.

    Source: Carlini et al. 2022, section VI-B (multiple queries). Queries are taken as independent; the mean
    instead of the sum keeps the posterior modest, for answers on copies are in truth much alike.
    """
    what = "the model's answers on changed copies of records"
    copies = required(target.augmented, "lira_augmented", what), required(shadows.augmented, "lira_augmented", what)
    return np.mean([lira(own, theirs, masks) for own, theirs in zip(*copies, strict=True)], axis=0)


def lira_offline(target: Signals, shadows: Signals, masks: NDArray[np.bool_], /) -> NDArray[np.float64]:
    """One-sided test against models without the record: z = (φ − μ_out) / √(s²_out (1 + 1/n_out)).

    Source: Carlini et al. 2022, equation 4: the score there is Φ(z), which orders records alike but runs out of
    digits. Only shadows without the record are read; s² is pooled over records. Without models that have the
    record there is no best threshold: it is accused when Φ(z) ≥ ½. A record without such shadows scores 0.
    """
    sides = split(shadows, masks)
    return _known_only(_standardized(target, sides), sides.outside)


def lira_offline_density(target: Signals, shadows: Signals, masks: NDArray[np.bool_], /) -> NDArray[np.float64]:
    """Two-sided form: −log N(φ; μ_out, s²_out (1 + 1/n_out)), which also accuses records with too little φ.

    Source: the reference code of Carlini et al. 2022, which differs from the paper's equation 4 (``lira_offline``).
    Up to the constant −½ log 2πs²; a record is accused when z² + log(1 + 1/n) is at least the median of z².
    """
    sides = split(shadows, masks)
    spread = np.log1p(1 / np.maximum(sides.outside.number, 1))[..., None, :]
    return _known_only((_standardized(target, sides) ** 2 + spread - _MEDIAN_SQUARE) / 2, sides.outside)


def _standardized(target: Signals, sides: Sides) -> NDArray[np.float64]:
    """The z of the offline attacks, (..., T, N)."""
    variance = _pooled(sides.outside, _pooled(sides.everyone, np.zeros(())))[..., None]
    predictive = variance * (1 + 1 / np.maximum(sides.outside.number, 1))
    return (target.phi - sides.centre - sides.outside.mean[..., None, :]) / np.sqrt(predictive)[..., None, :]


def _known_only(scores: NDArray[np.float64], outside: Side) -> NDArray[np.float64]:
    """Scores, 0 for records that have no shadow without them."""
    return np.where((outside.number > 0)[..., None, :], scores, 0.0)


def _log_ratio(
    target: Signals, sides: Sides, of_inside: NDArray[np.float64], of_outside: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(..., T, N) with variances (..., N) or (..., 1)."""
    phi = target.phi - sides.centre
    score = _log_density(phi, sides.inside, of_inside) - _log_density(phi, sides.outside, of_outside)
    return np.where(sides.known(), score, 0.0)


def _side(number: NDArray[np.float64], total: NDArray[np.float64], squares: NDArray[np.float64]) -> Side:
    """From the number, the sum and the sum of squares of the φ of each record, all (..., N)."""
    mean = total / np.maximum(number, 1)
    return Side(number=number, mean=mean, squares=np.maximum(squares - number * mean**2, 0.0))


def _pooled(side: Side, otherwise: NDArray[np.float64]) -> NDArray[np.float64]:
    """s² of shape (...,), or ``otherwise`` where no record has two shadows on the side."""
    freedom = np.maximum(side.number - 1, 0).sum(axis=-1)
    pooled = np.where(freedom > 0, side.squares.sum(axis=-1) / np.maximum(freedom, 1), otherwise)
    return np.maximum(pooled, SMALLEST_VARIANCE)


def _own(side: Side, otherwise: NDArray[np.float64]) -> NDArray[np.float64]:
    """s² of each record, (..., N), or ``otherwise`` (..., 1) where it has fewer than two shadows on the side."""
    own = np.where(side.number > 1, side.squares / np.maximum(side.number - 1, 1), otherwise)
    return np.maximum(own, SMALLEST_VARIANCE)


def _log_density(phi: NDArray[np.float64], side: Side, variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of N(φ; μ, s²(1 + 1/n)), but for the constant −½ log 2π; (..., T, N)."""
    predictive = variance * (1 + 1 / np.maximum(side.number, 1))
    distance = phi - side.mean[..., None, :]
    return distance**2 * (-0.5 / predictive)[..., None, :] - 0.5 * np.log(predictive)[..., None, :]
