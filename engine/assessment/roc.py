"""What a threshold that falls through a row of scores finds: AUC, TPR at an FPR, balanced accuracy, curve.

Scores are (..., N), one row per target; ``members`` says which records the target trained on. Records with
equal scores pass the threshold together, as in scikit-learn's ``roc_curve``, so their order changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Twenty steps per decade where curves are drawn on a logarithmic axis, then steps of .02.
CURVE_FPR = np.unique(
    np.concatenate(([0.0], np.logspace(-4, -1, 61), np.linspace(0.1, 1.0, 46))).round(10),
)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What the threshold passes while it falls; entry i of a row is the record with the (i + 1)th highest score.

    Attributes:
        hits: (..., N) whether that record is a member.
        reachable: (..., N) whether a threshold can stop behind it, that is, not between equal scores.
    """

    hits: NDArray[np.bool_]
    reachable: NDArray[np.bool_]

    @cached_property
    def true_positives(self) -> NDArray[np.int64]:
        """(..., N) members at or above the threshold that stops behind each record."""
        return np.cumsum(self.hits, axis=-1, dtype=np.int64)

    @property
    def false_positives(self) -> NDArray[np.int64]:
        """(..., N) likewise the non-members."""
        return np.arange(1, self.hits.shape[-1] + 1) - self.true_positives

    @property
    def members(self) -> NDArray[np.int64]:
        """(...,) members of each row."""
        return np.count_nonzero(self.hits, axis=-1)

    @property
    def non_members(self) -> NDArray[np.int64]:
        """(...,) non-members of each row."""
        return self.hits.shape[-1] - self.members


def sweep(scores: NDArray[np.float64], members: NDArray[np.bool_]) -> Sweep:
    """The order of every row.

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
    return Sweep(hits=hits, reachable=np.broadcast_to(reachable, hits.shape))


def auc(swept: Sweep) -> NDArray[np.float64]:
    """(...,) area under each ROC curve; ½ where a row has no members or no non-members.

    Equals the probability that a member scores above a non-member, ties counted half, and the area by trapezoids.
    It is the sum of the members' ranks (Mann & Whitney 1947); equal scores share their mean rank.
    """
    records, members = swept.hits.shape[-1], swept.members
    if swept.reachable.all():
        twice_places = np.einsum("...i,i->...", swept.hits, 2 * np.arange(records))
    else:
        twice_places = np.einsum("...i,...i->...", swept.hits, _twice_mean_place(swept.reachable))
    return _area(members, records, twice_places)


def auc_once(scores: NDArray[np.float64], members: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(...,) ``auc(sweep(scores, members))`` in less time, for rows whose order serves nothing else.

    The last bit of a score gives way to "is a member", so that sorting takes members along and no index is needed;
    scores that differ in that bit alone count as equal.

    Args:
        scores: (..., N), finite.
        members: (..., N), of the same shape.
    """
    keys = (0.0 - scores).view(np.int64)  # 0 minus makes no −0
    keys ^= (keys >> 63) & np.int64(2**63 - 1)  # whole numbers in the order of the scores
    keys &= -2
    keys |= members
    keys.sort(axis=-1)
    hits = (keys & 1).astype(np.float64)
    keys >>= 1
    reachable = np.ones(keys.shape, dtype=bool)
    reachable[..., :-1] = keys[..., 1:] != keys[..., :-1]
    records = keys.shape[-1]
    if reachable.all():
        twice_places = hits @ np.arange(0.0, 2 * records, 2)  # whole numbers far below 2⁵³: exact
    else:
        twice_places = np.einsum("...i,...i->...", hits, _twice_mean_place(reachable))
    return _area(hits.sum(axis=-1), records, twice_places)


def _area(members: NDArray[Any], records: int, twice_places: NDArray[Any]) -> NDArray[np.float64]:
    """(...,) AUC from the number of members and twice the sum of their places 0 … N − 1, the highest score first."""
    # A member at place p has N − 1 − p records behind it, members among them.
    twice_area = members * (2 * records - 1 - members) - twice_places
    cells = 2 * members * (records - members)
    return np.where(cells > 0, twice_area / np.maximum(cells, 1), 0.5)


def _twice_mean_place(reachable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(..., N) first plus last place of the run of equal scores that each place is in."""
    place = np.arange(reachable.shape[-1])
    begins = np.ones(reachable.shape, dtype=bool)
    begins[..., 1:] = reachable[..., :-1]
    first = np.maximum.accumulate(np.where(begins, place, 0), axis=-1)
    last = np.minimum.accumulate(np.where(reachable, place, place[-1])[..., ::-1], axis=-1)[..., ::-1]
    return first + last


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


def balanced_accuracy(
    scores: NDArray[np.float64], members: NDArray[np.bool_], *, undecided: float = 0.0
) -> NDArray[np.float64]:
    """(...,) the mean of TPR and true negative rate when "member" is said at scores of at least 0.

    Args:
        scores: (..., N).
        members: (..., N).
        undecided: at scores of a smaller |score| a coin says it; its mean is taken.
    """
    if undecided > 0:
        tails, heads = (balanced_accuracy(scores + shift, members) for shift in (-undecided, undecided))
        return (tails + heads) / 2
    accused = scores >= 0
    found = (accused & members).sum(axis=-1) / members.sum(axis=-1)
    spared = (~accused & ~members).sum(axis=-1) / (~members).sum(axis=-1)
    return (found + spared) / 2


def curve(swept: Sweep) -> NDArray[np.float64]:
    """(..., G) the TPR that ``tpr_at_fpr`` gives at each of ``CURVE_FPR``."""
    records = swept.hits.shape[-1]
    alarm_rates = (swept.false_positives / swept.non_members[..., None]).reshape(-1, records)
    stops = np.where(swept.reachable, np.arange(1, records + 1), 0).reshape(-1, records)
    stops = np.maximum.accumulate(stops, axis=-1)  # how many records the last reachable threshold passes
    found = np.concatenate([np.zeros((len(stops), 1)), swept.true_positives.reshape(-1, records)], axis=1)
    rows = []
    for alarms, passed, true_positives in zip(alarm_rates, stops, found, strict=True):
        allowed = np.searchsorted(alarms, CURVE_FPR, side="right")  # records passed without too many alarms
        rows.append(true_positives[np.where(allowed > 0, passed[allowed - 1], 0)])
    return np.array(rows).reshape(*swept.hits.shape[:-1], -1) / swept.members[..., None]
