"""Every model is a target: attacked with all the others as shadows, except its own complement.

Rows 2p and 2p + 1 of a cohort are pair p; their masks are complementary. With the whole pair left out every
record is IN for exactly half of the shadows, whatever the target's mask. The complement, left in, would reveal
that mask. The shadows may answer as models of another recipe or release that were trained on the same masks (the
attacker who does not adapt); the target's pair is left out of them too.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from engine.attacks.attack import Attack
from engine.signals import Signals, lazily_of_models


def models_of(pairs: Iterable[int]) -> NDArray[np.intp]:
    """The rows of the models of some pairs, in order."""
    return np.array([row for pair in pairs for row in (2 * pair, 2 * pair + 1)], dtype=np.intp)


def scores_with(
    pairs: Iterable[int],
    helpers: Iterable[int],
    attack: Attack,
    signals: Signals,
    masks: NDArray[np.bool_],
    shadows: Signals | None = None,
) -> NDArray[np.float64]:
    """Scores (..., 2·len(pairs), N) of the models of some pairs, with the models of others as shadows.

    Args:
        pairs: the pairs that are attacked, in the order of the result.
        helpers: the pairs that serve as shadows.
        attack: one of ``ATTACKS``.
        signals: of the M models of the cohort.
        masks: (..., M, N) of the cohort.
        shadows: of M models trained on the same masks, if not those of the cohort.
    """
    rows = models_of(helpers)
    others = signals if shadows is None else shadows
    return attack(lazily_of_models(signals, models_of(pairs)), lazily_of_models(others, rows), masks[..., rows, :])


def scores_without(
    pairs: tuple[int, ...],
    attack: Attack,
    signals: Signals,
    masks: NDArray[np.bool_],
    shadows: Signals | None = None,
) -> NDArray[np.float64]:
    """Scores (..., 2·len(pairs), N) of the models of some pairs, with the models of all other pairs as shadows.

    Args:
        pairs: the pairs that are left out and attacked, in the order of the result.
        attack: one of ``ATTACKS``.
        signals: of the M models of the cohort.
        masks: (..., M, N) of the cohort.
        shadows: of M models trained on the same masks, if not those of the cohort.
    """
    rest = [pair for pair in range(len(signals.phi) // 2) if pair not in pairs]
    return scores_with(pairs, rest, attack, signals, masks, shadows)


def cohort_scores(
    attack: Attack, signals: Signals, masks: NDArray[np.bool_], shadows: Signals | None = None
) -> NDArray[np.float64]:
    """Scores (..., M, N) of all models of a cohort, each attacked with its own pair left out.

    Args:
        attack: one of ``ATTACKS``.
        signals: of the M models, at least two pairs.
        masks: (..., M, N); leading dimensions are alternative masks for the same signals.
        shadows: of M models trained on the same masks, if not those of the cohort.
    """
    pairs = range(len(signals.phi) // 2)
    return np.concatenate([scores_without((pair,), attack, signals, masks, shadows) for pair in pairs], axis=-2)


def halves(pairs: int) -> tuple[range, range]:
    """The first and the second half of the pairs."""
    return range(pairs // 2), range(pairs // 2, pairs)


def halved_scores(
    attack: Attack, signals: Signals, masks: NDArray[np.bool_], shadows: Signals | None = None
) -> NDArray[np.float64]:
    """Scores (..., M, N) as of ``cohort_scores``, for attacks that are costly to fit: each half attacks the other.

    Two fits serve all models, where leaving out each pair takes as many as there are pairs.

    Args:
        attack: one of ``ATTACKS``.
        signals: of the M models, at least two pairs.
        masks: (..., M, N); leading dimensions are alternative masks for the same signals.
        shadows: of M models trained on the same masks, if not those of the cohort.
    """
    first, second = halves(len(signals.phi) // 2)
    parts = ((first, second), (second, first))
    return np.concatenate([scores_with(*part, attack, signals, masks, shadows) for part in parts], axis=-2)
