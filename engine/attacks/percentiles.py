"""Attacks that ask where the target's loss on a record stands among losses of non-members.

They know no members, so there is no best threshold: a record is accused when it looks more like a member than half
of what it stands among.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.attacks.attack import for_all_masks, required
from engine.signals import Signals

_GREATEST_LOSS = 1000.0  # the loss beyond which Attack-R puts the percentile 1
_ROUNDING = 1e-9  # of a place, so that a loss equal to a middle one is decided as the attack decides it


def attack_r(target: Signals, shadows: Signals, masks: NDArray[np.bool_], /) -> NDArray[np.float64]:
    """½ − the percentile of the target's loss among the n shadows without the record.

    Source: Ye et al. 2022, section 4 (attack R). Percentiles are interpolated between the sorted losses
    0, ℓ_1, …, ℓ_n, 1000, the i-th of which stands at i/(n + 1), as in the reference code; a loss equal to several
    takes the middle of them. A record that all shadows trained on scores 0.

    Args:
        target: signals of T models.
        shadows: signals of S models.
        masks: (..., S, N) of the shadows.

    Returns:
        (..., T, N) in [−½, ½].
    """
    outside = ~masks
    number = outside.sum(axis=-2)
    places = np.stack([_place(losses, shadows.loss, outside) for losses in target.loss], axis=-2)
    return np.where((number > 0)[..., None, :], 0.5 - places / (number + 1)[..., None, :], 0.0)


def undecided(outside: int) -> float:
    """The |score| of attack R below which a loss lies between the two middle ones of n, where n is even; 0 where odd.

    Args:
        outside: n, the number of shadows without the record.
    """
    return (0.5 - _ROUNDING) / (outside + 1) if outside % 2 == 0 else 0.0


def _place(
    losses: NDArray[np.float64], others: NDArray[np.float64], outside: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Where losses (N,) stand among those of the shadows (S, N) that are outside (..., S, N), in 0 … n + 1."""
    smaller, equal = outside & (others < losses), others == losses
    count = smaller.sum(axis=-2, dtype=np.int32)
    ties = (outside & equal).sum(axis=-2, dtype=np.int32) if equal.any() else np.zeros((), dtype=np.int32)
    low = np.where(smaller, others, 0.0).max(axis=-2)
    high = np.where(outside & (others > losses), others, _GREATEST_LOSS).min(axis=-2)
    inner = high > losses  # beyond a loss of 1000 there is nothing to interpolate towards
    between = np.where(inner, losses - low, 1.0) / np.where(inner, high - low, 1.0)
    return count + np.where(ties > 0, (ties + 1) / 2, between)


def attack_p(target: Signals, _: Signals, masks: NDArray[np.bool_], /) -> NDArray[np.float64]:
    """The share of public records with a greater loss on the target itself, ties counted half, minus ½.

    Source: Ye et al. 2022, section 4 (attack P). The order of losses is that of −φ. No shadow is read.

    Args:
        target: signals of T models, with those on public records.
        masks: (..., S, N), of which only the leading dimensions matter.

    Returns:
        (..., T, N) in [−½, ½].
    """
    public = required(target.public, "attack_p", "the model's answers on public records")
    scores = [
        np.searchsorted(rising, phi, "left") + np.searchsorted(rising, phi, "right")
        for phi, rising in zip(target.phi, np.sort(public.phi), strict=True)
    ]
    return for_all_masks(np.array(scores) / (2 * public.phi.shape[1]) - 0.5, masks)


def quantile_regression(target: Signals, _: Signals, masks: NDArray[np.bool_], /) -> NDArray[np.float64]:
    """(φ − m_y) / s_y: how many deviations φ lies above what the target gives public records of the class y.

    Source: Bertran et al. 2023, section 3, in the form with a Gaussian head, whose quantile at level q is
    m + s Φ⁻¹(q). The attack of the paper is stronger: it regresses on the record itself, with a network trained for
    that. This one is conditioned on the label alone, for signals hold no more of a record; then the loss
    log s + (φ − m)²/(2s²) is least at each class's own mean and deviation, and no network is needed. The score in
    the paper is the margin z_y − max z_j over the other classes j, here it is φ. A class with fewer than two public
    records takes those of all classes. No shadow is read.

    Args:
        target: signals of T models, with those on public records.
        masks: (..., S, N), of which only the leading dimensions matter.

    Returns:
        (..., T, N).
    """
    public = required(target.public, "quantile_regression", "the model's answers on public records")
    scores = np.empty(target.phi.shape)
    for label in np.unique(target.labels):
        of_class = public.labels == label
        # In one piece for each target, or sums would round otherwise where there are several.
        seen = np.ascontiguousarray(public.phi[:, of_class]) if of_class.sum() > 1 else public.phi
        own = target.labels == label
        deviation = np.maximum(seen.std(axis=1, keepdims=True), _LEAST_DEVIATION)
        scores[:, own] = (target.phi[:, own] - seen.mean(axis=1, keepdims=True)) / deviation
    return for_all_masks(scores, masks)


_LEAST_DEVIATION = 1e-15
