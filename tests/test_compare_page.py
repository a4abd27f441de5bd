import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from cache.admission import Limits, Nothing
from cache.cluster import Cluster
from cache.jobs import Jobs
from cache.starter import Starter
from cache.store import Store
from cache.sweeps.writing import recipe_name
from dashboard.serving.running import Running, set_running
from dashboard.state.lineup import comparison, lineup
from dashboard.state.story import PRESETS
from dashboard.state.view import View, point
from tests.handmade import headline, whole

PAGE = Path(dashboard.__file__).parent / "pages" / "app.py"
PLAIN, SMOOTH = View(), View(label_smoothing="0.3")
QUICK = "population=digits&contested=100&architecture=logistic&models=8"
SLOW = View(architecture="lstm-64", contested=3500, models=8)
"""A setting whose training nobody waits for."""


@pytest.fixture
def new_machine(tmp_path):
    """Nothing but what ships, before any worker is there."""
    store = Store(tmp_path, below=Starter())
    set_running(Running(store=store))
    yield store
    set_running(None)
    store.close()


def page() -> None:
    import streamlit as st

    from dashboard.pages import compare

    st.navigation([st.Page(compare.page, title="Compare", url_path="compare")]).run()


def opened(*pins: str, **query: str) -> AppTest:
    app = AppTest.from_function(page, default_timeout=20)
    for name, text in query.items():
        app.query_params[name] = text
    if pins:
        app.query_params["pin"] = list(pins)
    return app.run()


def shown(app: AppTest) -> str:
    """All texts of the page."""
    assert not app.exception
    return " ".join(
        str(getattr(element, "body", None) or getattr(element.proto, "body", ""))
        for kind in ("html", "markdown", "warning", "error", "info")
        for element in app.get(kind)
    ).replace("\\", "")


def measure(store: Store, *views: View, **changes: object) -> None:
    for view in views:
        store.put_assessment(point(view), whole(headline(**changes)))


def test_without_pins_the_page_asks_its_question_and_offers_ready_made_comparisons(store):
    app = opened()
    text = shown(app)
    assert "Does one setting really leak less than another?" in text
    assert "matched by their number of parameters: 24,714 and 24,655" in text
    assert not app.get("bidi_component")
    app.button(key="compare-smoothing").click().run()
    assert app.query_params["pin"] == ["", SMOOTH.address]
    assert "Which leaks less: A or B?" in shown(app)


def test_on_a_new_machine_a_recurrent_is_compared_with_a_feed_forward_network_without_any_worker(new_machine):
    app = opened()
    app.button(key="compare-recurrent").click().run()
    assert app.query_params["pin"] == ["architecture=mlp-31", "architecture=lstm-64"]
    assert "B leaks less than A: " in shown(app)
    assert not [button for button in app.button if button.key == "measure-missing"]
    back = lineup(tuple(View(architecture=name) for name in ("lstm-64", "mlp-31")))
    assert comparison(back.versus("B"), new_machine, None) is not None


def test_on_a_new_machine_two_presets_are_compared_as_an_example_without_any_worker(new_machine):
    app = opened()
    text = shown(app)
    assert "B leaks less than A: yes" in text
    assert "A is MLP 128, no protection." in text
    assert "This is an example: the overfitted preset and the one with strong DP." in text
    assert len(app.get("bidi_component")) == 3
    assert not [button for button in app.button if button.key == "measure-missing"]
    app.button(key="compare-smoothing").click().run()
    assert app.query_params["pin"] == ["", SMOOTH.address]
    text = shown(app)
    assert "B leaks less than A: " in text
    assert "This is an example" not in text
    assert "Does one setting really leak less than another?" in shown(opened(population="digits"))


def test_on_a_new_machine_any_presets_compare_without_training(new_machine):
    text = shown(opened(*(preset.view.address for preset in PRESETS[:4])))
    assert "Not compared yet" not in text
    assert "are not stored here" not in text
    text = shown(opened(PRESETS[4].view.address, PRESETS[1].view.address))
    assert "Which leaks less" not in text


def test_records_without_an_order_have_no_recurrent_comparison_and_the_page_says_why(store):
    app = opened(population="breast-cancer")
    assert app.button(key="compare-recurrent").disabled
    assert "Breast cancer has no sequence view" in shown(app)
    app.button(key="compare-decay-dp").click().run()
    assert all("population=breast-cancer" in pin for pin in app.query_params["pin"])


def test_one_pin_asks_for_another_and_offers_the_setting_of_explore(store):
    app = opened(SMOOTH.address)
    assert "MLP 128, label smoothing 0.3 is pinned; one more setting is needed." in shown(app)
    app.button(key="pin").click().run()
    assert app.query_params["pin"] == [SMOOTH.address, ""]


def test_measured_settings_show_their_numbers_and_curves_while_the_workers_start(store):
    measure(store, PLAIN, SMOOTH)
    app = opened("", SMOOTH.address)
    text = shown(app)
    assert "Label smoothing" in text
    assert "B: MLP 128, label smoothing 0.3" in text
    assert "Not compared yet" in text
    assert len(app.get("bidi_component")) == 2
    assert "32 of them are not stored here and are trained first" in text
    assert "have not been measured" not in text
    assert [button.key for button in app.button if button.key == "measure-missing"]


def test_the_plain_tables_can_be_taken_along(store):
    measure(store, PLAIN, SMOOTH)
    buttons = opened("", SMOOTH.address).get("download_button")
    assert [button.proto.id.rpartition("-csv-")[2] for button in buttons] == ["set", "alone"]
    assert {button.proto.label for button in buttons} == {"Download as CSV"}


