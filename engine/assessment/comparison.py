"""Is one setting really better than another? Paired differences of two cohorts trained on the same masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.assessment.intervals import over_pairs
from engine.assessment.leakage import AUC, FIRST_TPR, one_record, pair_figures, setup_of
from engine.assessment.values import Interval
from engine.attacks import ATTACKS
from engine.signals import Signals
from engine.validate import InvalidValueError, choice


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Second minus first, each with its 95 % interval, in [−1, 1].

    Attributes:
        train_accuracy: difference on the members.
        test_accuracy: difference on the contested non-members.
        auc: difference of the attack's AUC; positive means that the second leaks more.
        tpr: difference of the attack's TPR at 1 % FPR.
        pairs: complementary pairs on either side.
    """

    train_accuracy: Interval
    test_accuracy: Interval
    auc: Interval
    tpr: Interval
    pairs: int


def compare(first: Sequence[Signals], second: Sequence[Signals], masks: NDArray[np.bool_], attack: str) -> Comparison:
    """Paired comparison of two cohorts.

    Masks are common random numbers: pair p of both cohorts was trained on the same records, so what the choice of
    records does to both cancels in their difference. Accuracies use Student t over pairs of the pair's difference;
    the leakage of attacks with shadows uses the delete-one-pair jackknife of the difference, the pair left out on
    both sides.

    Args:
        first: the signals of the first cohort, one for each of its draws.
        second: likewise of the second; the number of draws may differ.
        masks: (M, N) of both.
        attack: a key of ``ATTACKS``.

    Raises:
        InvalidValueError: for an unknown attack or cohorts of different shape.
    """
    choice("attack", attack, ATTACKS)
    for signals in (*first, *second):
        if signals.phi.shape != masks.shape:
            raise InvalidValueError(f"signals must have shape {masks.shape}, got {signals.phi.shape}")
    one, two = (pair_figures(draws, masks, setup_of(attack)) for draws in (first, second))
    difference, worth = two.minus(one), one_record(masks)

    return Comparison(
        train_accuracy=_accuracy_difference(first, second, masks),
        test_accuracy=_accuracy_difference(first, second, ~masks),
        auc=difference.interval(AUC, least=worth, bottom=-1.0),
        tpr=difference.interval(FIRST_TPR, least=worth, bottom=-1.0),
        pairs=len(masks) // 2,
    )


def _accuracy_difference(first: Sequence[Signals], second: Sequence[Signals], chosen: NDArray[np.bool_]) -> Interval:
    """Difference of the accuracies on the chosen records (M, N), Student t over pairs."""
    one, two = (np.mean([signals.correct for signals in draws], axis=0) for draws in (first, second))
    counts = chosen.sum(axis=1)
    by_model = ((two - one) * chosen).sum(axis=1) / counts
    return over_pairs(by_model.reshape(-1, 2).mean(axis=1), least=1 / float(counts.mean()), bottom=-1.0)
