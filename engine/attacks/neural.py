"""The neural shadow attack: a small network learns from the shadows what answers on members look like."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.attacks.order import mixed_order
from engine.signals import Signals

if TYPE_CHECKING:
    from sklearn.neural_network import MLPClassifier

_CASES = 2000  # answers that the network is fitted to, drawn from all: bounds the time of a fit
_BATCH = 200
_STEPS = 250
_LEAST = 1e-12  # of a probability before its logarithm is taken


def neural(target: Signals, shadows: Signals, masks: NDArray[np.bool_], /) -> NDArray[np.float64]:
    """Log odds of membership by a network fitted to the shadows' answers.

    Source: Shokri et al. 2017, section V-D, with one attack model for all classes and sorted outputs as in Salem et
    al. 2019. It reads the largest probabilities in falling order (as logarithms), the label and whether
    the prediction is right. One hidden layer of 32 ReLUs; 250 steps of Adam on batches of 200, from up to 2,000
    answers that are drawn by ``mixed_order`` and shown in that order, so that the order of the records decides
    nothing. One fit for each of the alternative masks. Where the drawn answers are all of members or all of
    non-members every score is 0.

    Args:
        target: signals of T models.
        shadows: signals of S models.
        masks: (..., S, N) of the shadows.

    Returns:
        (..., T, N), within ±log(1 / 10⁻¹²).
    """
    classes = int(max(target.labels.max(), shadows.labels.max())) + 1
    asked = features(target, classes).reshape(*target.phi.shape, -1)
    answers = features(shadows, classes)
    flat = masks.reshape(-1, len(answers))
    scores = np.stack([_scores(asked, answers, members) for members in flat])
    return scores.reshape(*masks.shape[:-2], *target.phi.shape)


def features(signals: Signals, classes: int) -> NDArray[np.float64]:
    """(T·N, F), one row for each answer, in about [−7, 1]."""
    models, records = signals.phi.shape
    outputs = np.log(np.maximum(signals.top.astype(np.float64), _LEAST)) / 4
    label = np.broadcast_to(np.eye(classes)[signals.labels], (models, records, classes))
    rows = np.concatenate([outputs, label, signals.correct[..., None].astype(np.float64)], axis=-1)
    return rows.reshape(models * records, -1)


def _scores(
    asked: NDArray[np.float64], answers: NDArray[np.float64], members: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(T, N) from features (T, N, F)."""
    chosen = mixed_order(answers, members)[:_CASES]
    if members[chosen].all() or not members[chosen].any():
        return np.zeros(asked.shape[:2])
    network = _fitted(answers[chosen], members[chosen])
    # One target at a time: a product of other rows would round differently.
    chance = np.stack([np.asarray(network.predict_proba(each))[:, 1] for each in asked])
    held = np.clip(chance, _LEAST, 1 - _LEAST)
    return np.log(held) - np.log1p(-held)


def _fitted(answers: NDArray[np.float64], members: NDArray[np.bool_]) -> MLPClassifier:
    """The network after all steps; their number is fixed, so there is nothing to converge."""
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(hidden_layer_sizes=(32,), learning_rate_init=0.01, shuffle=False, random_state=0)
    for _ in range(_STEPS // math.ceil(len(answers) / _BATCH)):
        network.partial_fit(answers, members, classes=[False, True])
    return network
