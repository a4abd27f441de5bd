"""Verdicts that may be looked at after every wave: α is spent over looks at 1, 2, 4, 8, … waves."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from scipy.special import stdtr, stdtrit

from engine.recipe import PAIRS_PER_WAVE

Verdict = Literal["yes", "no", "cannot tell yet"]

ALPHA = 0.05
"""The probability, at most, that any look ever gives a verdict where there is no difference."""

_MOST_WAVES = 64


@dataclass(frozen=True, kw_only=True)
class Look:
    """A difference of leakage as it stood at some number of pairs.

    Attributes:
        difference: second minus first.
        half_width: of its 95 % interval, Student t with pairs − 1 degrees of freedom.
        pairs: P.
    """

    difference: float
    half_width: float
    pairs: int

    @property
    def error(self) -> float:
        """The standard error."""
        return self.half_width / _quantile(ALPHA, self.pairs)

    @property
    def p_value(self) -> float:
        """Two-sided, for this look alone."""
        return float(2 * stdtr(self.pairs - 1, -abs(self.difference) / self.error))


def spent(waves: int) -> float:
    """The share of α of the look at 1, 2, 4, 8, … waves: α/2, α/4, α/8, …, so that all looks together spend α.

    Source: Lan & DeMets 1983, for any number of looks by Bonferroni.
    """
    return ALPHA / (2 * waves)


def verdict_of(looks: Iterable[Look]) -> Verdict:
    """Whether the second leaks less than the first, by the first look that could tell.

    Args:
        looks: at 1, 2, 4, … waves, in order.
    """
    for look in looks:
        if look.p_value <= spent(look.pairs // PAIRS_PER_WAVE):
            return "yes" if look.difference < 0 else "no"
    return "cannot tell yet"


def more_waves(now: Look) -> int | None:
    """About how many further waves a verdict needs, if difference and variance stay as they look.

    The standard error falls with the square root of the number of pairs. None if 64 waves would not do.
    """
    waves = 1
    while waves <= _MOST_WAVES:
        pairs = waves * PAIRS_PER_WAVE
        half = _quantile(spent(waves), pairs) * now.error * math.sqrt(now.pairs / pairs)
        if pairs > now.pairs and half < abs(now.difference):
            return waves - now.pairs // PAIRS_PER_WAVE
        waves *= 2
    return None


def _quantile(alpha: float, pairs: int) -> float:
    """Of Student's t with pairs − 1 degrees of freedom, two-sided."""
    return float(stdtrit(pairs - 1, 1 - alpha / 2))
