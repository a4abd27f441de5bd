"""Sweeps that are put together on their page."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from cache.sweeps.reading import sweep_from_toml
from cache.sweeps.values import Sample
from dashboard.controls.composing import EXAMPLE, SEED, plan_of
from dashboard.results import outcomes
from dashboard.state.view import View, point
from dashboard.state.visit import Visit
from engine.validate import InvalidValueError
from tests.explored import opened_sweep


def texts(app: AppTest) -> str:
    assert not app.exception
    return " ".join(element.value for kind in (app.markdown, app.error) for element in kind)


def test_the_page_opens_with_the_dials_and_says_what_the_sweep_comes_to(sweeps):
    app = opened_sweep()
    assert [choice.label for choice in app.multiselect] == [
        "Architecture",
        "Regularization strength",
        "DP noise",
        "Noise after training",
        "Contested records N",
    ]
    assert "3 settings, 6 waves of eight models." in texts(app)
    app.multiselect(key="sweep-dp").set_value(["off", "1"]).run()
    assert "6 settings, 12 waves of eight models." in texts(app)
    app.multiselect(key="sweep-dp").set_value([]).run()
    assert "DP noise must have at least one value, got none" in texts(app)
    assert not app.button


def test_the_plan_of_dials_has_the_points_that_the_page_explore_asks_for():
    base = View(models=8, attack="loss")
    plan = plan_of(base, (("regularization", ("0", "10")), ("dp", ("off", "1")), ("noise", ("0.05",))))
    assert plan.dials == ("Regularization strength", "DP noise")
    assert [setting.values for setting in plan.settings] == [("0", "off"), ("0", "σ 1"), ("10", "off"), ("10", "σ 1")]
    last = View(models=8, attack="loss", regularization="10", dp="1", noise="0.05")
    assert plan.settings[-1].point == point(last)
    assert plan.waves == 1


def test_a_plan_of_dials_names_architectures_with_all_their_options():
    tokens = ("mlp-64x3-tanh", "lstm-8x2-bidirectional-mean", "cnn1d-4x1")
    plan = plan_of(View(models=8), (("architecture", tokens),))
    assert [setting.values for setting in plan.settings] == [
        ("MLP 64×3 tanh",),
        ("BiLSTM 8×2 mean",),
        ("CNN 1-D 4×1",),
    ]
    assert outcomes.values_text(plan.dials, plan.settings[1].values) == "Architecture BiLSTM 8×2 mean"


def test_replicates_are_a_dial_that_contests_other_records():
    plan = plan_of(View(models=8), (("dp", ("off", "1")), (SEED, (0, 1, 2))))
    assert plan.dials == ("DP noise", "Population seed")
    assert [setting.values for setting in plan.settings][:3] == [("off", "0"), ("off", "1"), ("off", "2")]
    assert [setting.point.recipe.population.seed for setting in plan.settings] == [0, 1, 2] * 2
    first = sweep_from_toml(b"waves = 1\npopulation.seed = [0, 1]").plan()
    assert [setting.point.recipe.population for setting in plan.settings[:2]] == [
        setting.point.recipe.population for setting in first.settings
    ]


def test_a_sobol_sample_of_the_dials_is_spread_evenly_and_measures_what_it_draws_twice_once():
    choices = (("regularization", ("0", "3", "10", "20")), ("dp", ("off", "1")), ("noise", ("0.05",)))
    base = View(models=8)
    plan = plan_of(base, choices, Sample(points=8))
    everything = {setting.point for setting in plan_of(base, choices).settings}
    assert plan.dials == ("Regularization strength", "DP noise")
    assert {setting.point for setting in plan.settings} <= everything
    drawn = [setting.values for setting in plan.settings]
    assert len(set(drawn)) == len(drawn)
    assert {stop for stop, _ in drawn} == {"0", "3", "10", "20"}
    assert {setting.point for setting in plan_of(base, choices, Sample(points=256)).settings} == everything
    assert plan_of(base, choices, Sample(points=8)) == plan


def test_a_sample_of_nothing_is_refused_and_one_of_very_many_combinations_is_not():
    with pytest.raises(InvalidValueError, match="a Sobol sample must have a dial with at least two values"):
        plan_of(View(), (("dp", ("1",)),), Sample(points=8))
    many = tuple(
        (name, tuple(View().stops(name))) for name in ("architecture", "regularization", "dp", "noise", "dropout")
    )
    assert len(plan_of(View(), many, Sample(points=64)).settings) > 50


def test_replicates_with_tuned_dp_say_that_tuning_has_seen_contested_records(sweeps):
    app = opened_sweep()
    app.number_input(key="sweep-replicates").set_value(2).run()
    assert "at other seeds some of them are contested" in app.number_input(key="sweep-replicates").help
    assert "tuned on" not in texts(app)
    app.multiselect(key="sweep-dp").set_value(["off", "1"]).run()
    assert "DP settings were tuned on public records of population seed 0; at the other seeds" in texts(app)
    app.number_input(key="sweep-replicates").set_value(1).run()
    assert "tuned on" not in texts(app)


def test_the_page_builds_samples_and_replicates(sweeps):
    app = opened_sweep()
    app.number_input(key="sweep-replicates").set_value(3).run()
    assert "9 settings, 18 waves of eight models." in texts(app)
    app.segmented_control(key="sweep-which").set_value("A Sobol sample").run()
    assert app.number_input(key="sweep-points").value == 64
    app.number_input(key="sweep-points").set_value(4).run()
    assert "4 settings, 8 waves of eight models." in texts(app)


def test_the_dial_of_architectures_takes_any_option_and_offers_those_of_the_view(sweeps):
    app = opened_sweep()
    app.multiselect(key="sweep-architecture").set_value(["lstm-37x2-bidirectional-mean", "mlp-128"]).run()
    assert "6 settings, 12 waves of eight models." in texts(app)
    app.multiselect(key="sweep-architecture").set_value(["<b>lstm</b>"]).run()
    (error,) = app.error
    assert "or a family with a size and options such as lstm-37" in error.value.replace("\\", "")
    assert "<b>" not in error.value.replace("\\<", "")
    assert not app.button
    looked, before, pinned = (View(architecture=name) for name in ("gru-9", "mlp-77x3-tanh", "cnn1d-4x1"))
    app.session_state["visit"] = Visit(visitor="ann", view=looked, before=(before,), turned_at=0.0)
    app.session_state["pins"] = (pinned,)
    app.multiselect(key="sweep-architecture").set_value(["mlp-99", "gru-9"]).run()
    assert "6 settings, 12 waves of eight models." in texts(app)
    app.session_state["visit"] = replace(app.session_state["visit"], view=View())
    assert "6 settings, 12 waves of eight models." in texts(app.run())  # what was chosen stays when the view moves on
    app.session_state["visit"] = replace(app.session_state["visit"], view=looked)
    app.multiselect(key="sweep-architecture").set_value([]).run()
    options = app.multiselect(key="sweep-architecture").options
    assert options[-3:] == ["GRU 9", "MLP 77×3 tanh", "CNN 1-D 4×1"]
    assert len(options) == 15


def test_combinations_of_dials_that_the_engine_refuses_are_listed():
    plan = plan_of(View(), (("dp", ("off", "1")), ("mixup", ("off", "1"))))
    assert [refused.values for refused in plan.refused] == [("σ 1", "1")]
    assert len(plan.settings) == 3


def test_too_many_combinations_of_dials_are_refused_without_making_them():
    all_stops = tuple(
        (name, tuple(View().stops(name))) for name in ("architecture", "regularization", "dp", "noise", "mixup")
    )
    with pytest.raises(InvalidValueError, match=r"points of a sweep must be at most 10,000, got 118800"):
        plan_of(View(), all_stops)


def test_the_example_on_the_page_is_a_sweep():
    assert len(sweep_from_toml(EXAMPLE.encode()).plan().settings) == 12
