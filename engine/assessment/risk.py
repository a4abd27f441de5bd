"""The risk of each record, and whether the posteriors behind it come true."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.assessment.values import RecordRisk, Reliability

_BINS = 10


def record_risk(posterior: NDArray[np.float64], masks: NDArray[np.bool_]) -> RecordRisk:
    """Mean posterior of membership over the targets with, and over the targets without, each record.

    Args:
        posterior: (K, M, N) at prior ½.
        masks: (M, N), each record in at least one and out of at least one target.
    """
    mean = posterior.mean(axis=0)
    return RecordRisk(
        member=(mean * masks).sum(axis=0) / masks.sum(axis=0),
        non_member=(mean * ~masks).sum(axis=0) / (~masks).sum(axis=0),
    )


def reliability(posterior: NDArray[np.float64], masks: NDArray[np.bool_]) -> Reliability:
    """Posteriors in ten equal bins against the share of members in each.

    Args:
        posterior: (K, M, N) at prior ½.
        masks: (M, N).
    """
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    bins = np.minimum((posterior * _BINS).astype(np.int64), _BINS - 1).ravel()
    members = np.broadcast_to(masks, posterior.shape).ravel()
    counts = np.bincount(bins, minlength=_BINS)
    present = np.where(counts > 0, counts, np.nan)
    return Reliability(
        edges=edges,
        counts=counts,
        claimed=np.bincount(bins, weights=posterior.ravel(), minlength=_BINS) / present,
        observed=np.bincount(bins, weights=members, minlength=_BINS) / present,
    )
