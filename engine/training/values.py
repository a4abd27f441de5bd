"""What training gives back: NumPy values that the cache and the dashboard can hold without torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.packages import Package


@dataclass(frozen=True, kw_only=True)
class TrainedWave:
    """The models of one wave.

    Attributes:
        parameters: by name, float32 arrays of shape (M, …), M models first.
        masks: (M, N) bool, which contested records each model trained on; rows 2p and 2p + 1 are complements.
        checkpoints: the parameters after earlier epochs of the same training, by epoch.
        trained_with: the versions of what trained them; empty where nobody recorded them.
    """

    parameters: dict[str, NDArray[np.float32]]
    masks: NDArray[np.bool_]
    checkpoints: dict[int, dict[str, NDArray[np.float32]]] = field(default_factory=dict)
    trained_with: tuple[Package, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EpochReport:
    """How a wave stands after an epoch.

    Attributes:
        epoch: epochs done, from 1.
        epochs: epochs to do.
        train_accuracy: (M,) on each model's members.
        test_accuracy: (M,) on each model's contested non-members.
        loss_auc: (M,) AUC of the loss-threshold attack, which needs no shadows.
    """

    epoch: int
    epochs: int
    train_accuracy: NDArray[np.float64]
    test_accuracy: NDArray[np.float64]
    loss_auc: NDArray[np.float64]