def test_every_setting_can_be_taken_along_as_a_file_and_a_command(store):
    measure(store, PLAIN, SMOOTH)
    noisy = View(noise="0.05")
    app = opened("", SMOOTH.address, noisy.address)
    assert not app.code
    app.session_state["take"] = True
    app.run()
    assert re.findall(r"<h2[^>]*>Setting (.)</h2>", shown(app)) == ["A", "B", "C"]
    files = [button.proto.id.rpartition("-take-")[2] for button in app.get("download_button")]
    assert files[2:] == ["A-Recipe file", "B-Recipe file", "C-Recipe file"]
    assert [code.value for code in app.code] == [
        f"privacydial sweep {letter}-{recipe_name(point(view))}.toml"
        for letter, view in {"A": PLAIN, "B": SMOOTH, "C": noisy}.items()
    ]
    assert len({code.value.partition("-")[2] for code in app.code}) == 2  # A and C share a training


def test_any_pin_can_be_the_one_that_others_are_compared_with(store):
    measure(store, PLAIN, SMOOTH)
    app = opened("", SMOOTH.address, "noise=0.05")
    app.button(key="first-B").click().run()
    assert app.query_params["pin"] == [SMOOTH.address, "", "noise=0.05"]
    text = shown(app)
    assert "A is MLP 128, label smoothing 0.3." in text
    assert "B leaks less than A? B is MLP 128" in text
    assert [button.key for button in app.button if "Compare all with" in button.label] == ["first-B", "first-C"]


def test_nothing_measured_says_how_much_is_missing(store):
    text = shown(opened("", SMOOTH.address, "regularization=10"))
    assert "3 settings have not been measured." in text
    assert "48 of them are not stored here" in text


def test_a_bad_pin_gives_a_sentence_and_settings_of_other_records_are_left_out(store):
    app = opened("", "dp=strong<script>", "contested=200", SMOOTH.address)
    (warning,) = app.warning
    assert "A pin of the address means no setting and was left out: dp must be one of" in warning.value.replace(
        "\\", ""
    )
    assert "B is left out: it is about other records" in shown(app)
    assert "Which leaks less: A or C?" in shown(app)


def test_the_others_are_attacked_like_the_first_and_the_page_says_so():
    first, other = replace(PLAIN, attack="loss", models=8), replace(SMOOTH, calibration="undefended")
    found = lineup((first, other))
    assert found.settings["B"] == replace(SMOOTH, attack="loss", models=8)
    assert found.sentences == (
        "B is compared under Loss threshold, whose attacker adapts, on 8 models, so that all compare.",
    )
    robust = lineup((replace(PLAIN, attack="rmia"), replace(SMOOTH, outputs="labels")))
    assert tuple(robust.settings) == ("A",)
    assert robust.sentences[0].startswith("B is left out: ")


def test_workers_that_did_not_start_are_told_of(store):
    set_running(Running(store=store, problem="The workers could not be started."))
    measure(store, PLAIN, SMOOTH)
    assert [error.value for error in opened("", SMOOTH.address).error] == ["The workers could not be started."]


def until(app: AppTest, condition, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.3)
        app.run()
    assert condition()


def test_one_button_measures_what_is_missing_and_the_answer_needs_it_once(store):
    with Cluster(workers=1) as cluster:
        jobs = Jobs(cluster.client, store)
        set_running(Running(store=store, jobs=jobs))
        try:
            app = opened(QUICK, f"{QUICK}&noise=0.2")
            assert "2 settings have not been measured." in shown(app)
            assert "8 of them are not stored here" in shown(app)
            app.button(key="measure-missing").click().run()
            (progress,) = app.get("progress")
            assert progress.proto.text.startswith("3 things are left to measure")
            assert app.button(key="cancel-missing").label == "Cancel"
            until(app, lambda: "B leaks less than A: " in shown(app))
            text = shown(app)
            assert "4 pairs of models" in text
            assert "Spearman" in text
            assert len(app.get("bidi_component")) == 3
            assert not [button for button in app.button if button.key in {"measure-missing", "cancel-missing"}]
            # Another release of the same models needs no training, so nobody has to press anything.
            again = opened(QUICK, f"{QUICK}&noise=0.1")
            until(again, lambda: "B leaks less than A: " in shown(again))
        finally:
            jobs.close()


def test_what_is_measured_for_a_comparison_can_be_cancelled_and_asked_for_again(store):
    with Cluster(workers=1) as cluster:
        jobs = Jobs(cluster.client, store)
        set_running(Running(store=store, jobs=jobs))
        try:
            app = opened(SLOW.address, SLOW.turned("label_smoothing", "0.3").address)
            app.button(key="measure-missing").click().run()
            until(app, lambda: "Training models" in app.get("progress")[0].proto.text)
            app.button(key="cancel-missing").click().run()
            assert not app.exception
            assert not app.get("progress")
            assert not [button for button in app.button if button.key == "cancel-missing"]
            assert app.button(key="measure-missing").label == "Measure what is missing"
            trained = jobs.progress(point(SLOW))
            assert trained is None or not trained.active
            app.button(key="measure-missing").click().run()
            assert app.button(key="cancel-missing").label == "Cancel"
        finally:
            jobs.close()


def test_where_nothing_is_trained_the_page_says_so_and_shows_what_there_is(store):
    with Cluster(workers=1) as cluster:
        jobs = Jobs(cluster.client, store, limits=Limits(training=Nothing()))
        set_running(Running(store=store, jobs=jobs))
        try:
            measure(store, PLAIN, SMOOTH)
            app = opened("", SMOOTH.address)
            app.button(key="measure-missing").click().run()
            until(app, lambda: "Nothing is trained here" in shown(app))
            assert len(app.get("bidi_component")) == 2
        finally:
            jobs.close()
