"""Do the intervals hold what they promise? Simulated at the level of signals, through the real code."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest

from engine.assessment.assess import accuracy
from engine.assessment.intervals import at_least_binomial
from engine.assessment.leakage import leakage, pair_figures, setup_of
from engine.assessment.values import Interval
from tests.attack_cells import SIMULATED
from tests.planted import complementary_masks, planted_records, planted_signals

# 2,000 repetitions are the promise; a daily run makes do with fewer. Fixed before the first run, as is the seed.
REPETITIONS = 2000 if os.environ.get("PRIVACYDIAL_FULL") == "1" else 300
SEED = 20260101
RECORDS = 400
MEASURES = ("auc", "balanced accuracy", "TPR at 1 % FPR", "test accuracy")


def _intervals(random: np.random.Generator, pairs: int, attack: str) -> list[Interval]:
    """The intervals of one repetition: the records stay, masks and models are drawn anew."""
    records = planted_records(np.random.default_rng(SEED), RECORDS, shift=1.5)
    masks = complementary_masks(random, pairs, RECORDS)
    signals = planted_signals(random, records, masks)
    leaked = leakage(pair_figures([signals], masks, setup_of(attack)), masks)
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
@pytest.mark.parametrize("attack", SIMULATED)
def test_intervals_cover_the_truth_and_are_not_wasteful(attack: str, pairs: int) -> None:
    """Coverage ≥ 95 % − 3 binomial standard errors, mean width ≤ 2.2 × that from the known deviation.

    300 repetitions by default; ``PRIVACYDIAL_FULL=1`` makes 2,000.
    """
    random = np.random.default_rng([SEED, pairs])
    repetitions = [_intervals(random, pairs, attack) for _ in range(REPETITIONS)]
    broken = []
    for measure, column in zip(MEASURES, zip(*repetitions, strict=True), strict=True):
        covered = _coverage(list(column))
        width = float(np.mean([each.high - each.low for each in column]))
        ratio = width / _known_width(measure, list(column))
        report = f"{attack}, {pairs} pairs, {measure}: coverage {covered:.3f}, width {width:.4f}, × {ratio:.2f}"
        print(report)
        if covered < 0.95 - 3 * math.sqrt(0.95 * 0.05 / REPETITIONS) or ratio > 2.2:
            broken.append(report)
    assert not broken
