"""The papers' directions on bundled data, each by an interval that excludes zero.

Seeds are those of the default recipe (0 for the population and for the cohort), fixed before the first run. What
has no known direction, a recurrent against a feed-forward network, is in ``engine/study/README.md``.

History of the sizes: the first run had two waves everywhere. Six directions held; label smoothing's accuracy on
digits (+.006, −.001 to +.014) and clipping on digits (−.002, −.025 to +.022) were undecided. Both were then run
once more with the same seeds and eight waves, chosen before looking: the first holds, the second does not. A third
look, at ten populations and cohorts (seeds 0–9, two waves each), gave clipping −.014 (−.021 to −.007, Student t over
seeds), so seed 0 is among its exceptions;
it came after the other two, so no test here claims that clipping lowers the leakage of digits.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.assessment.comparison import Comparison, compare
from engine.assessment.leakage import leakage, pair_figures, setup_of
from engine.assessment.values import Interval
from engine.mechanisms import LabelSmoothing, RandomCrop
from engine.pipeline import release_signals, train_wave
from engine.recipe import PopulationChoice, Recipe
from engine.release.values import Release
from engine.training.values import TrainedWave

DIGITS = Recipe(population=PopulationChoice(name="digits", contested=600))
MNIST = Recipe(population=PopulationChoice(name="mnist5k", contested=1000))
WAVES = 2
MORE_WAVES = 8  # for the two directions on digits that two waves left undecided


@functools.cache
def cohort(recipe: Recipe, waves: int = WAVES) -> tuple[TrainedWave, ...]:
    torch.set_num_threads(1)
    return tuple(train_wave(recipe, wave) for wave in range(waves))


def masks(recipe: Recipe, waves: int = WAVES) -> np.ndarray:
    return np.concatenate([wave.masks for wave in cohort(recipe, waves)])


def difference(first: Recipe, second: Recipe, release: Release | None = None, *, waves: int = WAVES) -> Comparison:
    """Second minus first; the release is that of the second."""
    assert np.array_equal(masks(first, waves), masks(second, waves))
    return compare(
        release_signals(first, Release(), cohort(first, waves)),
        release_signals(second, release or Release(), cohort(second, waves)),
        masks(first, waves),
        "lira",
    )


def lira_auc(recipe: Recipe) -> Interval:
    answers = release_signals(recipe, Release(), cohort(recipe))
    return leakage(pair_figures(answers, masks(recipe), setup_of("lira")), masks(recipe)).auc


def smoothed(recipe: Recipe) -> Recipe:
    return replace(recipe, mechanisms=(LabelSmoothing(alpha=0.6),))


@pytest.mark.parametrize("recipe", [DIGITS, MNIST], ids=lambda recipe: recipe.population.name)
def test_label_smoothing_helps_the_attacker(recipe: Recipe):
    assert difference(recipe, smoothed(recipe)).auc.low > 0


def test_label_smoothing_raises_the_accuracy_on_digits():
    assert difference(DIGITS, smoothed(DIGITS), waves=MORE_WAVES).test_accuracy.low > 0


def test_stopping_at_epoch_10_of_30_lowers_the_leakage_of_mnist5k_by_02_for_at_most_2_points_of_accuracy():
    found = difference(MNIST, MNIST, Release(epoch=10))
    assert found.auc.estimate <= -0.02
    assert found.auc.high < 0
    assert found.test_accuracy.estimate >= -0.02


def test_fewer_training_records_leak_more():
    few, many = (replace(DIGITS, population=PopulationChoice(name="digits", contested=n)) for n in (200, 800))
    assert lira_auc(few).low > lira_auc(many).high


@pytest.mark.parametrize("padding", [1, 2])
def test_random_crop_lowers_the_leakage_of_mnist5k(padding: int):
    assert difference(MNIST, replace(MNIST, mechanisms=(RandomCrop(padding=padding),))).auc.high < 0
