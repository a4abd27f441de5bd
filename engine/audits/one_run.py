"""The one-run audit: a bound that needs (ε, δ)-DP and nothing else, however records hang together."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, expit, gammaln, logit

_HALVINGS = 40


def one_run_p_value(epsilon: float, *, records: int, guesses: int, correct: int, delta: float) -> float:
    """The probability, at most, of so many correct guesses about an (ε, δ)-DP training.

    Source: Steinke, Nasr & Jagielski 2023, the main theorem for approximate DP.
    p = P[B ≥ v] + 2mδ max_{1≤i≤v} P[v − i ≤ B < v] / i, B ~ Binomial(r, e^ε/(1 + e^ε)), at most 1.

    Args:
        epsilon: ε, at least 0.
        records: m, each in the training set with probability ½, independently.
        guesses: r, at most m.
        correct: v, at most r.
        delta: δ.
    """
    return _p_value(epsilon, _log_choices(guesses), records=records, correct=correct, delta=delta)


def one_run_epsilon(*, records: int, guesses: int, correct: int, delta: float, level: float) -> float:
    """The largest ε whose p-value is below the level; 0 where there is none. Arguments as of ``one_run_p_value``."""
    if correct == 0:
        return 0.0
    choices = _log_choices(guesses)

    def excluded(epsilon: float) -> bool:
        return _p_value(epsilon, choices, records=records, correct=correct, delta=delta) < level

    low, high = 0.0, _without_delta(float(guesses), float(correct), level)
    if high <= 0 or not excluded(0.0):
        return 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if excluded(middle) else (low, middle)
    return low


def one_run_roughly(
    *, records: int, guesses: NDArray[np.float64], correct: NDArray[np.float64], delta: float, level: float
) -> NDArray[np.float64]:
    """About what ``one_run_epsilon`` gives for expected counts (...,), which need not be whole.

    Only for choosing how many guesses to make: the maximum of the second term is taken for the binomial's peak,
    1/√(2π r q (1 − q)), at the q that ignores it.
    """
    v, misses = np.maximum(correct, 1e-9), guesses - correct + 1
    share = betaincinv(v, misses, level)
    peak = np.minimum(1.0, 1 / np.sqrt(2 * np.pi * np.maximum(guesses * share * (1 - share), 1e-9)))
    left = level - 2 * records * delta * peak
    q = np.where(left > 0, betaincinv(v, misses, np.maximum(left, 0.0)), 0.0)
    return np.maximum(logit(np.minimum(q, 1 - 1e-15)), 0.0)


def _without_delta(guesses: float, correct: float, level: float) -> float:
    """The ε at which P[B ≥ v] alone is the level; with δ the bound is smaller."""
    return float(logit(betaincinv(correct, guesses - correct + 1, level)))


def _log_choices(guesses: int) -> NDArray[np.float64]:
    """(r + 1,) logarithms of the binomial coefficients."""
    j = np.arange(guesses + 1)
    return gammaln(guesses + 1) - gammaln(j + 1) - gammaln(guesses - j + 1)


def _p_value(epsilon: float, choices: NDArray[np.float64], *, records: int, correct: int, delta: float) -> float:
    """``one_run_p_value`` with the coefficients at hand."""
    guesses = len(choices) - 1
    if correct == 0:
        return 1.0
    tail = float(betainc(correct, guesses - correct + 1, expit(epsilon)))
    j = np.arange(correct - 1, -1, -1)  # v − 1, v − 2, …, 0
    log_share, log_rest = -math.log1p(math.exp(-epsilon)), -math.log1p(math.exp(epsilon))
    below = np.cumsum(np.exp(choices[j] + j * log_share + (guesses - j) * log_rest))
    steepest = float((below / np.arange(1, correct + 1)).max())
    return min(1.0, tail + 2 * records * delta * steepest)
