import importlib
import re
import shlex
from dataclasses import fields, replace
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.state.stops import (
    ARCHITECTURE,
    CONTESTED,
    DEFAULT_CONTESTED,
    DIALS,
    NOISE_ON,
    WAVES,
)
from dashboard.state.view import (
    BESIDE,
    View,
    key,
    point,
    refusal,
    release_words,
)
from engine import written
from engine.recipe import Recipe
from engine.release.values import Release, WeightNoise
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


def asked_of(command: str):
    """The options of the command with which ``release_words`` ends."""
    return engine_command()._parser().parse_args(shlex.split(command)[3:])


def test_noise_after_training_is_said_to_have_no_proof_with_a_command_that_measures_and_runs():
    assert release_words(View()) == release_words(View(dp="1")) == ""
    words = release_words(View(noise="0.05", architecture="mlp-128x2", population="digits", contested=100))
    sentence, command = words.removesuffix(".").split(": ", maxsplit=1)
    assert sentence == (
        "Noise after training has no proof. How far one record moves the weights of this training can be measured "
        "(a measured sensitivity, not a proof)"
    )
    assert command == (
        "python -m engine sensitivity --population digits --contested 100 --epochs 30 --batch 32 "
        '--setting "Mlp:depth=2 Adam"'
    )
    assert asked_of(command).epoch is None


@pytest.mark.parametrize("token", [*ARCHITECTURE.stops, "lstm-37", "gru-8x2-bidirectional-mean", "cnn1d-4x1"])
@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"regularization": "3", "label_smoothing": "0.3", "disturb_label": "0.1", "stop_after": "10"},
        {"dp": "clip", "l1_penalty": "0.0001"},
        {"dp": "optimizer"},
    ],
    ids=lambda chosen: ",".join(chosen) or "plain",
)
def test_the_command_that_measures_trains_exactly_the_recipe(token: str, chosen: dict[str, str]):
    view = View(noise="0.05", population="digits", contested=100, architecture=token)
    assert_measured_as_shown(replace(view, **chosen))


@pytest.mark.parametrize("name", ["input_noise", "random_crop", "cutout", "l2_penalty"])
def test_the_command_reaches_every_mechanism_with_which_sensitivity_is_measured(name: str):
    for stop in DIALS[name].stops:
        assert_measured_as_shown(View(noise="0.05", population="digits", contested=100).turned(name, stop))


def assert_measured_as_shown(view: View) -> None:
    """The command of the view is of its recipe and its kept epoch, and of all records that the attacks are on."""
    options = asked_of(release_words(view).removesuffix(".").split(": ", maxsplit=1)[1])
    asked = point(view)
    found = written.setting(options.setting, engine_command()._recipe(options))
    assert (found, options.epoch) == ((asked.recipe, Release()), asked.release.epoch)


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"dropout": "0.5"}, "without dropout: it draws while models go through the network"),
        ({"dp": "1"}, "without noise: DP-SGD proves its ε for every record."),
    ],
)
def test_where_sensitivity_cannot_be_measured_the_reason_stands_in_place_of_the_command(chosen, reason):
    words = release_words(replace(View(noise="0.05"), **chosen))
    assert "python" not in words
    assert reason in words


def engine_command():
    return importlib.import_module("engine.__main__")


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


def test_the_default_point_is_the_setting_of_the_design():
    assert point(View()).recipe == Recipe()
    assert point(View()).release.weight_noise is None
    assert point(View()).waves == 2


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
