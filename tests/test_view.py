import importlib
import itertools
import re
import shlex
from dataclasses import fields, replace
from typing import get_args
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.state.stops import (
    ARCHITECTURE,
    CONTESTED,
    DEFAULT_CONTESTED,
    DIALS,
    FOUR,
    GROUPS,
    MECHANISMS,
    NOISE_ON,
    OFF,
    STOP_AFTER,
    WAVES,
    Dial,
)
from dashboard.state.view import (
    BESIDE,
    DP_BATCH,
    DP_OPTIMIZER,
    EPOCHS,
    PLAIN_BATCH,
    View,
    key,
    point,
    refusal,
    release_words,
)
from engine import written
from engine.canonical import plain
from engine.mechanisms import DecoupledWeightDecay, Mechanism
from engine.populations.catalogue import POPULATIONS
from engine.recipe import Adam, DpSgd, Recipe, recipe_from_json
from engine.release.values import Release, WeightNoise
from engine.tuning.table import tuned, with_tuned_dp
from engine.validate import InvalidValueError


@st.composite
def views(draw: st.DrawFn) -> View:
    view = View().turned("population", draw(st.sampled_from(sorted(CONTESTED))))
    for field in fields(View):
        if field.name != "population":
            view = view.turned(field.name, draw(st.sampled_from(view.stops(field.name))))
    return view


@given(views())
def test_a_view_survives_the_way_through_the_url(view):
    assert View.from_query(view.to_query()) == (view, ())
    assert View.from_query(dict(parse_qsl(view.address))) == (view, ())


@given(views())
def test_a_query_names_only_what_is_not_at_its_default(view):
    default = replace(View().turned("population", view.population))
    for name, text in view.to_query().items():
        if name != "population":
            assert text != str(getattr(default, name))


def test_the_default_view_has_an_empty_query():
    assert View().to_query() == {}


@given(st.dictionaries(st.text(max_size=60), st.text(max_size=60), max_size=6))
def test_no_query_whatever_raises_or_passes_silently(query):
    view, problems = View.from_query(query)
    understood = {name for name, text in query.items() if view.to_query().get(name) == text}
    defaults = {field.name: str(getattr(view, field.name)) for field in fields(View)}
    silent = {name for name, text in query.items() if defaults.get(name) == text}
    assert len(problems) == len(set(query) - BESIDE - understood - silent)


def test_each_broken_value_gives_a_sentence_with_field_rule_and_value():
    view, problems = View.from_query({"models": "7", "dp": "4", "contested": "123", "colour": "red"})
    assert view == View(dp="4")
    assert problems == (
        "'colour' is not part of a view; it was ignored.",
        (
            "contested must be one of 200, 300, 500, 700, 1000, 1500, 2000, 2500, 3000, 3500, got '123'; "
            "1000 is shown instead."
        ),
        "models must be one of 8, 16, 32, 64, got '7'; 16 is shown instead.",
    )


def test_a_long_foreign_value_is_cut_in_the_sentence():
    _, (problem,) = View.from_query({"models": "x" * 5000})
    assert len(problem) < 200


def test_contested_records_are_read_for_the_population_in_the_same_url():
    assert View.from_query({"contested": "897", "population": "digits"}) == (
        View(population="digits", contested=897),
        (),
    )


def test_a_view_off_its_stops_is_refused():
    with pytest.raises(InvalidValueError, match=r"noise must be one of .* got '0.3'"):
        View(noise="0.3")


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


def test_every_mechanism_of_the_engine_has_exactly_one_dial_that_says_its_docstring():
    dials = {type(made): dial for dial in MECHANISMS.values() for made in _mechanisms(dial)}
    assert set(dials) == set(get_args(Mechanism)) - {DecoupledWeightDecay}
    assert len(dials) == len(MECHANISMS)
    for kind, dial in dials.items():
        assert dial.about.replace("`", "") == str(kind.__doc__).split("\n\n")[0].replace("`", "")
        assert dial.about.endswith(".")
        assert dial.about.count(". ") == 0
        assert dial.title.lower() == kind.title.lower()


def _mechanisms(dial: Dial[Mechanism | None]) -> list[Mechanism]:
    assert next(iter(dial.stops)) == OFF
    assert [token for token, stop in dial.stops.items() if stop.value is None] == [OFF]
    return [stop.value for stop in dial.stops.values() if stop.value is not None]


def test_every_dial_is_one_of_the_four_or_in_one_group():
    assert sorted((*FOUR, *itertools.chain(*GROUPS.values()))) == sorted(DIALS)


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


def test_where_noise_goes_changes_the_release_alone_and_nothing_where_there_is_none():
    def release(noise_on: str, noise: str = "0.05") -> Release:
        made = point(View(noise=noise, noise_on=noise_on))
        assert made.recipe == point(View()).recipe
        return made.release

    assert release("all") == Release(weight_noise=WeightNoise(sigma=0.05))
    assert release("output") == Release(weight_noise=WeightNoise(sigma=0.05, tensors="output"))
    assert release("relative") == Release(weight_noise=WeightNoise(sigma=0.05, scale="relative"))
    assert {release(stop, noise="0") for stop in NOISE_ON.stops} == {Release()}
    assert View(noise_on="output").in_use == ()
    assert View(noise_on="output", noise="0.05").in_use == ("noise", "noise_on")


