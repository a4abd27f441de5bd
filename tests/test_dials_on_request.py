from itertools import chain

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.results.docstrings import explanation
from dashboard.state.stops import DIALS, FOUR, GROUPS
from dashboard.state.view import View
from engine.recipe import PopulationChoice
from tests.explored import APP, opened, shown
from tests.handmade import measure


def with_more_dials(**query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=20)
    for name, text in query.items():
        app.query_params[name] = text
    app.session_state["more-dials"] = True
    return app.run()


def test_the_dials_on_request_appear_in_groups_each_with_the_sentence_of_its_mechanism(store):
    app = with_more_dials()
    sliders = {slider.key: slider for slider in app.select_slider}
    assert list(sliders) == [*(f"dial-{name}" for name in FOUR), "dial-contested-mnist5k"] + [
        f"dial-{name}" for name in chain(*GROUPS.values())
    ]
    for name in chain(*GROUPS.values()):
        dial = sliders[f"dial-{name}"]
        assert (dial.label, dial.help.partition("\n\nNot possible here:")[0]) == (
            DIALS[name].title,
            DIALS[name].help,
        )
    assert sliders["dial-contested-mnist5k"].help.startswith(explanation(PopulationChoice, "contested"))
    assert all(f'<h3 class="pd-group">{heading}</h3>' in shown(app) for heading in GROUPS)


def test_turning_a_dial_on_request_makes_a_chip_and_the_chip_removes_it(store):
    measure(store, View(label_smoothing="0.3"))
    app = with_more_dials()
    app.select_slider(key="dial-label_smoothing").set_value("0.3").run()
    assert app.query_params == {"label_smoothing": "0.3", "sweep": "label_smoothing"}
    assert ".796" in shown(app)
    assert app.button(key="chip-label_smoothing").label == "*Remove* Label smoothing 0.3"
    app.button(key="chip-label_smoothing").click().run()
    assert app.query_params == {"sweep": "label_smoothing"}
    assert app.select_slider(key="dial-label_smoothing").value == "off"
    assert not [button for button in app.button if str(button.key).startswith("chip-")]
    assert [view.label_smoothing for view in app.session_state["visit"].before] == ["0.3"]


def test_the_path_is_offered_along_the_dials_that_are_always_there_and_those_in_use(store):
    offered = ["Architecture", "Regularization strength", "DP noise", "Noise after training"]
    sweep = opened(cutout="4").selectbox(key="control-sweep-regularization")
    assert sweep.options == [*offered, "Cutout", "Contested records N"]
    assert opened().selectbox(key="control-sweep-regularization").options == [*offered, "Contested records N"]


def test_a_refused_combination_says_why_trains_nothing_and_is_left_by_its_chip(store):
    measure(store, View(dp="clip"))
    app = opened(dp="clip", mixup="1")
    assert (
        "Mixup must be off with DP-SGD: it blends two records into one gradient, so clipping no longer bounds what "
        "one of them does."
    ) in shown(app)
    assert shown(app).count('<dd class="pd-behind">not possible</dd>') == 4
    assert "not possible here: optimizer, clip, σ 0.3" in shown(app)
    assert [button.key for button in app.main.button if button.key != "pin"] == ["chip-dp", "chip-mixup"]
    assert app.button(key="pin").disabled
    app.button(key="chip-mixup").click().run()
    assert app.query_params == {"dp": "clip"}
    assert ".796" in shown(app)


@pytest.mark.parametrize("population", ["digits", "mnist5k"])
def test_every_dial_at_once_is_possible_without_dp_and_channels(store, population):
    query = {name: str(list(DIALS[name].stops)[-1]) for name in DIALS}
    app = with_more_dials(population=population, **query)
    assert "must be off with DP-SGD" in shown(app)
    app.button(key="chip-dp").click().run()
    assert "has not been measured" not in shown(app)
    assert "Spatial dropout must have the channels of a convolutional network." in shown(app)
    app.button(key="chip-spatial_dropout").click().run()
    assert "This setting has not been measured yet." in shown(app)
