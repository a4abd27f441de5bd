"""Every model is a target: attacked with all the others as shadows, except its own complement.

Rows 2p and 2p + 1 of a cohort are pair p; their masks are complementary. With the whole pair left out every
record is IN for exactly half of the shadows, whatever the target's mask. The complement, left in, would reveal
that mask.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.attacks.attack import Attack
from engine.signals import Signals


def scores_without(
    pairs: tuple[int, ...], attack: Attack, signals: Signals, masks: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Scores (..., 2·len(pairs), N) of the models of some pairs, with the models of all other pairs as shadows.

    Args:
        pairs: the pairs that are left out and attacked, in the order of the result.
        attack: one of ``ATTACKS``.
        signals: of the M models of the cohort.
        masks: (..., M, N) of the cohort.
    """
    targets = np.array([row for pair in pairs for row in (2 * pair, 2 * pair + 1)])
    shadows = np.setdiff1d(np.arange(signals.phi.shape[0]), targets)
    return attack(signals.of_models(targets), signals.of_models(shadows), masks[..., shadows, :])


def cohort_scores(attack: Attack, signals: Signals, masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Scores (..., M, N) of all models of a cohort, each attacked with its own pair left out.

    Args:
        attack: one of ``ATTACKS``.
        signals: of the M models, at least two pairs.
        masks: (..., M, N); leading dimensions are alternative masks for the same signals.
    """
    pairs = range(signals.phi.shape[0] // 2)
    return np.concatenate([scores_without((pair,), attack, signals, masks) for pair in pairs], axis=-2)
