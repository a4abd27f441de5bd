"""The papers' directions on bundled data, each by an interval that excludes zero.

Seeds are those of the default recipe (0 for the population and for the cohort), fixed before the first run. What
has no known direction, a recurrent against a feed-forward network, is in ``engine/study/README.md``.

History of the sizes: the first run had two waves everywhere. Six directions held; label smoothing's accuracy on
digits (+.006, −.001 to +.014) and clipping on digits (−.002, −.025 to +.022) were undecided. Both were then run
once more with the same seeds and eight waves, chosen before looking: the first holds, the second does not. A third
look, at ten populations and cohorts (seeds 0–9, two waves each), gave clipping −.014 (−.021 to −.007, Student t over
seeds), so seed 0 is among its exceptions; it came after the other two, so it claims nothing. The test of clipping
below is a fourth look, designed beforehand on ten fresh seeds and run once.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from engine.assessment.comparison import Comparison, compare
from engine.assessment.leakage import leakage, pair_figures, setup_of
from engine.assessment.values import Interval
from engine.mechanisms import LabelSmoothing, RandomCrop
from engine.pipeline import release_signals, train_wave
from engine.recipe import DpSgd, PopulationChoice, Recipe, Sgd
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


# The design, fixed before the run: digits, N = 600, the recipe of the prototype's DP rows (MLP 64-128-10, 30 epochs,
# batches of 64, SGD at .25 with momentum .9, σ 0), clip 1 against no clip, 16 models. Seeds 100 to 109, never used
# before, each for the population and the cohort; LiRA's AUC of either side on the same masks, and a 95 % interval
# of the mean difference by Student t over the seeds. The run gave −.009 (−.015 to −.003).
FRESH_SEEDS = range(100, 110)


def at_clip(recipe: Recipe, clip: float | None) -> Recipe:
    """The recipe with the optimizer of DP and a clip, or none, and without noise."""
    privacy = DpSgd(clip=clip, noise_multiplier=0.0)
    return replace(recipe, optimizer=Sgd(learning_rate=0.25, momentum=0.9), batch=64, privacy=privacy)


def clipping_difference(recipe: Recipe, seed: int) -> float:
    """LiRA's AUC with the clip minus without, of one population and cohort."""
    seeded = replace(recipe, population=replace(recipe.population, seed=seed), seed=seed)
    without, clipped = (lira_auc(at_clip(seeded, clip)).estimate for clip in (None, 1.0))
    return clipped - without


def clipping(recipe: Recipe, seeds: Iterable[int]) -> Interval:
    """The mean of those differences over seeds, with its 95 % interval by Student t."""
    differences = [clipping_difference(recipe, seed) for seed in seeds]
    interval = stats.ttest_1samp(differences, 0.0).confidence_interval(0.95)
    return Interval(estimate=float(np.mean(differences)), low=float(interval.low), high=float(interval.high))


def test_clipping_lowers_the_leakage_of_digits():
    found = clipping(DIGITS, FRESH_SEEDS)
    print(found)
    assert found.high < 0
