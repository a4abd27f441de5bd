import itertools
from dataclasses import replace
from typing import get_args

import pytest

from dashboard.state.stops import (
    CONTESTED,
    DEFAULT_CONTESTED,
    DIALS,
    FOUR,
    GROUPS,
    MECHANISMS,
    OFF,
    STOP_AFTER,
    Dial,
)
from dashboard.state.view import (
    DP_BATCH,
    DP_OPTIMIZER,
    EPOCHS,
    PLAIN_BATCH,
    View,
    key,
    point,
    refusal,
)
from engine.canonical import plain
from engine.mechanisms import DecoupledWeightDecay, Mechanism
from engine.populations.catalogue import POPULATIONS
from engine.recipe import Adam, DpSgd, Recipe, recipe_from_json
from engine.release.values import Release, WeightNoise
from engine.tuning.table import tuned, with_tuned_dp

EXPLAINED_BY = {
    "architecture": (Recipe, "architecture"),
    "regularization": (DecoupledWeightDecay, None),
    "dp": (DpSgd, None),
    "noise": (WeightNoise, None),
    "noise_on": (WeightNoise, "tensors"),
    "stop_after": (Release, "epoch"),
    "outputs": (Release, "outputs"),
}

# An architecture that has all there is for a mechanism to act on, and what the population's records leave out.
GROUND = {
    "digits": ("cnn2d-8", {}),
    "mnist5k": ("cnn2d-8", {}),
    "mnist1d": ("cnn1d-16", dict.fromkeys(("random_crop", "cutout"), "must have pictures")),
    "purchases": (
        "mlp-128",
        {
            **dict.fromkeys(("random_crop", "cutout"), "must have pictures"),
            "spatial_dropout": "must have the channels",
        },
    ),
    "breast-cancer": (
        "mlp-128",
        {
            **dict.fromkeys(("random_crop", "cutout"), "must have pictures"),
            "spatial_dropout": "must have the channels",
            "input_noise": "must have features between 0 and 1",
            "adversarial": "must have 300 public records",
        },
    ),
}


@pytest.mark.parametrize("population", sorted(CONTESTED))
def test_every_combination_of_population_n_dp_and_regularization_is_a_valid_recipe(population):
    axes = (CONTESTED[population], DIALS["dp"].stops, DIALS["regularization"].stops)
    for contested, dp, strength in itertools.product(*axes):
        view = View(population=population, contested=contested, dp=dp, regularization=strength)
        recipe = point(view).recipe
        assert recipe_from_json(plain(recipe)) == recipe
        assert recipe.population.contested == contested


@pytest.mark.parametrize("population", ["digits", "mnist5k"])
@pytest.mark.parametrize("name", ["architecture", "noise"])
def test_every_stop_of_the_other_dials_is_a_valid_point(population, name):
    base = View().turned("population", population)
    points = [point(base.turned(name, stop)) for stop in base.stops(name)]
    assert len({key(base.turned(name, stop), 1) for stop in base.stops(name)}) == len(points)


def test_every_mechanism_of_the_engine_has_exactly_one_dial():
    dials = {type(made): dial for dial in MECHANISMS.values() for made in _mechanisms(dial)}
    assert set(dials) == set(get_args(Mechanism)) - {DecoupledWeightDecay}
    assert len(dials) == len(MECHANISMS)
    for kind, dial in dials.items():
        assert dial.title.lower() == kind.title.lower()


@pytest.mark.parametrize("name", DIALS)
def test_what_a_dial_turns_is_said_by_the_first_sentence_of_a_docstring_of_the_engine(name):
    dial = DIALS[name]
    if name in MECHANISMS:
        (kind,) = {type(made) for made in _mechanisms(MECHANISMS[name])}
        field = None
    else:
        kind, field = EXPLAINED_BY[name]
    words = " ".join(str(kind.__doc__).split()).replace("``", "`")
    said = words if field is None else words.partition(f" {field}: ")[2]
    assert dial.about.endswith(".")
    assert dial.about.count(". ") == 0
    assert (said[0].upper() + said[1:]).startswith(dial.about)
    assert dial.help.startswith(dial.about)


def _mechanisms(dial: Dial[Mechanism | None]) -> list[Mechanism]:
    assert next(iter(dial.stops)) == OFF
    assert [token for token, stop in dial.stops.items() if stop.value is None] == [OFF]
    return [stop.value for stop in dial.stops.values() if stop.value is not None]


def test_every_dial_is_one_of_the_four_or_in_one_group():
    assert sorted((*FOUR, *itertools.chain(*GROUPS.values()))) == sorted(DIALS)


