"""Why is a record at risk? Properties of records, and how each goes with the risk.

Song & Mittal 2021, section 6, relate risk to input sensitivity, to the generalization error of the class and to the
model's representation; their code for it is not public, so the definitions here are our own.

A property comes as (P, N): one value for each pair, so that intervals can leave pairs out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from engine.assessment.intervals import jackknife
from engine.assessment.ranks import rank_correlation
from engine.assessment.risk import PairRisk, of_members
from engine.assessment.values import Interval, Reason

NEIGHBOURS = 10
_ROWS_AT_ONCE = 1000


def reasons(pairs: PairRisk, properties: Mapping[str, NDArray[np.float64]]) -> tuple[Reason, ...]:
    """Rank correlation, over records, of the risk with each property; delete-one-pair jackknife, for these N records.

    Args:
        pairs: the risk of the cohort.
        properties: (P, N) by name.
    """
    return tuple(Reason(name=name, correlation=_correlation(pairs, values)) for name, values in properties.items())


def sensitivity(jacobian_norm: NDArray[np.float64], masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(P, N) how much the model that trained on the record answers to small changes of it.

    Args:
        jacobian_norm: (M, N).
        masks: (M, N).
    """
    return of_members(jacobian_norm, masks)


def class_gap(
    correct: NDArray[np.bool_], masks: NDArray[np.bool_], labels: NDArray[np.integer]
) -> NDArray[np.float64]:
    """(P, N) accuracy on members minus accuracy on non-members, among the records of the same class.

    Args:
        correct: (M, N).
        masks: (M, N).
        labels: (N,).
    """
    same = labels == np.unique(labels)[:, None]  # (C, N)
    inside, outside = (((correct & side) @ same.T) / np.maximum(side @ same.T, 1) for side in _as_numbers(masks))
    by_class = (inside - outside).reshape(len(masks) // 2, 2, -1).mean(axis=1)
    return by_class @ same


def neighbourhood(
    embedding: NDArray[np.floating], labels: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean Euclidean distance to the ``NEIGHBOURS`` nearest other records, and the share of them with another label.

    Args:
        embedding: (N, d) activations before the last layer, of one model; N above ``NEIGHBOURS``.
        labels: (N,).

    Returns:
        (N,) and (N,).
    """
    points = np.asarray(embedding, dtype=np.float64)
    points = points - points.mean(axis=0)
    squares = (points**2).sum(axis=1)
    distance, disagreement = np.empty(len(points)), np.empty(len(points))
    for start in range(0, len(points), _ROWS_AT_ONCE):
        rows = np.arange(start, min(start + _ROWS_AT_ONCE, len(points)))
        apart = squares[rows, None] + squares - 2 * points[rows] @ points.T
        apart[np.arange(rows.size), rows] = np.inf
        nearest = np.argpartition(apart, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        close = np.maximum(np.take_along_axis(apart, nearest, axis=1), 0.0)
        distance[rows] = np.sqrt(close).mean(axis=1)
        disagreement[rows] = (labels[nearest] != labels[rows, None]).mean(axis=1)
    return distance, disagreement


def _correlation(pairs: PairRisk, values: NDArray[np.float64]) -> Interval:
    """Spearman's ρ of the mean risk and the mean property, and its jackknife."""
    count = len(pairs.member)
    without = (values.sum(axis=0) - values) / (count - 1)  # (P, N) mean over all other pairs
    estimate = rank_correlation(pairs.member.mean(axis=0), values.mean(axis=0))
    least = 1 / values.shape[1]
    return jackknife(float(estimate), rank_correlation(pairs.deleted, without), least=least, bottom=-1.0)


def _as_numbers(masks: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Members and non-members as 1 and 0, for matrix products."""
    return masks.astype(np.int64), (~masks).astype(np.int64)
