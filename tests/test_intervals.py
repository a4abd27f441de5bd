"""Intervals against textbook values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from engine.assessment.intervals import at_least_binomial, jackknife, over_pairs
from engine.assessment.values import Interval

VALUES = np.array([0.5, 0.6, 0.55, 0.65])


def test_over_pairs_is_students_interval() -> None:
    interval = over_pairs(VALUES, least=0.0)
    expected = t.interval(0.95, 3, loc=VALUES.mean(), scale=VALUES.std(ddof=1) / 2)
    assert (interval.low, interval.high) == pytest.approx(expected)
    assert interval.estimate == pytest.approx(0.575)


def test_the_jackknife_of_a_mean_is_students_interval() -> None:
    deleted = np.array([np.delete(VALUES, i).mean() for i in range(4)])
    of_mean = jackknife(float(VALUES.mean()), deleted, least=0.0)
    expected = over_pairs(VALUES, least=0.0)
    assert (of_mean.low, of_mean.high) == pytest.approx((expected.low, expected.high))


def test_the_jackknife_by_hand() -> None:
    # Deviations ±.1 and 0 about the mean: variance 2/3 · .02; t with 2 degrees of freedom is 4.3027.
    interval = jackknife(0.5, np.array([0.4, 0.5, 0.6]), least=0.0)
    half = 4.30265273 * np.sqrt(2 / 3 * 0.02)
    assert (interval.low, interval.high) == pytest.approx((0.5 - half, 0.5 + half))


def test_no_interval_has_zero_width_even_at_the_ends() -> None:
    assert over_pairs(np.ones(4), least=0.01) == Interval(estimate=1.0, low=0.99, high=1.0)
    assert over_pairs(np.zeros(4), least=0.01) == Interval(estimate=0.0, low=0.0, high=0.01)
    flat = jackknife(0.5, np.full(4, 0.5), least=0.01)
    assert (flat.low, flat.high) == (0.49, 0.51)


@given(st.lists(st.floats(0, 1), min_size=3, max_size=9))
def test_intervals_stay_between_0_and_1_and_hold_their_estimate(values: list[float]) -> None:
    interval = over_pairs(np.array(values), least=0.001)
    assert 0 <= interval.low <= interval.estimate + 1e-12
    assert interval.estimate - 1e-12 <= interval.high <= 1
    assert interval.low < interval.high


@pytest.mark.parametrize("hits", [0, 1, 37, 99, 100])
def test_a_rate_is_never_narrower_than_clopper_pearson(hits: int) -> None:
    point = Interval(estimate=hits / 100, low=hits / 100, high=hits / 100)
    expected = binomtest(hits, 100).proportion_ci(0.95, method="exact")
    widened = at_least_binomial(point, 100)
    assert (widened.low, widened.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_an_interval_wider_than_clopper_pearson_stays() -> None:
    wide = Interval(estimate=0.5, low=0.1, high=0.9)
    assert at_least_binomial(wide, 100) == wide
