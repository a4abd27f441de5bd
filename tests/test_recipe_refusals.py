"""What recipes and releases refuse, each with one sentence."""

from __future__ import annotations

import math
from typing import Any

import pytest

from engine.architectures import Cnn1d, Cnn2d, Gru, Logistic, Lstm, Mlp, Rnn
from engine.canonical import plain
from engine.mechanisms import (
    DecoupledWeightDecay,
    L2Penalty,
)
from engine.recipe import Adam, DpSgd, PopulationChoice, Recipe, Sgd, recipe_from_json
from engine.release.values import (
    Release,
    WeightNoise,
    release_from_json,
)
from engine.validate import InvalidValueError


@pytest.mark.parametrize(
    ("kind", "choices", "sentence"),
    [
        (
            PopulationChoice,
            {"name": "cats"},
            "population must be one of breast-cancer, digits, mnist1d, mnist5k, purchases, got 'cats'",
        ),
        (
            PopulationChoice,
            {"contested": 3501},
            "number of contested records of mnist5k must be at most 3,500, got 3501",
        ),
        (
            PopulationChoice,
            {"name": "digits", "contested": 898},
            "number of contested records of digits must be at most 897, got 898",
        ),
        (PopulationChoice, {"contested": 39}, "number of contested records of mnist5k must be at least 40, got 39"),
        (
            PopulationChoice,
            {"contested": 1000.0},
            "number of contested records of mnist5k must be a whole number, got 1000.0",
        ),
        (PopulationChoice, {"seed": -1}, "population seed must be at least 0, got -1"),
        (Mlp, {"width": 0}, "width must be at least 1, got 0"),
        (Mlp, {"depth": 9}, "depth must be at most 8, got 9"),
        (Mlp, {"activation": "sigmoid"}, "activation must be one of relu, tanh, got 'sigmoid'"),
        (Lstm, {"hidden": 1025}, "hidden must be at most 1,024, got 1025"),
        (Gru, {"layers": 5}, "layers must be at most 4, got 5"),
        (Rnn, {"bidirectional": 1}, "bidirectional must be true or false, got 1"),
        (Rnn, {"pooling": "max"}, "pooling must be one of last, mean, got 'max'"),
        (Cnn1d, {"width": 0}, "width must be at least 1, got 0"),
        (Cnn2d, {"depth": 4}, "depth must be at most 3, got 4"),
        (DecoupledWeightDecay, {"strength": 0}, "weight decay must be above 0, got 0"),
        (DecoupledWeightDecay, {"strength": "much"}, "weight decay must be a finite number, got 'much'"),
        (L2Penalty, {"strength": -1.0}, "L2 penalty must be above 0, got -1.0"),
        (Adam, {"learning_rate": 0.0}, "learning rate must be above 0, got 0.0"),
        (Sgd, {"learning_rate": 11}, "learning rate must be at most 10, got 11"),
        (Sgd, {"momentum": 1.0}, "momentum must be below 1, got 1.0"),
        (DpSgd, {"noise_multiplier": -1.0}, "noise multiplier must be at least 0, got -1.0"),
        (DpSgd, {"noise_multiplier": 1e-160}, "noise multiplier must be 0 or at least 0.001, got 1e-160"),
        (DpSgd, {"noise_multiplier": math.nan}, "noise multiplier must be a finite number, got nan"),
        (DpSgd, {"clip": 0}, "clip must be above 0, got 0"),
        (
            DpSgd,
            {"clip": None, "noise_multiplier": 1},
            "noise multiplier must be 0 without a clip, got 1.0",
        ),
        (Recipe, {"epochs": 0}, "epochs must be at least 1, got 0"),
        (Recipe, {"epochs": True}, "epochs must be a whole number, got True"),
        (Recipe, {"batch": 501}, "batch must be at most 500, got 501"),
        (Recipe, {"seed": 2**31}, "seed must be at most 2,147,483,647, got 2147483648"),
        (Recipe, {"population": "mnist5k"}, "population must be of a known kind, got 'mnist5k'"),
        (Recipe, {"architecture": None}, "architecture must be of a known kind, got None"),
        (Recipe, {"optimizer": Logistic()}, "optimizer must be of a known kind, got Logistic()"),
        (Recipe, {"privacy": 1.0}, "privacy must be of a known kind, got 1.0"),
        (Recipe, {"mechanisms": []}, "mechanisms must be a tuple, got []"),
        (Recipe, {"mechanisms": (Logistic(),)}, "mechanisms must be of known kinds, got Logistic()"),
        (
            Recipe,
            {"mechanisms": (L2Penalty(strength=1), L2Penalty(strength=2))},
            "mechanisms must be of different kinds, got L2Penalty, L2Penalty",
        ),
        (
            Recipe,
            {"mechanisms": (DecoupledWeightDecay(strength=4),), "optimizer": Sgd(learning_rate=0.25)},
            "weight decay × learning rate must be below 1, got 1.0",
        ),
        (WeightNoise, {"sigma": 0}, "post-training noise must be above 0, got 0"),
        (WeightNoise, {"sigma": 1, "draws": 65}, "draws of post-training noise must be at most 64, got 65"),
        (WeightNoise, {"sigma": 1, "seed": -1}, "seed of post-training noise must be at least 0, got -1"),
        (Release, {"weight_noise": 0.1}, "post-training noise must be of a known kind, got 0.1"),
    ],
)
def test_a_value_out_of_range_gives_one_sentence(kind: type, choices: dict[str, Any], sentence: str):
    with pytest.raises(InvalidValueError) as caught:
        kind(**choices)
    assert str(caught.value) == sentence


