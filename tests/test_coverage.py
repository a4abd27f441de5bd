"""Do the intervals hold what they promise? Simulated at the level of signals, through the real code."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.assessment.assess import accuracy
from engine.assessment.intervals import at_least_binomial
from engine.assessment.leakage import Setup, leakage, pair_figures, setup_of
from engine.assessment.values import Interval
from engine.attacks.likelihood_ratio import lira
from tests.planted import complementary_masks, planted_records, planted_signals
from tests.simulated import SIMULATED, repetitions

REPETITIONS = repetitions(300)
SEED = 20260101
RECORDS = 400
SETUPS = {name: setup_of(name) for name in (*SIMULATED, "attack_r")} | {
    "each half by the other": Setup(attack=lira, costly=True)
}
MEASURES = ("auc", "balanced accuracy", "TPR at 1 % FPR", "test accuracy")
WIDEST = 2.2  # × the width from the known deviation


def _intervals(random: np.random.Generator, pairs: int, setup: Setup) -> list[Interval]:
    """The intervals of one repetition: the records stay, masks and models are drawn anew."""
    records = planted_records(np.random.default_rng(SEED), RECORDS, shift=1.5)
    masks = complementary_masks(random, pairs, RECORDS)
    signals = planted_signals(random, records, masks)
    leaked = leakage(pair_figures([signals], masks, setup), masks)
    return [leaked.auc, leaked.balanced_accuracy, leaked.low_fpr[0].tpr, accuracy([signals], ~masks)]


def _coverage(intervals: list[Interval]) -> float:
    """Share of the intervals that hold the mean estimate."""
    truth = np.mean([each.estimate for each in intervals])
    return float(np.mean([each.low <= truth <= each.high for each in intervals]))


def _known_width(measure: str, intervals: list[Interval]) -> float:
    """The width that the known deviation of the estimate would give.

    A TPR interval is by design never narrower than Clopper–Pearson on one target's counts, so that width is
    the yardstick where it is larger: with many targets it must be, however well their mean is known.
    """
    estimates = np.array([each.estimate for each in intervals])
    known = 2 * 1.96 * float(estimates.std(ddof=1))
    if not measure.startswith("TPR"):
        return known
    point = float(estimates.mean())
    floor = at_least_binomial(Interval(estimate=point, low=point, high=point), RECORDS / 2)
    return max(known, floor.high - floor.low)


@pytest.mark.parametrize("pairs", [4, 8])
@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
def test_intervals_cover_the_truth_and_are_not_wasteful(setup: Setup, pairs: int) -> None:
    """Coverage ≥ 95 % − 3 binomial standard errors, mean width ≤ 2.2 × that from the known deviation.

    300 repetitions by default, of one attack of every kind.
    """
    random = np.random.default_rng([SEED, pairs])
    repeated = [_intervals(random, pairs, setup) for _ in range(REPETITIONS)]
    broken = []
    for measure, column in zip(MEASURES, zip(*repeated, strict=True), strict=True):
        covered = _coverage(list(column))
        width = float(np.mean([each.high - each.low for each in column]))
        ratio = width / _known_width(measure, list(column))
        report = f"{pairs} pairs, {measure}: coverage {covered:.3f}, width {width:.4f}, × {ratio:.2f}"
        print(report)
        if covered < 0.95 - 3 * math.sqrt(0.95 * 0.05 / REPETITIONS) or ratio > WIDEST:
            broken.append(report)
    assert not broken
