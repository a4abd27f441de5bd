"""95 % intervals: Student t over pairs, the delete-one-pair jackknife, Clopper–Pearson.

Pairs serve as each other's shadows, so what their targets yield is correlated and a t-interval over
pairs would be too narrow for any number that uses shadows; the jackknife recomputes the number without one pair
as target and as shadow.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, stdtrit

from engine.assessment.values import Interval

_TAIL = 0.025


def over_pairs(values: NDArray[np.float64], *, least: float, bottom: float = 0.0) -> Interval:
    """Student t with P − 1 degrees of freedom over one value per pair, for numbers that use no shadows.

    Args:
        values: (P,) the mean of each pair's two models, in [bottom, 1].
        least: half-width below which no interval goes; one record's worth.
        bottom: the smallest possible value; −1 for differences.
    """
    return around(float(values.mean()), _t(len(values)) * float(_error(values)), least, bottom)


def jackknife(estimate: float, deleted: NDArray[np.float64], *, least: float, bottom: float = 0.0) -> Interval:
    """Delete-one-pair jackknife, Student t with P − 1 degrees of freedom.

    Source: Tukey 1958. Variance = (P − 1)/P · Σ (θ₋ₚ − mean θ₋)².

    Args:
        estimate: θ from all pairs, in [bottom, 1].
        deleted: (P,) θ₋ₚ, recomputed without pair p as target and as shadow.
        least: half-width below which no interval goes; one record's worth.
        bottom: the smallest possible value; −1 for differences.
    """
    return around(estimate, _t(len(deleted)) * float(jackknife_error(deleted)), least, bottom)


def jackknife_error(deleted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard errors (...,) from what is left without each pair, (P, ...)."""
    pairs = len(deleted)
    return np.sqrt((pairs - 1) / pairs * ((deleted - deleted.mean(axis=0)) ** 2).sum(axis=0))


def of_means(
    means: NDArray[np.float64], values: NDArray[np.float64], *, independent: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % intervals (...,) and (...,) of many means over pairs of something in [0, 1].

    Student t with P − 1 degrees of freedom and a variance to which two imagined pairs, one at 0 and one at 1, add
    ½/(P + 2)²: a few values that are all close to 1 say little about how rare lower ones are, and without the
    addition such intervals cover far too little (the idea of Agresti & Coull 1998).

    Args:
        means: (...,).
        values: (P, ...) the mean without each pair, for the jackknife; or one value for each pair.
        independent: whether it is one value for each pair.
    """
    half = imagined(reach(values, independent=independent), len(values))
    return np.maximum(means - half, 0.0), np.minimum(means + half, 1.0)


def imagined(half: NDArray[np.float64], pairs: int, *, off: float = 0.5) -> NDArray[np.float64]:
    """Half-widths (...,) of 95 % intervals of means over pairs, widened by two imagined pairs.

    Args:
        half: (...,) Student t without them.
        pairs: P.
        off: how far from the middle the two lie, one on either side; they add 2 off² / (P + 2)² to the variance.
    """
    return np.hypot(half, _t(pairs) * math.sqrt(2 * off**2) / (pairs + 2))


def reach(values: NDArray[np.float64], *, independent: bool = False) -> NDArray[np.float64]:
    """Half-widths (...,) of 95 % intervals of many numbers at once, Student t with P − 1 degrees of freedom.

    Args:
        values: (P, ...) as of ``of_means``.
        independent: likewise.
    """
    return _t(len(values)) * (_error(values) if independent else jackknife_error(values))


def band(
    by_pair: NDArray[np.float64], deleted: NDArray[np.float64] | None, *, least: float, trials: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pointwise 95 % intervals (G,) and (G,) of a curve of rates, none narrower than Clopper–Pearson.

    Args:
        by_pair: (P, G) the mean of each pair's two models.
        deleted: (P, G) without each pair, for the jackknife; None for Student t over pairs.
        least: half-width below which no interval goes; one record's worth.
        trials: records behind a rate in one target.
    """
    half = reach(by_pair, independent=True) if deleted is None else reach(deleted)
    estimate, half = by_pair.mean(axis=0), np.maximum(half, least)
    low, high = _clopper_pearson(estimate, trials)
    return np.minimum(np.maximum(estimate - half, 0), low), np.maximum(np.minimum(estimate + half, 1), high)


def at_least_binomial(interval: Interval, trials: float) -> Interval:
    """The interval, widened to the Clopper–Pearson interval of its estimate on ``trials`` records.

    Source: Clopper & Pearson 1934.

    Args:
        interval: of a rate.
        trials: records behind the rate in one target; the mean over targets, so it need not be whole.
    """
    low, high = _clopper_pearson(np.array(interval.estimate), trials)
    return Interval(
        estimate=interval.estimate,
        low=min(interval.low, float(low)),
        high=max(interval.high, float(high)),
    )


def _clopper_pearson(rate: NDArray[np.float64], trials: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both ends for rates (...,) of a number of trials that need not be whole."""
    hits = rate * trials
    misses = trials - hits
    # betaincinv wants positive shapes; where a shape is 0 the end is that of [0, 1].
    low = betaincinv(np.where(hits > 0, hits, 1), misses + 1, _TAIL)
    high = betaincinv(hits + 1, np.where(misses > 0, misses, 1), 1 - _TAIL)
    return np.where(hits > 0, low, 0.0), np.where(misses > 0, high, 1.0)


def _error(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard errors (...,) of the means of independent values (P, ...)."""
    return values.std(axis=0, ddof=1) / math.sqrt(len(values))


def _t(pairs: int) -> float:
    """The 97.5 % quantile of Student t with pairs − 1 degrees of freedom."""
    return float(stdtrit(pairs - 1, 1 - _TAIL))


def around(estimate: float, half_width: float, least: float, bottom: float) -> Interval:
    """The interval around a number in [bottom, 1], at least ``least`` to either side."""
    reach = max(half_width, least)
    return Interval(estimate=estimate, low=max(bottom, estimate - reach), high=min(1.0, estimate + reach))
