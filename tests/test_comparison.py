"""Paired differences: by hand, against the null, against a known truth."""

from __future__ import annotations

import numpy as np
import pytest

from engine.assessment.comparison import compare
from engine.assessment.leakage import setup_of
from engine.assessment.roc import auc, sweep
from engine.attacks import ATTACKS
from engine.validate import InvalidValueError
from tests.attack_cells import SIMULATED
from tests.planted import complementary_masks, planted_records, planted_signals


def two_cohorts(seed, shifts, *, pairs=4, records=200):
    """Signals of two cohorts on the same records and masks, with different mean shifts of members."""
    random = np.random.default_rng(seed)
    masks = complementary_masks(random, pairs, records)
    base = planted_records(random, records, shift=1.0)
    cohorts = []
    for shift in shifts:
        planted = type(base)(ease=base.ease, shift=shift * base.shift, labels=base.labels)
        cohorts.append((planted_signals(random, planted, masks),))
    return cohorts[0], cohorts[1], masks


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_differences_are_those_of_the_two_cohorts(attack):
    first, second, masks = two_cohorts(0, (1.0, 2.0))
    found = compare(first, second, masks, attack)
    aucs = [auc(sweep(setup_of(attack).scores(draws[0], None, masks), masks)).mean() for draws in (first, second)]
    assert found.auc.estimate == pytest.approx(aucs[1] - aucs[0], abs=1e-12)
    right = [np.mean([draws[0].correct[m][~masks[m]].mean() for m in range(8)]) for draws in (first, second)]
    assert found.test_accuracy.estimate == pytest.approx(right[1] - right[0], abs=1e-12)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_cohort_against_itself_is_no_difference_and_no_interval_has_zero_width(attack):
    first, _, masks = two_cohorts(1, (1.0, 1.0))
    found = compare(first, first, masks, attack)
    for interval in (found.train_accuracy, found.test_accuracy, found.auc, found.tpr):
        assert interval.estimate == 0
        assert interval.low < 0 < interval.high


def test_swapping_the_cohorts_turns_the_signs():
    first, second, masks = two_cohorts(2, (0.5, 1.5))
    there, back = compare(first, second, masks, "lira"), compare(second, first, masks, "lira")
    assert (there.auc.estimate, there.auc.low, there.auc.high) == pytest.approx(
        (-back.auc.estimate, -back.auc.high, -back.auc.low), abs=1e-12
    )


@pytest.mark.parametrize("attack", SIMULATED)
def test_intervals_of_differences_cover_zero_where_both_leak_alike(attack):
    """The null of "B leaks more than A": at most 5 % + 3 standard errors of the intervals exclude 0."""
    repetitions = 200
    misses = 0
    for seed in range(repetitions):
        first, second, masks = two_cohorts(1000 + seed, (1.0, 1.0), records=120)
        interval = compare(first, second, masks, attack).auc
        misses += not interval.low <= 0 <= interval.high
    assert misses / repetitions <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / repetitions)


def test_a_planted_difference_is_found():
    first, second, masks = two_cohorts(5, (0.5, 2.0), pairs=6, records=400)
    assert compare(first, second, masks, "lira").auc.low > 0.05


def test_cohorts_of_different_shape_are_refused():
    first, _, masks = two_cohorts(6, (1.0, 1.0))
    fewer = first[0].of_models(slice(0, 6))
    with pytest.raises(InvalidValueError, match=r"signals must have shape \(8, 200\), got \(6, 200\)"):
        compare(first, (fewer,), masks, "lira")