def test_noise_after_training_is_said_to_have_no_proof_with_a_command_that_measures_and_runs():
    assert release_words(View()) == release_words(View(dp="1")) == ""
    words = release_words(View(noise="0.05", architecture="mlp-128x2", population="digits", contested=100))
    sentence, command = words.removesuffix(".").split(": ")
    assert sentence == (
        "Noise after training has no proof. How far one record moves the weights of this architecture, trained "
        "without other mechanisms, can be measured (a measured sensitivity, not a proof)"
    )
    options = engine_command()._parser().parse_args(shlex.split(command)[3:])
    assert written.architecture(options.architecture) == point(View(architecture="mlp-128x2")).recipe.architecture
    assert (options.population, options.contested, options.epochs, options.batch) == ("digits", 100, EPOCHS, 32)


@pytest.mark.parametrize(
    "token", [*ARCHITECTURE.stops, "lstm-37", "gru-8x2-bidirectional-mean", "mlp-9x3-tanh", "cnn1d-4x1"]
)
def test_every_architecture_is_spelled_as_the_command_line_reads_it(token):
    command = release_words(View(noise="0.05", architecture=token)).removesuffix(".")
    assert written.architecture(command.split()[-1]) == ARCHITECTURE.value(token)


def engine_command():
    return importlib.import_module("engine.__main__")


def test_epochs_to_stop_after_are_those_that_a_training_keeps_and_change_the_release_alone():
    *earlier, last = point(View()).recipe.kept_epochs
    assert [point(View(stop_after=stop)).release.epoch for stop in STOP_AFTER.stops] == [None, *earlier]
    assert last == EPOCHS
    assert f"of {EPOCHS}," in STOP_AFTER.about
    assert point(View(stop_after="10")).recipe == point(View()).recipe


def test_mechanisms_are_combined_with_weight_decay_and_with_one_another():
    mechanisms = point(View(regularization="3", dropout="0.5", label_smoothing="0.3")).recipe.mechanisms
    assert [type(mechanism).__name__ for mechanism in mechanisms] == [
        "DecoupledWeightDecay",
        "Dropout",
        "LabelSmoothing",
    ]


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        (View(mixup="1", dp="1"), "mixup must be off with DP-SGD"),
        (View(soft_labels="3", dp="clip"), "soft labels must be off with DP-SGD"),
        (View(relax_loss="0.5", dp="optimizer"), "RelaxLoss must be off with DP-SGD"),
        (View(adversarial="3", dp="0.5"), "adversarial regularization must be off with DP-SGD"),
        (View(spatial_dropout="0.3"), "spatial dropout must have the channels"),
        (View(dropout="0.3", architecture="logistic"), "dropout must have hidden activations"),
    ],
)
def test_what_the_engine_refuses_has_its_sentence_and_no_point(view, sentence):
    assert sentence in str(refusal(view))
    for asks in (point, lambda view: key(view, 1)):
        with pytest.raises(InvalidValueError, match=sentence):
            asks(view)
    assert View.from_query(view.to_query()) == (view, ())


@given(views())
def test_every_view_has_either_a_point_or_a_sentence(view):
    sentence = refusal(view)
    if sentence is None:
        assert point(view).waves == view.waves
    else:
        with pytest.raises(InvalidValueError, match=re.escape(sentence)):
            point(view)


def test_what_is_in_use_is_named_and_can_be_taken_out():
    view = View(architecture="cnn2d-8", dp="clip", cutout="4", stop_after="10")
    assert View().in_use == ()
    assert view.in_use == ("dp", "cutout", "stop_after")
    assert view.without("dp").without("cutout").without("stop_after") == View(architecture="cnn2d-8")


@pytest.mark.parametrize("name", [*DIALS, "contested"])
@pytest.mark.parametrize("population", sorted(CONTESTED))
def test_every_dial_has_a_handful_of_stops_and_its_default_is_one_of_them(name, population):
    view = View().turned("population", population)
    # A wave keeps the weights of five epochs, and noise has three places to go: there is no more to choose from.
    least = {"stop_after": 5, "noise_on": 3}.get(name, 8 if name in {*FOUR, "contested"} else 7)
    assert least <= len(view.stops(name)) <= 12
    assert getattr(view, name) in view.stops(name)


def test_the_default_point_is_the_setting_of_the_design():
    assert point(View()).recipe == Recipe()
    assert point(View()).release.weight_noise is None
    assert point(View()).waves == 2


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


def test_what_is_traced_changes_no_key_and_every_dial_does():
    base = View(architecture="cnn2d-8", noise="0.05")
    assert key(base, 2) == key(replace(base, sweep="dp"), 2)
    others = [
        base.turned(name, next(stop for stop in base.stops(name) if stop != getattr(base, name)))
        for name in (*DIALS, "contested", "population", "attack")
    ]
    assert len({key(view, 2) for view in (base, *others)}) == len(others) + 1
    assert key(base, 1) != key(base, 2)


def test_a_new_population_brings_its_own_default_n():
    assert View(contested=3500).turned("population", "digits").contested == DEFAULT_CONTESTED["digits"]
    assert View(contested=3500).turned("population", "mnist5k").contested == 3500


def test_models_come_in_whole_waves_of_four_pairs():
    assert all(models == 8 * waves for models, waves in WAVES.items())


def test_what_stands_beside_the_view_in_a_url_is_no_problem():
    view, problems = View.from_query({"pin": "dp=1", "hide": "dp", "embed": "true", "noise": "0.05"})
    assert view == View(noise="0.05")
    assert problems == ()
