"""The engine agrees with the prototype's table; ``python -m tests.benchmarks.prototype`` prints all of it."""

from __future__ import annotations

import pytest

from tests.benchmarks.prototype import TABLE, measure, misses

COVERED = ("digits, no defence", "digits, weight decay 10", "digits, weight noise .05", "digits, DP σ 1")


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("setting", COVERED)
def test_means_over_ten_seeds_agree_with_the_prototype(setting):
    recipe, release, expected = TABLE[setting]
    assert misses(expected, measure(recipe, release)) == []
