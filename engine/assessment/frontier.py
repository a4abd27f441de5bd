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
_STEPS, _BAND_DRAWS = 60, 500  # of a band
_CHANCE = 0.05
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
        knee_probability: how often, over the same draws, the knee is farther from that line than both of its
            neighbours on the frontier; 0 without a knee.
    """

    on: tuple[bool, ...]
    probability: tuple[float, ...]
    knee: int | None
    knee_probability: float = 0.0

    @property
    def clear_knee(self) -> int | None:
        """The knee where it can be told from its neighbours, else None.

        It is the largest of as many distances as there are settings between the ends, each of which could have
        stood out by chance; 5 % are shared out among them (Bonferroni).
        """
        between = sum(self.on) - 2
        return self.knee if between > 0 and self.knee_probability >= 1 - _CHANCE / between else None


@dataclass(frozen=True, kw_only=True)
class Band:
    """What accuracy can be had at most leakage: the staircase over the best settings, with what is not known of it.

    Attributes:
        leakage: (G,) AUCs, ascending.
        low: (G,) of the best test accuracy among settings that leak at most this, the 2.5 % quantile over draws.
        high: (G,) the 97.5 % quantile.
    """

    leakage: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


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
    draws = _both_drawn(headlines, seed)
    on = _undominated(utility, leakage)
    best = np.flatnonzero(on)
    knee = _knee(utility, leakage, best)
    return Frontier(
        on=tuple(on.tolist()),
        probability=tuple(_undominated(*draws).mean(axis=0).tolist()),
        knee=knee,
        knee_probability=0.0 if knee is None else _stands_out(knee, best, (utility, leakage), draws),
    )


def band(headlines: Sequence[Headline], *, seed: int = 0) -> Band:
    """The band of the frontier, over a quarter of the draws that its probabilities are made of.

    No line is drawn between settings: at every AUC the band holds the best accuracy among those that leak at most
    this, so it goes up in steps (the attainment function of Grunert da Fonseca, Fonseca and Hall 2001, section 2).
    It begins where some setting leaks at most this in 97.5 % of the draws.

    Args:
        headlines: at least one.
        seed: of the draws.
    """
    utility, leakage = (drawn[:_BAND_DRAWS] for drawn in _both_drawn(headlines, seed))
    order = leakage.argsort(axis=1)
    sorted_leakage = np.take_along_axis(leakage, order, axis=1)
    best = np.maximum.accumulate(np.take_along_axis(utility, order, axis=1), axis=1)
    grid = np.linspace(np.quantile(sorted_leakage[:, 0], 0.975), np.quantile(leakage, 0.995), _STEPS)
    reached = (sorted_leakage[:, :, None] <= grid).sum(axis=1)  # settings that leak at most this
    # Where nothing leaks so little, which is seldom from the grid's first value on, the least leaky one stands in.
    attained = np.take_along_axis(best, np.maximum(reached - 1, 0), axis=1)
    low, high = np.quantile(attained, [0.025, 0.975], axis=0)
    return Band(leakage=grid, low=low, high=high)


def _both_drawn(headlines: Sequence[Headline], seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(draws, S) test accuracies and AUCs."""
    random = generator(seed, "frontier")
    utility, leakage = (
        _drawn([getattr(each, name) for each in headlines], random) for name in ("test_accuracy", "auc")
    )
    return utility, leakage


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


def _scaled(values: NDArray[np.float64], by: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """To [0, 1]; on a frontier both numbers rise together, so the line between its ends is the diagonal."""
    ends = values if by is None else by
    return (values - ends.min()) / (ends.max() - ends.min())


def _stands_out(
    knee: int,
    on: NDArray[np.intp],
    estimates: tuple[NDArray[np.float64], NDArray[np.float64]],
    draws: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> float:
    """How often the knee is farther from the line between the ends than both neighbours on the frontier."""
    along = on[estimates[1][on].argsort(kind="stable")]
    better, worse = (_scaled(drawn[:, along], each[on]) for drawn, each in zip(draws, estimates, strict=True))
    distance, place = better - worse, int(np.flatnonzero(along == knee)[0])
    beside = distance[:, [at for at in (place - 1, place + 1) if 0 <= at < along.size]]
    return float((distance[:, [place]] > beside).all(axis=1).mean())
