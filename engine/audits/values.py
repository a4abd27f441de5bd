"""What audits and ceilings say: frozen values, fit for a screen that must not import torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

BoundName = Literal["one-run", "Clopper–Pearson", "Gaussian DP"]

ASSUMPTIONS: dict[BoundName, str] = {
    "one-run": "valid under (ε, δ)-DP",
    "Clopper–Pearson": "assumes records independent",
    "Gaussian DP": "assumes Gaussian DP and records independent",
}
"""What must hold for each bound to be one."""

MEASURED = "if the measured Δ were the true one"


@dataclass(frozen=True, kw_only=True)
class Guesses:
    """How guesses about one target's records came out; records that no guess was made about are not counted.

    Attributes:
        true_positives: members called members.
        false_positives: non-members called members.
        true_negatives: non-members called non-members.
        false_negatives: members called non-members.
    """

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """True positives, false positives, true negatives, false negatives."""
        return self.true_positives, self.false_positives, self.true_negatives, self.false_negatives

    @property
    def made(self) -> int:
        """Records that a guess was made about."""
        return self.correct + self.false_positives + self.false_negatives

    @property
    def correct(self) -> int:
        """Guesses that were right."""
        return self.true_positives + self.true_negatives


@dataclass(frozen=True, kw_only=True)
class LowerBound:
    """ε from below: the median over targets of bounds that each hold at half the level.

    Attributes:
        name: which audit.
        epsilon: no (ε′, δ)-DP with a smaller ε′ fits what was measured; 0 says nothing.
        delta: the δ of the statement.
        level: the probability, at most, that the bound lies above the true ε.
        guesses: how the guesses came out on the target whose bound is the median.
        records: contested records N.
        targets: models M.
    """

    name: BoundName
    epsilon: float
    delta: float
    level: float
    guesses: Guesses
    records: int
    targets: int

    @property
    def assumption(self) -> str:
        """What must hold for the bound to be one."""
        return ASSUMPTIONS[self.name]


@dataclass(frozen=True, kw_only=True)
class PrivacyProfile:
    """Proved about one training, one record added or removed: P(E | in) ≤ e^ε P(E | out) + δ, for every event E.

    Attributes:
        epsilons: (L,) rising; may be negative, which bounds what happens to non-members.
        deltas: (L,) upper bounds of δ(ε), in [0, 1].
        accountant: "PRV", "exact" or "RDP".
    """

    epsilons: NDArray[np.float64]
    deltas: NDArray[np.float64]
    accountant: str


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """No attack has a higher TPR at any FPR, if the sentence holds.

    Attributes:
        fpr: (G,) rising from 0 to 1.
        tpr: (G,) the ceiling there; a proved one is straight between these points.
        auc: the largest possible AUC.
        advantage: the largest possible TPR − FPR.
        proved: whether it is proved, or rests on a measured sensitivity.
        sentence: what it follows from.
    """

    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]
    auc: float
    advantage: float
    proved: bool
    sentence: str

    @property
    def claim(self) -> str:
        """How far the ceiling can be believed, in words."""
        return "proved" if self.proved else MEASURED


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """Whether the attack does better than a ceiling allows, by a band that holds for all targets at once.

    Attributes:
        crossed: whether the band of any target goes above the ceiling.
        level: the probability, at most, of ``crossed`` where the ceiling holds and records are independent.
        target: the model whose band comes closest to the ceiling, or is farthest above it.
        fpr: (J,) upper bounds of that target's FPR at fixed thresholds.
        tpr: (J,) lower bounds of its TPR at the same thresholds.
        excess: the largest TPR above the ceiling in that band; negative below it.
        sentence: what to make of it.
    """

    crossed: bool
    level: float
    target: int
    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]
    excess: float
    sentence: str
