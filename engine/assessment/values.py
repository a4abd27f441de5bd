"""What an assessment says: frozen values with NumPy arrays, fit for a screen that must not import torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLAIMABLE_FALSE_ALARMS = 10
"""False alarms that must be expected at an FPR before the TPR there is worth claiming."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its 95 % interval, all on the scale of the estimate."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class LowFprRate:
    """The true positive rate (TPR) at a small false positive rate (FPR), and what stands behind it.

    Attributes:
        asked_fpr: the FPR that was asked for, in (0, 1).
        tpr: mean over targets of the largest TPR whose FPR does not exceed ``asked_fpr``.
        achieved_fpr: mean over targets of the FPR at that threshold; each threshold is the target's own.
        expected_false_alarms: asked_fpr × non-members × targets; below 10 the rate should not be claimed.
        non_members: distinct records that are non-members of some target.
    """

    asked_fpr: float
    tpr: Interval
    achieved_fpr: float
    expected_false_alarms: float
    non_members: int

    @property
    def claimable(self) -> bool:
        """Whether enough false alarms are expected for the rate to mean something."""
        return self.expected_false_alarms >= CLAIMABLE_FALSE_ALARMS


@dataclass(frozen=True, kw_only=True)
class NullTest:
    """Randomization test of "no leakage": the signals stay, every pair's mask is drawn anew.

    Attributes:
        p_value: (1 + draws at least as extreme) / (1 + draws), exact under "no leakage".
        draws: how many times all masks were drawn.
    """

    p_value: float
    draws: int


@dataclass(frozen=True, kw_only=True)
class PrivacyClaim:
    """What is proved about the recipe, by an accountant, for one run.

    Attributes:
        epsilon: ε at ``delta``; None where no ε is finite.
        delta: δ.
        accountant: who says so: "PRV", "RDP", "exact", or "none" without an ε.
        relation: how neighbouring data sets differ, and how batches are drawn.
    """

    epsilon: float | None
    delta: float
    accountant: str
    relation: str = "add or remove one record"


@dataclass(frozen=True, kw_only=True)
class Headline:
    """All single numbers of an assessment of one (recipe, release, attack).

    Attributes:
        attack: the attack's name.
        records: N, contested records.
        classes: C, labels.
        pairs: complementary pairs of the cohort; there are 2 × pairs targets.
        shadows: models that each target was attacked with, 2 × pairs − 2.
        draws: K, released copies of each model over which metrics were averaged.
        train_accuracy: on the members, mean over targets.
        test_accuracy: on the contested non-members, mean over targets.
        auc: area under the ROC curve, mean over targets.
        balanced_accuracy: (TPR + TNR)/2 at the threshold chosen on shadows, mean over targets.
        low_fpr: TPR at 1 % and at 0.1 % FPR.
        null_test: the randomization test on the first draw.
        claim: what the accountant proves, None for training without DP-SGD.
    """

    attack: str
    records: int
    classes: int
    pairs: int
    shadows: int
    draws: int
    train_accuracy: Interval
    test_accuracy: Interval
    auc: Interval
    balanced_accuracy: Interval
    low_fpr: tuple[LowFprRate, ...]
    null_test: NullTest
    claim: PrivacyClaim | None

    @property
    def targets(self) -> int:
        """M, the number of models attacked."""
        return 2 * self.pairs

    @property
    def smallest_claimable_fpr(self) -> float:
        """The FPR at which just enough false alarms are expected; below it no TPR should be claimed."""
        rate = self.low_fpr[0]
        return CLAIMABLE_FALSE_ALARMS * rate.asked_fpr / rate.expected_false_alarms


@dataclass(frozen=True, kw_only=True)
class RocCurve:
    """The ROC curve averaged over targets at fixed false positive rates.

    Attributes:
        fpr: (G,) in [0, 1], increasing.
        tpr: (G,) mean TPR at each FPR.
    """

    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ScoreHistogram:
    """Attack scores of members and non-members, pooled over targets (first draw); the attack decides at 0.

    Attributes:
        edges: (B + 1,) bin edges; the outer bins also hold everything beyond.
        members: (B,) counts.
        non_members: (B,) counts.
    """

    edges: NDArray[np.float64]
    members: NDArray[np.int64]
    non_members: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class RecordRisk:
    """LiRA's posterior of membership at prior ½, for each contested record.

    Attributes:
        member: (N,) mean over targets that trained on the record.
        non_member: (N,) mean over targets that did not.
    """

    member: NDArray[np.float64]
    non_member: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Whether claimed posteriors come true: records by posterior, and how many of them were members.

    Attributes:
        edges: (B + 1,) bin edges of the posterior, in [0, 1].
        counts: (B,) cases in the bin, one for each draw, target and record.
        claimed: (B,) mean posterior in the bin, NaN where it is empty.
        observed: (B,) share of members in the bin, NaN where it is empty.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    claimed: NDArray[np.float64]
    observed: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """Utility and leakage of one (recipe, release, attack), each number with its interval."""

    headline: Headline
    roc: RocCurve
    histogram: ScoreHistogram
    risk: RecordRisk
    reliability: Reliability
