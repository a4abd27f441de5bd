"""Attacks that accuse a record when one statistic of the target reaches a threshold.

A threshold is chosen by a rule from values of the statistic whose membership the attacker knows: those of shadows
here, those of the target itself in ``informed``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.attacks.order import mixed_order
from engine.attacks.statistic import Statistic, phi_of_loss
from engine.signals import Signals


class Known(NamedTuple):
    """Values of a statistic whose membership the attacker knows.

    Attributes:
        values: (V,).
        members: (..., V); leading dimensions are alternative masks.
        labels: (V,).
    """

    values: NDArray[np.float64]
    members: NDArray[np.bool_]
    labels: NDArray[np.int64]


Rule = Callable[[Known, NDArray[np.int64]], NDArray[np.float64]]
"""From what is known and the labels (N,) of the records asked about to thresholds, (..., N) or (..., 1)."""


@dataclass(frozen=True, kw_only=True)
class Thresholded:
    """The attack that accuses a record when the target's statistic on it is at least the threshold.

    Attributes:
        statistic: what is compared.
        rule: how thresholds follow from values with known membership.
    """

    statistic: Statistic
    rule: Rule

    def __call__(self, target: Signals, shadows: Signals, masks: NDArray[np.bool_], /) -> NDArray[np.float64]:
        """(..., T, N): the statistic minus its threshold, which the rule chooses on the shadows.

        Args:
            target: signals of T models.
            shadows: signals of S models.
            masks: (..., S, N) of the shadows.
        """
        known = Known(
            values=self.statistic(shadows).ravel(),
            members=masks.reshape(*masks.shape[:-2], -1),
            labels=np.tile(shadows.labels, len(shadows.phi)),
        )
        return self.statistic(target) - self.rule(known, target.labels)[..., None, :]


def right_or_wrong(known: Known, _: NDArray[np.int64]) -> NDArray[np.float64]:
    """Halfway between 0 and 1, without looking at anything known: (..., 1)."""
    return np.full((*known.members.shape[:-1], 1), 0.5)


def best_for_all(known: Known, _: NDArray[np.int64]) -> NDArray[np.float64]:
    """One threshold for all classes, (..., 1): the known value with the best balanced accuracy."""
    return _best_threshold(known.values, known.members).tau[..., None]


def best_by_class(known: Known, asked: NDArray[np.int64]) -> NDArray[np.float64]:
    """A threshold τ_y for each class, (..., N): the best on the known values of class y.

    Source: Song & Mittal 2021, section 3.2. A class without members or without non-members among the known
    takes the threshold of all classes.
    """
    tau = np.empty((*known.members.shape[:-1], len(asked)))
    founded = np.zeros(tau.shape, dtype=bool)
    for label in np.intersect1d(asked, known.labels):
        of_class, here = np.flatnonzero(known.labels == label), np.flatnonzero(asked == label)
        chosen = _best_threshold(known.values[of_class], known.members[..., of_class])
        tau[..., here], founded[..., here] = chosen.tau[..., None], chosen.founded[..., None]
    return tau if founded.all() else np.where(founded, tau, best_for_all(known, asked))


def average_member_loss(known: Known, _: NDArray[np.int64]) -> NDArray[np.float64]:
    """The φ of the mean loss of known members, (..., 1); of all that is known where it has no members.

    Source: Yeom et al. 2018, section 3.2: a record is accused when its loss is at most the mean training loss.
    The known values are φ.
    """
    losses = np.logaddexp(0.0, -known.values)
    number = known.members.sum(axis=-1)
    of_members = np.einsum("...v,v->...", known.members, losses) / np.maximum(number, 1)
    return phi_of_loss(np.where(number > 0, of_members, losses.mean()))[..., None]


def powerful(known: Known, _: NDArray[np.int64]) -> NDArray[np.float64]:
    """The threshold on the loss that serves best for 100 known members and 100 known non-members, (..., 1) as φ.

    Source: Kaya & Dumitras 2021, section 3. Candidates are 1,001 losses, evenly spaced within five standard
    deviations of the members' mean; the first of greatest advantage TPR − FPR wins. The 100 + 100 are drawn by
    ``mixed_order``; fewer where there are fewer, and where a side is empty the mean of all losses serves.
    """
    losses = np.logaddexp(0.0, -known.values)
    flat = known.members.reshape(-1, len(losses))
    orders = (mixed_order(known.values[:, None], members) for members in flat)
    tau = np.array(
        [_most_advantage(losses[order], members[order]) for order, members in zip(orders, flat, strict=True)]
    )
    return phi_of_loss(tau).reshape(*known.members.shape[:-1], 1)


def _most_advantage(losses: NDArray[np.float64], members: NDArray[np.bool_]) -> float:
    """The threshold from the first ``_CALIBRATED_ON`` losses of each side."""
    inside, outside = (losses[side][:_CALIBRATED_ON] for side in (members, ~members))
    if not inside.size or not outside.size:
        return float(losses.mean())
    candidates = inside.mean() + inside.std() * np.linspace(-5, 5, _CANDIDATES)
    found, alarms = (np.searchsorted(np.sort(side), candidates, "right") / side.size for side in (inside, outside))
    return float(candidates[np.argmax(found - alarms)])


_CALIBRATED_ON = 100
_CANDIDATES = 1001


class _Thresholds(NamedTuple):
    """Thresholds τ (...,), and where both members and non-members stood behind the choice (...,)."""

    tau: NDArray[np.float64]
    founded: NDArray[np.bool_]


def _best_threshold(values: NDArray[np.float64], members: NDArray[np.bool_]) -> _Thresholds:
    """The observed value τ at which "member iff value ≥ τ" has the best balanced accuracy; the first best wins.

    Candidates are taken in rising order, so the order of the records decides nothing.

    Args:
        values: (V,).
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
