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
    error = float(values.std(ddof=1)) / math.sqrt(values.size)
    return _around(float(values.mean()), _t(values.size) * error, least, bottom)


def jackknife(estimate: float, deleted: NDArray[np.float64], *, least: float, bottom: float = 0.0) -> Interval:
    """Delete-one-pair jackknife, Student t with P − 1 degrees of freedom.

    Source: Tukey 1958. Variance = (P − 1)/P · Σ (θ₋ₚ − mean θ₋)².

    Args:
        estimate: θ from all pairs, in [bottom, 1].
        deleted: (P,) θ₋ₚ, recomputed without pair p as target and as shadow.
        least: half-width below which no interval goes; one record's worth.
        bottom: the smallest possible value; −1 for differences.
    """
    pairs = deleted.size
    error = math.sqrt((pairs - 1) / pairs * float(((deleted - deleted.mean()) ** 2).sum()))
    return _around(estimate, _t(pairs) * error, least, bottom)


def at_least_binomial(interval: Interval, trials: float) -> Interval:
    """The interval, widened to the Clopper–Pearson interval of its estimate on ``trials`` records.

    Source: Clopper & Pearson 1934.

    Args:
        interval: of a rate.
        trials: records behind the rate in one target; the mean over targets, so it need not be whole.
    """
    hits = interval.estimate * trials
    misses = trials - hits
    low = betaincinv(hits, misses + 1, _TAIL) if hits > 0 else 0.0
    high = betaincinv(hits + 1, misses, 1 - _TAIL) if misses > 0 else 1.0
    return Interval(
        estimate=interval.estimate,
        low=min(interval.low, float(low)),
        high=max(interval.high, float(high)),
    )


def _t(pairs: int) -> float:
    """The 97.5 % quantile of Student t with pairs − 1 degrees of freedom."""
    return float(stdtrit(pairs - 1, 1 - _TAIL))


def _around(estimate: float, half_width: float, least: float, bottom: float) -> Interval:
    """The interval around a number in [bottom, 1]."""
    reach = max(half_width, least)
    return Interval(estimate=estimate, low=max(bottom, estimate - reach), high=min(1.0, estimate + reach))
