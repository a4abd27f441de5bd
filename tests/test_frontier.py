"""The frontier by hand, and its probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from engine.assessment.frontier import band, frontier
from engine.assessment.values import Headline, Interval
from engine.validate import InvalidValueError
from tests.handmade import headline


def _setting(utility: float, leakage: float, *, reach: float = 0.001, pairs: int = 4) -> Headline:
    return headline(
        pairs=pairs,
        test_accuracy=Interval(estimate=utility, low=utility - reach, high=utility + reach),
        auc=Interval(estimate=leakage, low=leakage - reach, high=leakage + reach),
    )


def test_a_setting_is_on_the_frontier_when_no_other_beats_it() -> None:
    found = frontier([_setting(0.9, 0.8), _setting(0.8, 0.6), _setting(0.7, 0.7), _setting(0.9, 0.85)])
    assert found.on == (True, True, False, False)


def test_equal_settings_do_not_beat_each_other() -> None:
    assert frontier([_setting(0.9, 0.8), _setting(0.9, 0.8)]).on == (True, True)


def test_probabilities_are_sure_where_intervals_are_narrow_and_not_where_they_are_wide() -> None:
    clear = [_setting(0.9, 0.8), _setting(0.8, 0.9)]
    assert frontier(clear).probability == (1.0, 0.0)
    wide = frontier([_setting(0.9, 0.8, reach=0.2), _setting(0.9, 0.8, reach=0.2)]).probability
    # Of two alike, each is beaten when both of its numbers are the worse ones: once in four.
    assert wide == pytest.approx((0.75, 0.75), abs=0.03)


def test_a_cut_off_end_does_not_make_an_interval_look_narrow() -> None:
    cut = Interval(estimate=1.0, low=0.8, high=1.0)
    settings = [headline(test_accuracy=cut), headline(test_accuracy=cut)]
    assert frontier(settings).probability[0] == pytest.approx(0.75, abs=0.03)


def test_the_knee_is_farthest_from_the_line_between_the_ends() -> None:
    settings = [_setting(0.5, 0.5), _setting(0.85, 0.55), _setting(0.9, 0.75), _setting(0.95, 0.9)]
    assert frontier(settings).knee == 1
    assert frontier(settings[:2]).knee is None


def test_a_sharp_knee_is_clear_and_one_of_wide_intervals_is_not() -> None:
    bend = [(0.5, 0.5), (0.7, 0.55), (0.88, 0.6), (0.89, 0.7), (0.9, 0.8)]
    sharp = frontier([_setting(utility, leakage, reach=0.004) for utility, leakage in bend])
    assert (sharp.knee, sharp.clear_knee, sharp.knee_probability) == (2, 2, 1.0)
    blurred = frontier([_setting(utility, leakage, reach=0.1) for utility, leakage in bend])
    assert (blurred.knee, blurred.clear_knee) == (2, None)


@pytest.mark.parametrize("settings", [3, 5, 9])
def test_a_straight_frontier_seldom_has_a_clear_knee(settings: int) -> None:
    random, sd, runs = np.random.default_rng(0), 0.005, 200
    leakage = np.linspace(0.55, 0.8, settings)
    noise = sd * random.normal(size=(runs, 2, settings))
    found = [
        frontier(
            [
                _setting(utility, auc, reach=1.96 * sd)
                for utility, auc in zip(0.5 + 1.2 * (leakage - 0.55) + up, leakage + across, strict=True)
            ]
        )
        for up, across in noise
    ]
    false = sum(each.clear_knee is not None for each in found)
    # 5 % at most; 17 or more of 200 would come up in 3 % of such tests where it is exactly 5 %.
    assert false <= 18


def test_the_band_is_a_staircase_over_the_best_settings_where_intervals_are_narrow() -> None:
    made = band([_setting(0.7, 0.6, reach=1e-6), _setting(0.9, 0.8, reach=1e-6), _setting(0.6, 0.7, reach=1e-6)])
    expected = np.where(made.leakage < 0.8, 0.7, 0.9)
    away = np.abs(made.leakage - 0.8) > 1e-4
    assert made.low[away] == pytest.approx(expected[away], abs=1e-4)
    assert made.high[away] == pytest.approx(expected[away], abs=1e-4)
    assert made.leakage[0] == pytest.approx(0.6, abs=1e-4)


def test_the_band_rises_and_holds_what_a_naive_attainment_finds() -> None:
    settings = [_setting(0.7, 0.6, reach=0.05), _setting(0.9, 0.8, reach=0.05), _setting(0.8, 0.7, reach=0.05)]
    made = band(settings)
    assert (np.diff(made.low) >= 0).all()
    assert (np.diff(made.high) >= 0).all()
    random = np.random.default_rng(1)
    for at in (15, 40):
        best = []
        for _ in range(2000):
            drawn = [
                (s.test_accuracy.estimate, s.auc.estimate) + 0.05 / 1.96 * random.normal(size=2) for s in settings
            ]
            reached = [utility for utility, leakage in drawn if leakage <= made.leakage[at]]
            best += [max(reached)] if reached else []
        assert np.quantile(best, 0.025) == pytest.approx(made.low[at], abs=0.02)
        assert np.quantile(best, 0.975) == pytest.approx(made.high[at], abs=0.02)


def test_a_frontier_wants_equal_numbers_of_pairs_and_one_attack() -> None:
    for others in ([_setting(0.9, 0.8, pairs=8)], [headline(attack="loss", pairs=4)], None):
        with pytest.raises(InvalidValueError, match="equal numbers of pairs"):
            frontier([_setting(0.9, 0.8), *others] if others else [])


def test_probabilities_are_the_same_on_every_screen() -> None:
    settings = [_setting(0.9, 0.8, reach=0.1), _setting(0.88, 0.78, reach=0.1)]
    assert frontier(settings) == frontier(settings)