def test_a_weight_decay_just_below_the_limit_is_accepted():
    Recipe(mechanisms=(DecoupledWeightDecay(strength=3.99),), optimizer=Sgd(learning_rate=0.25))


def test_an_l2_penalty_has_no_such_limit():
    Recipe(mechanisms=(L2Penalty(strength=4),), optimizer=Sgd(learning_rate=0.25))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (None, "recipe must be an object of kind 'Recipe', got NoneType"),
        ([], "recipe must be an object of kind 'Recipe', got tuple"),
        ({"kind": "Adam", "learning_rate": 1}, "recipe must be an object of kind 'Recipe', got Adam"),
        ({**plain(Recipe()), "epochs": 0}, "epochs must be at least 1, got 0"),
        ({**plain(Recipe()), "batch": "32"}, "batch must be a whole number, got '32'"),
        ({**plain(Recipe()), "mechanisms": None}, "mechanisms must be a tuple, got None"),
        ({**plain(Recipe()), "seed": 10**400}, f"seed must be at most 2,147,483,647, got {10**400}"),
    ],
)
def test_json_that_is_no_recipe_gives_one_sentence(data: object, sentence: str):
    with pytest.raises(InvalidValueError) as caught:
        recipe_from_json(data)
    assert str(caught.value) == sentence


def test_json_without_a_field_or_with_an_unknown_one_is_refused():
    data = plain(Recipe())
    with pytest.raises(InvalidValueError, match="'seed' is missing"):
        recipe_from_json({name: value for name, value in data.items() if name != "seed"})
    with pytest.raises(InvalidValueError, match="'device' is not a field of it"):
        recipe_from_json({**data, "device": "cuda"})


def test_a_recipe_is_no_release():
    with pytest.raises(
        InvalidValueError, match=r"^kind must be one of LabelOnly, MemGuard, Release, .*, WeightNoise, got 'Recipe'$"
    ):
        release_from_json(plain(Recipe()))
    with pytest.raises(InvalidValueError, match=r"^release must be an object of kind 'Release', got WeightNoise$"):
        release_from_json(plain(WeightNoise(sigma=1)))
