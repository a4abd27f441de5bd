"""A class: links that hide controls, and a dashboard where only what has been measured can be chosen."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from cache.admission import LISTED, NOTHING, Listed, Nothing
from cache.progress import TracePoint
from dashboard.serving.running import Running, set_running
from dashboard.state.hiding import CONTROLS, HIDABLE, PARTS, hidden_in
from dashboard.state.landscape import landscape
from dashboard.state.story import OVERFIT, PRESETS, SMOOTHED, STRONG_DP
from dashboard.state.view import SWEEPS, View, point
from tests.handmade import measure

APP = Path(dashboard.__file__).parent / "pages" / "app.py"
EPOCHS = ("privacydial_epochs", "privacydial_epochs_only")
QUICK = View(population="digits", contested=100, models=8)


@pytest.fixture
def lesson(store):
    """A class where three stops of one dial, one of another and one other population are measured."""
    for view in (
        QUICK,
        QUICK.turned("noise", "0.05"),
        QUICK.turned("noise", "0.1"),
        QUICK.turned("dropout", "0.5"),
        View(models=8),
    ):
        measure(store, view, waves=1)
    measure(store, QUICK.turned("attack", "loss"), waves=1)
    set_running(Running(store=store, training=Nothing()))
    return store


def opened(**query):
    app = AppTest.from_file(str(APP), default_timeout=20)
    for name, text in ({"sweep": "regularization"} | query).items():  # with a dial in it, an address opens Explore
        app.query_params[name] = text
    return app.run()


def dials(app):
    assert not app.exception
    return [slider.label for slider in app.select_slider]


def words(app):
    return " ".join(
        str(getattr(element.proto, "body", "")) for kind in ("html", "markdown") for element in app.get(kind)
    )


def test_what_is_hidden_is_not_drawn_and_has_its_value_from_the_link(store):
    app = opened(hide="dp,noise,population,chips,more", noise="0.05", dp="1")
    assert dials(app) == ["Architecture", "Regularization strength", "Contested records N"]
    assert [box.label for box in app.selectbox] == ["Path along"]
    assert app.session_state["visit"].view == View(noise="0.05", dp="1")
    assert not [button for button in app.button if button.label.startswith("*Remove*")]
    app.select_slider(key="dial-regularization").set_value("10").run()
    assert app.query_params["hide"] in ("dp,noise,population,chips,more", ["dp,noise,population,chips,more"])
    assert dials(app) == ["Architecture", "Regularization strength", "Contested records N"]
    assert app.session_state["visit"].view.dp == "1"


def test_everything_can_be_hidden_but_the_sentence(store):
    app = opened(hide=",".join(HIDABLE))
    assert dials(app) == []
    assert "This setting has not been measured yet." in words(app)
    assert not app.get("bidi_component")
    assert not app.sidebar.children


def test_a_part_that_is_hidden_leaves_the_others(store):
    measure(store, View())
    whole = opened()
    for name, lost in {
        "tiles": '<dl class="pd-tiles',
        "tradeoff": "What accuracy costs in privacy",
        "rail": '<p class="pd-brand">',
    }.items():
        less = words(opened(hide=name))
        assert lost in words(whole)
        assert lost not in less
        assert "an attacker who accuses 1 in 100 outsiders finds" in less
    assert opened(hide="sections").tabs == []
    assert len(whole.tabs) == 5


def test_the_dials_that_can_be_hidden_are_those_of_the_view():
    assert set(SWEEPS) < set(CONTROLS)


def test_names_that_mean_nothing_are_told_once_and_the_others_hide(store):
    app = opened(hide="dp,<b>x</b>,nose")
    assert "Noise after training" in dials(app)
    assert "DP noise" not in dials(app)
    (warning,) = app.warning
    assert warning.value.replace("\\", "").startswith("hide must list names of architecture, ")
    assert warning.value.replace("\\", "").endswith("got '<b>x</b>', 'nose'.")


def test_a_list_of_names_may_have_spaces_and_gaps():
    assert hidden_in(" dp, ,noise,") == ({"dp", "noise"}, None)
    assert hidden_in("") == (frozenset(), None)


def test_in_a_class_dials_and_other_controls_offer_measured_stops_only(lesson):
    app = opened(**QUICK.to_query())
    assert [slider.options for slider in app.select_slider] == [["0", "0.05", "0.1"]]
    assert app.selectbox(key="control-population-mnist5k-digits").options == ["MNIST digits 28 × 28", "Digits 8 × 8"]
    assert "Only what has been measured can be chosen here; nothing is trained." in [
        caption.value for caption in app.sidebar.caption
    ]
    assert "Regularization strength<b>0</b>" in words(app)
    app.select_slider[0].set_value("0.1").run()
    assert app.session_state["visit"].view == QUICK.turned("noise", "0.1").turned("sweep", "noise")
    assert not app.exception


def test_in_a_class_an_attack_that_is_not_measured_cannot_be_chosen(lesson):
    app = opened(**QUICK.to_query())
    app.button(key="control-attack").click().run()
    assert not app.button(key="attack-loss").disabled
    assert app.button(key="attack-rmia").disabled
    assert "It has not been measured on this setting." in words(app)


def test_in_a_class_a_chip_that_leads_out_of_what_is_measured_stays(lesson):
    away = QUICK.turned("dropout", "0.5").turned("noise", "0.05")
    measure(lesson, away, waves=1)
    measure(lesson, away.without("noise").turned("label_smoothing", "0.3"), waves=1)
    app = opened(**away.to_query())
    assert [app.button(key=f"chip-{name}").disabled for name in ("noise", "dropout")] == [False, False]
    app = opened(**away.without("noise").turned("label_smoothing", "0.3").to_query())
    assert [app.button(key=f"chip-{name}").disabled for name in ("dropout", "label_smoothing")] == [True, False]


def test_in_a_class_a_link_to_what_is_not_measured_says_so(lesson):
    app = opened(**QUICK.turned("dp", "1").to_query())
    assert "nothing is trained. Turn a dial to go to a setting that is." in words(app)
    assert {"off", "σ 1"} == set(next(dial for dial in app.select_slider if dial.label == "DP noise").options)


def by_epoch(app):
    """The component that walks through a training, and what it was told."""
    (found,) = [one.proto for one in app.get("bidi_component") if one.proto.component_name in EPOCHS]
    return found.component_name, json.loads(found.json)["epochs"]


def publish(epoch):
    """Press the button of an epoch, as a browser says it."""
    import streamlit as st

    from dashboard.panels import epochs
    from dashboard.state.hiding import hide
    from dashboard.state.visit import begin

    hide()
    begin(st.query_params)
    epochs.publish(epoch)


def published(epoch, **query):
    app = AppTest.from_function(publish, args=(epoch,), default_timeout=20)
    for name, text in query.items():
        app.query_params[name] = text
    app.run()
    assert not app.exception
    return app.session_state["visit"].view.stop_after


@pytest.fixture
def heard(lesson):
    """The class with a training that was heard by epoch, of which one early epoch is measured."""
    recipe = point(QUICK).recipe
    lesson.reports.put(
        recipe,
        0,
        1.0,
        [TracePoint(epoch=at, train_accuracy=0.9, test_accuracy=0.8, loss_auc=0.6) for at in range(1, 31)],
    )
    return lesson


def test_in_a_class_no_epoch_can_be_published_that_is_not_measured(heard):
    assert by_epoch(opened(**QUICK.to_query()))[0] == "privacydial_epochs_only"
    assert published("10", **QUICK.to_query()) == "off"
    measure(heard, QUICK.turned("stop_after", "10"), waves=1)
    name, told = by_epoch(opened(**QUICK.to_query()))
    assert (name, told["kept"]) == ("privacydial_epochs", [10, 30])
    assert published("10", **QUICK.to_query()) == "10"
    assert published("20", **QUICK.to_query()) == "off"
    assert published("30", **QUICK.turned("stop_after", "10").to_query()) == "off"


def test_where_the_dial_of_early_stopping_is_hidden_no_epoch_can_be_published(heard):
    set_running(Running(store=heard))
    assert by_epoch(opened(**QUICK.to_query()))[0] == "privacydial_epochs"
    assert by_epoch(opened(**QUICK.to_query(), hide="stop_after"))[0] == "privacydial_epochs_only"
    assert published("10", **QUICK.to_query()) == "10"
    assert published("10", **QUICK.to_query(), hide="stop_after") == "off"


def test_in_a_class_only_presets_that_are_measured_or_trained_here_can_be_chosen(lesson):
    assert offered(opened(**QUICK.to_query())) == []
    measure(lesson, STRONG_DP.view)
    assert offered(opened(**QUICK.to_query())) == [STRONG_DP.title]
    assert offered(opened()) == [OVERFIT.title, STRONG_DP.title]  # where the visitor stands
    set_running(Running(store=lesson, training=Listed(waves={point(SMOOTHED.view).recipe: 2})))
    assert offered(opened(**QUICK.to_query())) == [SMOOTHED.title, STRONG_DP.title]
    set_running(Running(store=lesson))
    assert offered(opened(**QUICK.to_query())) == [preset.title for preset in PRESETS]


def offered(app):
    """The presets in the row above the page."""
    assert not app.exception
    return [name for group in app.button_group if group.key.startswith("presets-row") for name in group.options]


def test_in_a_class_no_sweep_can_be_started(lesson):
    app = AppTest.from_string("from dashboard.pages.sweep import page\npage()", default_timeout=20).run()
    assert [info.value for info in app.info] == [NOTHING]
    assert not [button for button in app.button if button.label == "Start the sweep"]


def test_where_settings_are_listed_those_can_be_chosen_too(store):
    listed = QUICK.turned("noise", "0.02")
    trained = QUICK.turned("regularization", "10")
    measure(store, QUICK, waves=1)
    found = landscape(store, QUICK, training=Listed(waves={point(trained).recipe: 1}))
    assert found.offered("regularization") == ("0", "10")
    assert found.offered("noise") == ("0",)
    assert {str(stop): mark for stop, mark in found.marks["noise"].items()}["0.02"] == "closed"
    assert listed not in [spot.view for spot in found.spots]
    assert LISTED.startswith("This setting is not trained here")


def test_the_readme_names_every_part_that_can_be_hidden():
    readme = (APP.parents[2] / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in readme for name in PARTS)
