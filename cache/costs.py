"""What a training would cost in seconds, before it is trained: estimated from trainings that were timed here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from cache.reports import Effort, Timed

Basis = Literal["similar", "others", "typical"]
"""What an estimate rests on: trainings of one family timed here, of other families, or none at all."""

# One thread of the machine on which this was written (README, "Benchmarks"): what a step costs whatever its size,
# and what a weight costs for a record of a model. Only their ratio matters where trainings were timed.
_STEP, _WORK = 4e-4, 1.3e-10
_NEAREST = 5


@dataclass(frozen=True, kw_only=True)
class Cost:
    """An estimate.

    Attributes:
        seconds: of one worker, for all waves that are missing.
        basis: what it rests on.
        trainings: how many timed ones.
    """

    seconds: float
    basis: Basis
    trainings: int


def cost(todo: Effort, waves: int, timed: Sequence[Timed]) -> Cost:
    """The seconds that waves would take.

    The typical seconds of the effort, times how much slower than typical the nearest trainings of the same family
    were here (the median of five), or those of other families where there is none.

    Args:
        todo: the effort of one wave.
        waves: how many are missing.
        timed: trainings that were timed here.
    """
    kin = [each for each in timed if each.effort.family == todo.family]
    near = sorted(kin or timed, key=lambda each: _distance(each.effort, todo))[:_NEAREST]
    slower = median(each.seconds / _typical(each.effort) for each in near) if near else 1.0
    return Cost(
        seconds=waves * slower * _typical(todo),
        basis="similar" if kin else "others" if near else "typical",
        trainings=len(near),
    )


def _typical(of: Effort) -> float:
    """Seconds of one wave."""
    return _STEP * of.steps + _WORK * of.work


def _distance(one: Effort, other: Effort) -> float:
    return abs(math.log(_typical(one) / _typical(other)))
