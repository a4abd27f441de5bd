"""What threshold attacks compare with a threshold: one number for each model and record, higher for members.

Each statistic is taken on a scale on which small differences near 0 survive the subtraction of a threshold; the
scale changes no order and no decision.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.attacks.attack import required
from engine.signals import Signals

Statistic = Callable[[Signals], NDArray[np.float64]]
"""From signals to (T, N), higher for members."""

_LEAST = np.finfo(np.float64).smallest_subnormal
_MOST = np.finfo(np.float64).max / 4  # the difference of two is still a number


def correctness(signals: Signals) -> NDArray[np.float64]:
    """1 where the label has the largest probability, else 0 (Song & Mittal 2021, section 3.2)."""
    return signals.correct.astype(np.float64)


def confidence(signals: Signals) -> NDArray[np.float64]:
    """The probability of the label, F(x)_y, on the logit scale φ (Song & Mittal 2021, section 3.2)."""
    return signals.phi


def loss(signals: Signals) -> NDArray[np.float64]:
    """The negative loss −log F(x)_y, on the logit scale φ (Yeom et al. 2018, section 3.2).

    The loss is log(1 + e^−φ): it falls as φ rises, so this is the same statistic as ``confidence``.
    """
    return confidence(signals)


def entropy(signals: Signals) -> NDArray[np.float64]:
    """−log H of the entropy H = −Σ_i F(x)_i log F(x)_i (Song & Mittal 2021, equation 7)."""
    return _falling(signals.entropy)


def modified_entropy(signals: Signals) -> NDArray[np.float64]:
    """−log M of the entropy M that knows the label (Song & Mittal 2021, equation 8; see ``Signals``)."""
    return _falling(signals.modified_entropy)


def augmented_loss(signals: Signals) -> NDArray[np.float64]:
    """The mean loss over changed copies, as the φ of a record with that loss (Kaya & Dumitras 2021, section 3).

    Of the paper's five reductions over copies (mean, median, least, greatest, deviation) this is the mean.
    """
    copies = required(
        signals.augmented, "powerful_loss_augmented", "the model's answers on changed copies of records"
    )
    return phi_of_loss(np.mean([copy.loss for copy in copies], axis=0))


def robustness_to_augmentation(signals: Signals) -> NDArray[np.float64]:
    """Share of changed copies, the record itself included, that get the right label (Choquette-Choo et al. 2021)."""
    copies = required(
        signals.augmented, "robustness_to_augmentation", "the model's answers on changed copies of records"
    )
    return np.mean([copy.correct for copy in copies], axis=0)


def robustness_to_noise(signals: Signals) -> NDArray[np.float64]:
    """Share of noisy copies that get the right label (Choquette-Choo et al. 2021)."""
    copies = required(signals.noisy, "robustness_to_noise", "the model's answers on noisy copies of records")
    return np.mean([copy.correct for copy in copies], axis=0)


def gradient_norm(signals: Signals) -> NDArray[np.float64]:
    """−log ‖∇_θ loss‖₂: the loss of a member has been made flat by training on it (Nasr et al. 2019)."""
    return _falling(required(signals.gradient_norm, "gradient_norm", "the norms of the loss's gradients"))


def distance_l2(signals: Signals) -> NDArray[np.float64]:
    """Minus the least L2 change after which the model is confident of the label; our reading of Kaya et al. 2020."""
    distance = required(signals.distance_l2, "distance_l2", "the L2 distances after which the model is confident")
    return -np.minimum(distance, _MOST)


def distance_linf(signals: Signals) -> NDArray[np.float64]:
    """Likewise, the largest change of one feature; a distance of 0 is shared by all records already confident."""
    distance = required(signals.distance_linf, "distance_linf", "the L∞ distances after which the model is confident")
    return -np.minimum(distance, _MOST)


def phi_of_loss(loss: NDArray[np.float64]) -> NDArray[np.float64]:
    """The φ at which log(1 + e^−φ) is this loss; a loss of at most 0 gives the φ of the least loss there is."""
    positive = np.maximum(loss, _LEAST)
    return -positive - np.log(-np.expm1(-positive))


def _falling(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """−log of what is small for members, which keeps apart values far below the threshold."""
    return -np.log(np.clip(values, _LEAST, _MOST))
