"""The frontier of utility against leakage: which settings no other beats, and how sure that is. NumPy alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.assessment.values import Headline, Interval
from engine.seeds import generator
from engine.validate import InvalidValueError

_DRAWS = 2000
_NORMAL = 1.959963984540054  # the 97.5 % quantile


@dataclass(frozen=True, kw_only=True)
class Frontier:
    """Settings on the plane of test accuracy against attack AUC, in the order in which they were given.

    Attributes:
        on: whether no other setting is at least as accurate and leaks at most as much, with one of the two strict.
        probability: how often that is so when both numbers of every setting are drawn from normal distributions as
            wide as their intervals, independently of each other. Settings compared on the same masks vary together,
            so true probabilities are farther from ½.
        knee: the position of the setting on the frontier that is farthest from the line between its ends, both axes
            scaled to the frontier's extent; None with fewer than three on it.
    """

    on: tuple[bool, ...]
    probability: tuple[float, ...]
    knee: int | None


def frontier(headlines: Sequence[Headline], *, seed: int = 0) -> Frontier:
    """The frontier of some settings, each measured on the same number of pairs under the same attack.

    Args:
        headlines: at least one.
        seed: of the draws.

    Raises:
        InvalidValueError: without headlines, or when numbers of pairs or attacks differ: the number of shadows is
            part of what is measured.
    """
    if len({(each.pairs, each.attack) for each in headlines}) != 1:
        raise InvalidValueError("a frontier needs settings with equal numbers of pairs, under the same attack")
    utility = np.array([each.test_accuracy.estimate for each in headlines])
    leakage = np.array([each.auc.estimate for each in headlines])
    random = generator(seed, "frontier")
    draws = [_drawn([getattr(each, name) for each in headlines], random) for name in ("test_accuracy", "auc")]
    on = _undominated(utility, leakage)
    return Frontier(
        on=tuple(on.tolist()),
        probability=tuple(_undominated(*draws).mean(axis=0).tolist()),
        knee=_knee(utility, leakage, np.flatnonzero(on)),
    )


def _drawn(intervals: Sequence[Interval], random: np.random.Generator) -> NDArray[np.float64]:
    """(draws, S) normal numbers around the estimates; where an end is cut off, the other one says how wide."""
    estimate, low, high = np.array([(each.estimate, each.low, each.high) for each in intervals]).T
    spread = np.maximum(estimate - low, high - estimate) / _NORMAL
    return estimate + spread * random.normal(size=(_DRAWS, estimate.size))


def _undominated(utility: NDArray[np.float64], leakage: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(..., S) whether no other of the settings is better in one and at least as good in the other."""
    beaten = np.zeros(utility.shape, dtype=bool)
    for rival in range(utility.shape[-1]):
        better, safer = utility[..., [rival]] - utility, leakage - leakage[..., [rival]]
        beaten |= (better >= 0) & (safer >= 0) & ((better > 0) | (safer > 0))
    return ~beaten


def _knee(utility: NDArray[np.float64], leakage: NDArray[np.float64], on: NDArray[np.intp]) -> int | None:
    """The point of the frontier with the largest distance above the line between its ends (Satopää et al. 2011)."""
    if np.unique(utility[on]).size < 3:
        return None
    better, worse = (_scaled(each[on]) for each in (utility, leakage))
    return int(on[np.argmax(better - worse)])


def _scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """To [0, 1]; on a frontier both numbers rise together, so the line between its ends is the diagonal."""
    return (values - values.min()) / (values.max() - values.min())
