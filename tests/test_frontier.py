"""The frontier by hand, and its probabilities."""

from __future__ import annotations

import pytest

from engine.assessment.frontier import frontier
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


def test_a_frontier_wants_equal_numbers_of_pairs_and_one_attack() -> None:
    for others in ([_setting(0.9, 0.8, pairs=8)], [headline(attack="loss", pairs=4)], None):
        with pytest.raises(InvalidValueError, match="equal numbers of pairs"):
            frontier([_setting(0.9, 0.8), *others] if others else [])


def test_probabilities_are_the_same_on_every_screen() -> None:
    settings = [_setting(0.9, 0.8, reach=0.1), _setting(0.88, 0.78, reach=0.1)]
    assert frontier(settings) == frontier(settings)
