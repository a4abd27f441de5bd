"""The axis of attack scores: as it is, or compressed where few scores lie far away from all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LONG_TAIL = 40.0
"""The axis is compressed when its ends lie so many units apart; a quarter of all scores are within a unit of 0."""

BINS = 40
_ENDS = (0.005, 0.995)
_NEAREST = 0.07  # ticks of a compressed axis stand at least this share of its length apart


@dataclass(frozen=True, kw_only=True)
class ScoreAxis:
    """Where scores stand: at s, or at arsinh(s/unit), which is linear up to the unit and logarithmic beyond.

    Attributes:
        low: the score at its left end.
        high: the score at its right end.
        unit: None where the axis is linear.
    """

    low: float
    high: float
    unit: float | None

    def place(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The places of scores."""
        return scores if self.unit is None else np.arcsinh(scores / self.unit)

    def scores(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """The scores at places, the way back."""
        return places if self.unit is None else np.sinh(places) * self.unit

    @property
    def ends(self) -> NDArray[np.float64]:
        """(2,) the places of both ends."""
        return self.place(np.array([self.low, self.high]))

    def steps(self, count: int) -> NDArray[np.float64]:
        """At least ``count`` + 1 scores at even distances; 0, where the attack decides, is one of them or beyond."""
        left, right = self.ends
        width = (right - left) / count
        if not left < 0 < right:
            return self.scores(np.linspace(left, right, count + 1))
        below, above = int(np.ceil(-left / width)), int(np.ceil(right / width))
        return self.scores(width * np.arange(-below, above + 1))  # 0 has its place at 0 on either kind of axis

    def ticks(self) -> dict[str, Any]:
        """Plotly's settings of the ticks; none where it finds them itself."""
        if self.unit is None:
            return {}
        kept: list[float] = []
        left, right = self.ends
        for score in _candidates(max(abs(self.low), abs(self.high))):
            at = float(self.place(np.array(score)))
            apart = all(abs(at - float(self.place(np.array(other)))) >= _NEAREST * (right - left) for other in kept)
            if left <= at <= right and apart:
                kept.append(score)
        shown = sorted(kept)
        named = [f"{score:g}".replace("-", "−") for score in shown]
        return {"tickvals": self.place(np.array(shown)).tolist(), "ticktext": named}


def _candidates(reach: float) -> list[float]:
    """0, then powers of ten from the largest down, on both sides."""
    largest = int(np.floor(np.log10(reach)))
    return [0.0, *(sign * 10.0**power for power in range(largest, largest - 6, -1) for sign in (1, -1))]


def score_axis(scores: NDArray[np.float32]) -> ScoreAxis:
    """The axis on which nearly all of the scores lie."""
    low, high = (float(at) for at in np.quantile(scores, _ENDS))
    reach = 1e-6 * max(1.0, abs(low), abs(high))
    if high - low < reach:  # scores that are all alike still need an axis of some length
        low, high = low - reach, high + reach
    unit = float(np.quantile(np.abs(scores), 0.25))
    long = unit > 0 and high - low > LONG_TAIL * unit
    return ScoreAxis(low=low, high=high, unit=unit if long else None)
