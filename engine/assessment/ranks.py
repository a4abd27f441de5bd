"""Spearman's rank correlation of records."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rank_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman's ρ between rows (..., N) of both; equal values share their mean rank, and a constant row gives 0.

    Source: Spearman 1904.
    """
    from scipy.stats import rankdata

    first, second = (rankdata(each, axis=-1) for each in (one, other))
    first, second = (each - each.mean(axis=-1, keepdims=True) for each in (first, second))
    scale = np.sqrt((first**2).sum(axis=-1) * (second**2).sum(axis=-1))
    product = (first * second).sum(axis=-1)
    return np.where(scale > 0, product / np.where(scale > 0, scale, 1.0), 0.0)
