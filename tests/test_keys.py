import subprocess
import sys
from dataclasses import replace

import pytest

from cache.keys import Point, assessment_key, wave_key
from engine.architectures import Mlp
from engine.recipe import DpSgd, PopulationChoice, Recipe
from engine.release.values import LabelOnly, MemGuard, Release, Temperature, WeightNoise
from engine.validate import InvalidValueError

POINT = Point(recipe=Recipe(), release=Release())


def test_equal_points_have_equal_keys():
    assert assessment_key(POINT) == assessment_key(Point(recipe=Recipe(), release=Release()))


@pytest.mark.parametrize(
    "other",
    [
        replace(POINT, recipe=Recipe(seed=1)),
        replace(POINT, recipe=Recipe(architecture=Mlp(width=64))),
        replace(POINT, recipe=Recipe(population=PopulationChoice(contested=1001))),
        replace(POINT, release=Release(weight_noise=WeightNoise(sigma=0.1))),
        replace(POINT, release=Release(outputs=Temperature(temperature=2.0))),
        replace(POINT, attack="loss"),
        replace(POINT, calibration="undefended"),
        POINT.with_waves(3),
    ],
)
def test_whatever_changes_a_number_changes_the_key_of_the_assessment(other):
    assert assessment_key(other) != assessment_key(POINT)


def test_every_wave_has_its_own_key():
    assert len({wave_key(Recipe(seed=seed), wave) for seed in range(3) for wave in range(3)}) == 9


def test_a_wave_is_shared_by_all_releases_and_attacks():
    noisy = replace(POINT, release=Release(weight_noise=WeightNoise(sigma=0.1)), attack="loss")
    assert wave_key(noisy.recipe, 0) == wave_key(POINT.recipe, 0)


def test_another_engine_version_finds_no_old_results(monkeypatch):
    before = assessment_key(POINT), wave_key(POINT.recipe, 0)
    monkeypatch.setattr("cache.keys.ENGINE_VERSION", -1)
    after = assessment_key.__wrapped__(POINT), wave_key.__wrapped__(POINT.recipe, 0)
    assert not set(before) & set(after)


def test_keys_are_the_same_in_every_process():
    program = (
        "from cache.keys import *; from engine.recipe import *;"
        "print(assessment_key(Point(recipe=Recipe(), release=Release())), wave_key(Recipe(), 0))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert answer.split() == [assessment_key(POINT), wave_key(Recipe(), 0)]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"attack": "magic"}, "attack must be one of .*, got 'magic'"),
        (
            {"calibration": "oracle"},
            "calibration oracle must go with an attack that learns a threshold on one statistic, got LiRA",
        ),
        (
            {"calibration": "guess"},
            "calibration must be one of adaptive, known-members, oracle, undefended, got",
        ),
        (
            {"release": Release(outputs=LabelOnly())},
            "^attack LiRA needs the probabilities that the model answers with; this release gives labels only$",
        ),
        (
            {
                "recipe": Recipe(population=PopulationChoice(name="breast-cancer", contested=400)),
                "release": Release(outputs=MemGuard(budget=0.5)),
            },
            "^MemGuard needs .*; Breast cancer has 50 public records for the defender, and at least 300",
        ),
        (
            {"recipe": Recipe(privacy=DpSgd()), "release": Release(outputs=MemGuard(budget=0.5))},
            "^MemGuard must be off with DP-SGD: its classifier learns from the members without DP$",
        ),
        ({"waves": 0}, "waves must be at least 1, got 0"),
        ({"waves": 65}, "waves must be at most 64, got 65"),
        ({"recipe": None}, "recipe must be of a known kind, got None"),
        ({"release": Recipe()}, "release must be of a known kind, got Recipe"),
    ],
)
def test_a_point_out_of_range_is_refused_with_one_sentence(changes, sentence):
    with pytest.raises(InvalidValueError, match=sentence):
        replace(POINT, **changes)
