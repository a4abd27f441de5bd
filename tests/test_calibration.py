"""What an attacker who does not adapt calibrates on."""

from __future__ import annotations

import numpy as np
import pytest

from cache.keys import Point
from engine.architectures import Logistic
from engine.assessment import assess as assess_signals
from engine.calibration import CALIBRATIONS, shadow_recipe, shadow_release, undefended
from engine.mechanisms import Dropout, LabelSmoothing
from engine.pipeline import assess, train_wave
from engine.recipe import Adam, DpSgd, PopulationChoice, Recipe, Sgd
from engine.release.answers import release_signals
from engine.release.values import LabelOnly, Release, Temperature, WeightNoise
from engine.training.values import TrainedWave
from engine.validate import InvalidValueError

DIGITS = PopulationChoice(name="digits", contested=40, seed=3)


def test_a_recipe_without_defences_is_its_own_undefended_recipe():
    plain = Recipe(population=DIGITS, optimizer=Sgd(learning_rate=0.1), batch=20, epochs=7, seed=5)
    assert undefended(plain) == plain


def test_mechanisms_go_and_everything_else_stays():
    plain = Recipe(population=DIGITS, optimizer=Sgd(learning_rate=0.1), batch=20, epochs=7, seed=5)
    defended = Recipe(
        population=DIGITS,
        optimizer=Sgd(learning_rate=0.1),
        batch=20,
        epochs=7,
        seed=5,
        mechanisms=(Dropout(rate=0.5), LabelSmoothing(alpha=0.1)),
    )
    assert undefended(defended) == plain


def test_dp_sgd_goes_with_its_optimizer_and_batch():
    private = Recipe(
        population=DIGITS, architecture=Logistic(), privacy=DpSgd(), optimizer=Sgd(), batch=5, epochs=9, seed=5
    )
    plain = undefended(private)
    assert plain.privacy is None
    assert plain.optimizer == Adam()
    assert plain.batch == 20  # a recipe's default of 32 would be more than N/2
    assert (plain.population, plain.architecture, plain.epochs, plain.seed) == (DIGITS, Logistic(), 9, 5)


@pytest.mark.parametrize("calibration", CALIBRATIONS)
def test_whoever_adapts_has_the_recipe_and_release_of_the_target_and_nobody_else_has(calibration):
    recipe = Recipe(mechanisms=(Dropout(rate=0.5),))
    release = Release(epoch=3, weight_noise=WeightNoise(sigma=0.1), outputs=LabelOnly())
    adapts = calibration == "adaptive"
    assert shadow_recipe(recipe, calibration) == (recipe if adapts else Recipe())
    assert shadow_release(release, calibration) == (release if adapts else Release())
    point = Point(recipe=recipe, release=Release(), calibration=calibration)
    assert point.shadow_recipe == shadow_recipe(recipe, calibration)


@pytest.fixture(scope="module")
def cohorts() -> tuple[Recipe, list[TrainedWave], list[TrainedWave]]:
    """A recipe with label smoothing, its waves, and those of the undefended recipe."""
    recipe = Recipe(
        population=PopulationChoice(name="digits", contested=300),
        epochs=10,
        mechanisms=(LabelSmoothing(alpha=0.4),),
    )
    targets, shadows = ([train_wave(each, wave) for wave in range(2)] for each in (recipe, undefended(recipe)))
    return recipe, targets, shadows


@pytest.mark.parametrize("attack", ["lira", "confidence_by_class"])
def test_whoever_does_not_adapt_attacks_with_the_answers_of_undefended_models(cohorts, attack: str):
    recipe, targets, shadows = cohorts
    release = Release(outputs=Temperature(temperature=2.0))
    found = assess(recipe, release, attack, targets, calibration="undefended", shadows=shadows)
    masks = np.concatenate([wave.masks for wave in targets])
    (answers,) = release_signals(recipe, release, targets)
    (others,) = release_signals(Recipe(population=recipe.population, epochs=10), Release(), shadows)
    expected = assess_signals([answers], masks, attack, classes=10, claim=None, seed=0, shadows=[others])
    assert found.headline == expected.headline
    adaptive = assess(recipe, release, attack, targets)
    assert found.headline.auc != adaptive.headline.auc
    assert (found.headline.adaptive, adaptive.headline.adaptive) == (False, True)
    assert found.headline.test_accuracy == adaptive.headline.test_accuracy


def test_shadow_models_on_other_masks_are_refused(cohorts):
    recipe, targets, shadows = cohorts
    for some in ((), shadows[:1], shadows[::-1]):
        with pytest.raises(InvalidValueError, match="shadow models must be trained on the masks of the targets"):
            assess(recipe, Release(), "loss", targets, calibration="undefended", shadows=some)