@pytest.mark.parametrize("population", sorted(CONTESTED))
@pytest.mark.parametrize("name", MECHANISMS)
def test_every_stop_of_a_mechanism_alone_is_in_the_recipe_or_the_records_have_nothing_for_it(population, name):
    architecture, refused = GROUND[population]
    base = View(architecture=architecture).turned("population", population)
    for token, stop in MECHANISMS[name].stops.items():
        view = base.turned(name, token)
        if stop.value is not None and name in refused:
            assert refused[name] in str(refusal(view))
        else:
            recipe = point(view).recipe
            assert recipe.mechanisms == (() if stop.value is None else (stop.value,))
            assert recipe_from_json(plain(recipe)) == recipe


@pytest.mark.parametrize("name", MECHANISMS)
def test_every_stop_of_a_mechanism_has_its_own_key(name):
    base = View(architecture="cnn2d-8")
    assert len({key(base.turned(name, token), 1) for token in base.stops(name)}) == len(base.stops(name))


def test_architectures_without_their_view_of_the_records_are_refused_with_the_reason():
    def refused(population: str) -> dict[str, str | None]:
        base = View().turned("population", population)
        sentences = {stop: refusal(base.turned("architecture", stop)) for stop in DIALS["architecture"].stops}
        return {stop: sentence for stop, sentence in sentences.items() if sentence}

    assert refused("digits") == refused("mnist5k") == {}
    assert set(refused("mnist1d")) == {"cnn2d-8"}
    for population in ("breast-cancer", "purchases"):
        assert set(refused(population)) == {"cnn1d-16", "cnn2d-8", "rnn-64", "gru-64", "lstm-32", "lstm-64"}
        assert "no sequence view" in str(refused(population)["lstm-64"])


def test_every_population_of_the_engine_can_be_chosen():
    assert set(CONTESTED) == set(DEFAULT_CONTESTED) == set(POPULATIONS)


def test_epochs_to_stop_after_are_those_that_a_training_keeps_and_change_the_release_alone():
    *earlier, last = point(View()).recipe.kept_epochs
    assert [point(View(stop_after=stop)).release.epoch for stop in STOP_AFTER.stops] == [None, *earlier]
    assert last == EPOCHS
    assert f"the last epoch, the {EPOCHS}th." in STOP_AFTER.help
    assert point(View(stop_after="10")).recipe == point(View()).recipe


@pytest.mark.parametrize("name", [*DIALS, "contested"])
@pytest.mark.parametrize("population", sorted(CONTESTED))
def test_every_dial_has_a_handful_of_stops_and_its_default_is_one_of_them(name, population):
    view = View().turned("population", population)
    # A wave keeps the weights of five epochs, and noise has three places to go: there is no more to choose from.
    least = {"stop_after": 5, "noise_on": 3}.get(name, 8 if name in {*FOUR, "contested"} else 7)
    assert least <= len(view.stops(name)) <= 12
    assert getattr(view, name) in view.stops(name)


def test_the_dp_dial_goes_in_visible_steps():
    recipes = {stop: point(View(dp=stop)).recipe for stop in ("off", "optimizer", "clip", "1.5")}
    assert (recipes["off"].optimizer, recipes["off"].privacy) == (Adam(learning_rate=1e-3), None)
    assert recipes["off"].batch == PLAIN_BATCH
    for stop, noise in (("clip", 0.0), ("1.5", 1.5)):
        row = tuned("mnist5k", recipes["off"].architecture, noise)
        assert row is not None
        assert recipes[stop] == with_tuned_dp(recipes["off"], row)
    assert recipes["optimizer"] == replace(recipes["clip"], privacy=DpSgd(clip=None))


def test_what_was_not_tuned_is_trained_as_it_comes():
    view = View(architecture="lstm-32", dp="1.5")
    recipe = point(view).recipe
    assert recipe.privacy == DpSgd(clip=1.0, noise_multiplier=1.5)
    assert (recipe.optimizer, recipe.batch) == (DP_OPTIMIZER, DP_BATCH)


@pytest.mark.parametrize("contested", CONTESTED["digits"])
def test_weights_shrink_by_the_same_share_with_and_without_dp(contested):
    def shrinkage(dp: str) -> float:
        view = View(population="digits", contested=contested, dp=dp, regularization="5")
        recipe = point(view).recipe
        (decay,) = recipe.mechanisms
        assert isinstance(decay, DecoupledWeightDecay)
        return recipe.steps * recipe.optimizer.learning_rate * decay.strength

    assert shrinkage("clip") == pytest.approx(shrinkage("off"), rel=1e-12)


def test_small_populations_of_records_get_small_batches():
    assert point(View(population="digits", contested=100, dp="clip", architecture="logistic")).recipe.batch == 50
