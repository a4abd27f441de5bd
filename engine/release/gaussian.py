"""The Gaussian mechanism, exactly: what noise N(0, σ²I) on a value of L2 sensitivity Δ proves.

Balle & Wang 2018, "Improving the Gaussian mechanism for differential privacy: analytical calibration and optimal
denoising". The classical σ = Δ √(2 ln(1.25/δ)) / ε is proved for ε below 1 only and is never used here.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy.optimize import root_scalar
from scipy.special import log_ndtr

from engine.validate import number

_LARGEST_EPSILON = 1e6


def delta(contested: int) -> float:
    """δ = 1e-5, or for N > 10,000 contested records the next power of ten that is at most 1 / (10 N)."""
    return min(1e-5, 10.0 ** math.floor(-math.log10(10 * contested)))


def delta_of(epsilon: float, *, sensitivity: float, sigma: float) -> float:
    """The smallest δ at which noise of standard deviation σ gives (ε, δ)-DP; exact (theorem 8).

    δ = Φ(Δ/2σ − εσ/Δ) − e^ε Φ(−Δ/2σ − εσ/Δ)

    Raises:
        InvalidValueError: when ε is negative, or Δ or σ is not positive.
    """
    epsilon = number("ε", epsilon, at_least=0, at_most=_LARGEST_EPSILON)
    ratio = number("sensitivity", sensitivity, above=0) / number("σ", sigma, above=0)
    return math.exp(_log_delta(epsilon, ratio))


def sigma_for(epsilon: float, *, delta: float, sensitivity: float) -> float:
    """The smallest σ whose noise gives (ε, δ)-DP to a value of sensitivity Δ: the inverse of ``delta_of``.

    Raises:
        InvalidValueError: when ε or Δ is not positive, or δ is outside (0, 1).
    """
    epsilon = number("ε", epsilon, above=0, at_most=_LARGEST_EPSILON)
    wanted = math.log(number("δ", delta, above=0, below=1))
    number("sensitivity", sensitivity, above=0)
    low = high = 0.0  # of ln(Δ/σ), in which δ grows
    while _log_delta(epsilon, math.exp(low)) > wanted:
        low -= 1
    while _log_delta(epsilon, math.exp(high)) < wanted:
        high += 1
    ratio = _root(lambda log_ratio: _log_delta(epsilon, math.exp(log_ratio)) - wanted, low, high)
    return sensitivity / math.exp(ratio)


def epsilon_of(delta: float, *, sensitivity: float, sigma: float) -> float:
    """The smallest ε at which noise of standard deviation σ gives (ε, δ)-DP; 0 where δ alone is enough.

    Raises:
        InvalidValueError: when δ is outside (0, 1), or Δ or σ is not positive.
    """
    wanted = math.log(number("δ", delta, above=0, below=1))
    ratio = number("sensitivity", sensitivity, above=0) / number("σ", sigma, above=0)
    if _log_delta(0.0, ratio) <= wanted:
        return 0.0
    high = 1.0
    while _log_delta(high, ratio) > wanted:
        high *= 2
    return _root(lambda epsilon: _log_delta(epsilon, ratio) - wanted, 0.0, high)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a monotone function of one number is zero, as near as doubles allow; either end may be the place."""
    return low if low == high else float(root_scalar(function, bracket=(low, high), xtol=1e-15, rtol=1e-15).root)


def _log_delta(epsilon: float, ratio: float) -> float:
    """The logarithm of δ from ε and Δ/σ; logarithms keep digits that the difference of two tails would lose."""
    first = float(log_ndtr(ratio / 2 - epsilon / ratio))
    second = epsilon + float(log_ndtr(-ratio / 2 - epsilon / ratio))
    return first + math.log(-math.expm1(second - first)) if second < first else -math.inf
