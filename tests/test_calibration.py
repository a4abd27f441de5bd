"""What an attacker who does not adapt calibrates on."""

from __future__ import annotations

import pytest

from cache.keys import Point
from engine.architectures import Logistic
from engine.calibration import CALIBRATIONS, shadow_recipe, shadow_release, undefended
from engine.mechanisms import Dropout, LabelSmoothing
from engine.recipe import Adam, DpSgd, PopulationChoice, Recipe, Sgd
from engine.release.values import LabelOnly, Release, WeightNoise

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
