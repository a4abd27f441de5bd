"""Attacks that accuse a record when one statistic of the target reaches a threshold chosen on shadows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.signals import Signals


class _Thresholds(NamedTuple):
    """Thresholds τ (...,), and where both members and non-members stood behind the choice (...,)."""

    tau: NDArray[np.float64]
    founded: NDArray[np.bool_]


def loss(target: Signals, shadows: Signals, masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Loss threshold: a record is accused when the target's loss on it is at most the threshold.

    Source: Yeom et al. 2018, section 3.2, with the threshold of best balanced accuracy on the shadows. The
    loss log(1 + e^−φ) falls as φ rises, so φ ≥ τ is the same decision, free of ties between small losses.

    Args:
        target: signals of T models.
        shadows: signals of S models.
        masks: (..., S, N) of the shadows.

    Returns:
        (..., T, N) φ − τ.
    """
    tau = _best_threshold(shadows.phi.ravel(), _flat(masks)).tau
    return target.phi - tau[..., None, None]


def confidence_by_class(target: Signals, shadows: Signals, masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Confidence with a threshold for each class: a record of class y is accused when F(x)_y ≥ τ_y.

    Source: Song & Mittal 2021, section 3.2. Each τ_y has the best balanced accuracy on the shadows' records of
    class y. Confidence is taken on the logit scale φ, which changes no decision. A class without
    members or without non-members among the shadows takes the threshold of all classes.

    Args:
        target: signals of T models.
        shadows: signals of S models.
        masks: (..., S, N) of the shadows.

    Returns:
        (..., T, N) φ − τ_y.
    """
    tau = np.empty((*masks.shape[:-2], masks.shape[-1]))
    founded = np.empty(tau.shape, dtype=bool)
    for label in np.unique(shadows.labels):
        own = np.flatnonzero(shadows.labels == label)
        chosen = _best_threshold(shadows.phi[:, own].ravel(), _flat(masks[..., own]))
        tau[..., own], founded[..., own] = chosen.tau[..., None], chosen.founded[..., None]
    if not founded.all():
        everyone = _best_threshold(shadows.phi.ravel(), _flat(masks)).tau
        tau = np.where(founded, tau, everyone[..., None])
    return target.phi - tau[..., None, :]


def _flat(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(..., S, N) as (..., S·N)."""
    return masks.reshape(*masks.shape[:-2], -1)


def _best_threshold(values: NDArray[np.float64], members: NDArray[np.bool_]) -> _Thresholds:
    """The observed value τ at which "member iff value ≥ τ" has the best balanced accuracy; the first best wins.

    Candidates are taken in rising order, so the order of the records decides nothing.

    Args:
        values: (V,), of all shadows.
        members: (..., V).
    """
    order = np.argsort(values)
    rising = values[order]
    exact = np.int32 if values.size**2 < 2**31 else np.int64  # holds the product of two counts
    total = members.sum(axis=-1, dtype=exact)[..., None]
    below = np.cumsum(members[..., order], axis=-1, dtype=exact)  # members before the next candidate
    # ½(TPR + TNR) = ½ + gain / (2·total·(V − total)) in exact integers. The smallest value accuses all: gain 0;
    # so does the entry after the largest value, which accuses none and is never chosen.
    gain = np.arange(1, values.size + 1, dtype=exact) * total - values.size * below
    gain[..., :-1][..., rising[1:] == rising[:-1]] = 0  # no threshold passes between equal values
    best = np.where(gain.max(axis=-1) > 0, gain.argmax(axis=-1) + 1, 0)
    return _Thresholds(rising[best], ((total > 0) & (total < values.size))[..., 0])
