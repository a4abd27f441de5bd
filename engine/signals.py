"""Signals: what attacks read from a model's answers, computed once, in float64.

All arrays are NumPy. Logits come from ``engine.models.evaluation``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp


@dataclass(frozen=True, kw_only=True)
class Signals:
    """Answers of T models on N records.

    Attributes:
        phi: (T, N) float64, the logit-scaled confidence φ = z_y − log Σ_{i≠y} exp z_i
            (Carlini et al. 2022, section IV-C). The loss is log(1 + e^{−φ}), the confidence 1 / (1 + e^{−φ}).
        correct: (T, N) bool, whether the label has the largest logit.
        labels: (N,) int64, the true labels y, known to the attacker.
    """

    phi: NDArray[np.float64]
    correct: NDArray[np.bool_]
    labels: NDArray[np.int64]

    @property
    def loss(self) -> NDArray[np.float64]:
        """(T, N) cross-entropy log(1 + e^{−φ}), exact also where the confidence rounds to 1."""
        return np.logaddexp(0.0, -self.phi)

    def of_models(self, index: slice | NDArray[np.intp]) -> Signals:
        """The signals of some of the models."""
        return Signals(phi=self.phi[index], correct=self.correct[index], labels=self.labels)


def signals(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> Signals:
    """Signals from logits.

    Args:
        logits: (T, N, C) float64.
        labels: (N,) int64 in [0, C).
    """
    logits = np.asarray(logits, dtype=np.float64)
    picked = labels[None, :, None]
    own = np.take_along_axis(logits, picked, axis=2)[..., 0]
    others = logits.copy()
    np.put_along_axis(others, picked, -np.inf, axis=2)
    return Signals(
        phi=own - logsumexp(others, axis=2),
        correct=logits.argmax(axis=2) == labels,
        labels=labels,
    )
