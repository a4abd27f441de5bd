"""Song and Mittal's privacy risk score: histograms of the modified entropy of shadows, by class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.assessment.risk import precision_recall, reliability
from engine.assessment.values import RecordRisk, RiskScore
from engine.attacks.leave_pair_out import cohort_scores
from engine.signals import Signals

_BINS = 5
_SMALLEST = 1e-10  # logarithmic bins need positive values


class _Histograms(NamedTuple):
    """Of one class: edges (B + 1,), and the share of the shadows' members and non-members in each bin, (B,)."""

    edges: NDArray[np.float64]
    members: NDArray[np.float64]
    non_members: NDArray[np.float64]


def privacy_risk_score(target: Signals, shadows: Signals, masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """P(member | modified entropy, class) at prior ½: r = p_in / (p_in + p_out).

    Source: Song & Mittal 2021, section 4.1, with the histograms of their code: p_in and p_out are shares of the
    shadows' members and non-members of the class in 5 bins, evenly spaced on a logarithmic scale from the smallest to
    the largest value; values beyond count to the outer bins. Where both are 0 the nearest bin that has any serves,
    the left one first. A class without shadows on a side takes the histograms of all classes.

    Args:
        target: signals of T models.
        shadows: signals of S models.
        masks: (S, N) of the shadows.

    Returns:
        (T, N) in [0, 1].
    """
    values, own = (np.maximum(each.modified_entropy, _SMALLEST) for each in (shadows, target))
    everyone = _histograms(values, masks)
    scores = np.empty(own.shape)
    for label in np.unique(target.labels):
        records = np.flatnonzero(target.labels == label)
        found = masks[:, records]
        both_sides = found.any() and not found.all()
        histograms = _histograms(values[:, records], found) if both_sides else everyone
        scores[:, records] = _scored(own[:, records], histograms)
    return scores


def risk_score(signals: Signals, masks: NDArray[np.bool_]) -> RiskScore:
    """The score of every record of a cohort, each target's pair left out of the shadows, and whether it comes true.

    Args:
        signals: of the M models.
        masks: (M, N).
    """
    scores = cohort_scores(privacy_risk_score, signals, masks)
    return RiskScore(
        risk=RecordRisk(
            member=(scores * masks).sum(axis=0) / masks.sum(axis=0),
            non_member=(scores * ~masks).sum(axis=0) / (~masks).sum(axis=0),
        ),
        reliability=reliability(scores[None], masks),
        precision_recall=precision_recall(scores[None], masks),
    )


def _histograms(values: NDArray[np.float64], members: NDArray[np.bool_]) -> _Histograms:
    """Of positive values and whose they are, both of one shape."""
    edges = np.logspace(np.log10(values.min()), np.log10(values.max()), _BINS + 1)
    edges[0], edges[-1] = values.min(), values.max()  # the powers of logarithms miss them by a digit
    shares = []
    for side in (members, ~members):
        counts = np.bincount(_bins(values[side], edges), minlength=_BINS)
        shares.append(counts / max(1, counts.sum()))
    return _Histograms(edges, *shares)


def _bins(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.intp]:
    """The bin of each value, those beyond the edges in the outer bins."""
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, _BINS - 1)


def _scored(values: NDArray[np.float64], histograms: _Histograms) -> NDArray[np.float64]:
    """R of each value."""
    filled = histograms.members + histograms.non_members > 0
    serves = np.array([_nearest(filled, bin_) for bin_ in range(_BINS)])
    inside, outside = histograms.members[serves], histograms.non_members[serves]
    return (inside / (inside + outside))[_bins(values, histograms.edges)]


def _nearest(filled: NDArray[np.bool_], bin_: int) -> int:
    """The bin itself if it holds anything, else the nearest that does, the left one of two."""
    held = np.flatnonzero(filled)
    return int(held[np.lexsort((held, np.abs(held - bin_)))[0]])
