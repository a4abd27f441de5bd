"""What a threshold that falls through a row of scores finds: AUC, TPR at an FPR, balanced accuracy, curve.

Scores are (..., N), one row per target; ``members`` says which records the target trained on. Records with
equal scores pass the threshold together, as in scikit-learn's ``roc_curve``, so their order changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.assessment.values import RocCurve

# Twenty steps per decade where curves are drawn on a logarithmic axis, then steps of .02.
_CURVE_FPR = np.unique(
    np.concatenate(([0.0], np.logspace(-4, -1, 61), np.linspace(0.1, 1.0, 46))).round(10),
)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Counts while the threshold falls; entry i of a row is for the i + 1 highest scores.

    Attributes:
        true_positives: (..., N) members at or above the threshold.
        false_positives: (..., N) non-members at or above the threshold.
        reachable: (..., N) whether a threshold can stop here, that is, not between equal scores.
    """

    true_positives: NDArray[np.int64]
    false_positives: NDArray[np.int64]
    reachable: NDArray[np.bool_]

    @property
    def members(self) -> NDArray[np.int64]:
        """(...,) members of each row."""
        return self.true_positives[..., -1]

    @property
    def non_members(self) -> NDArray[np.int64]:
        """(...,) non-members of each row."""
        return self.false_positives[..., -1]


def sweep(scores: NDArray[np.float64], members: NDArray[np.bool_]) -> Sweep:
    """The counts of every row.

    Args:
        scores: (..., N).
        members: (..., N), of the same shape or with more leading dimensions; each row of scores is sorted once.
    """
    falling = np.argsort(-scores, axis=-1)
    ordered = np.take_along_axis(scores, falling, axis=-1)
    reachable = np.ones(scores.shape, dtype=bool)
    reachable[..., :-1] = ordered[..., 1:] != ordered[..., :-1]
    lead = members.ndim - scores.ndim
    hits = np.take_along_axis(members, falling.reshape((1,) * lead + falling.shape), axis=-1)
    true_positives = np.cumsum(hits, axis=-1, dtype=np.int64)
    return Sweep(
        true_positives=true_positives,
        false_positives=np.arange(1, scores.shape[-1] + 1) - true_positives,
        reachable=np.broadcast_to(reachable, hits.shape),
    )


def auc(swept: Sweep) -> NDArray[np.float64]:
    """(...,) area under each ROC curve by trapezoids; ½ where a row has no members or no non-members.

    Equals the probability that a member scores above a non-member, ties counted half.
    """
    found, alarms = _held(swept.true_positives, swept), _held(swept.false_positives, swept)
    steps = np.diff(alarms, axis=-1, prepend=0)
    twice_area = np.einsum("...i,...i->...", steps, found)
    twice_area += np.einsum("...i,...i->...", steps[..., 1:], found[..., :-1])
    cells = 2 * swept.members * swept.non_members
    return np.where(cells > 0, twice_area / np.maximum(cells, 1), 0.5)


def _held(counts: NDArray[np.int64], swept: Sweep) -> NDArray[np.int64]:
    """Counts at the last reachable threshold, so that a run of equal scores is one step."""
    if swept.reachable.all():
        return counts
    return np.maximum.accumulate(np.where(swept.reachable, counts, 0), axis=-1)


def tpr_at_fpr(swept: Sweep, fpr: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest TPR whose FPR does not exceed ``fpr``, and the smallest FPR at which it is reached.

    Both are (...,); 0 and 0 when only the threshold above all scores satisfies ``fpr``.
    """
    alarm_rate = swept.false_positives / swept.non_members[..., None]
    allowed = swept.reachable & (alarm_rate <= fpr)
    found = np.where(allowed, swept.true_positives, 0)
    most = found.max(axis=-1, keepdims=True)
    cheapest = np.where(allowed & (found == most), alarm_rate, 1.0).min(axis=-1)
    return most[..., 0] / swept.members, np.where(most[..., 0] > 0, cheapest, 0.0)


def balanced_accuracy(scores: NDArray[np.float64], members: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(...,) the mean of TPR and true negative rate when "member" is said at scores of at least 0."""
    accused = scores >= 0
    found = (accused & members).sum(axis=-1) / members.sum(axis=-1)
    spared = (~accused & ~members).sum(axis=-1) / (~members).sum(axis=-1)
    return (found + spared) / 2


def mean_curve(swept: Sweep) -> RocCurve:
    """The TPR that ``tpr_at_fpr`` gives on a fixed grid of FPRs, averaged over all rows."""
    rates = np.stack([tpr_at_fpr(swept, fpr)[0] for fpr in _CURVE_FPR], axis=-1)
    return RocCurve(fpr=_CURVE_FPR.copy(), tpr=rates.reshape(-1, _CURVE_FPR.size).mean(axis=0))
