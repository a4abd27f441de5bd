import json
import subprocess
import sys
import time
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cache.admission import Nothing
from cache.cluster import Cluster
from cache.jobs import Jobs
from cache.progress import TracePoint
from cache.reports import effort
from cache.starter import Starter
from cache.store import Store
from dashboard.panels.epochs import TO_SEE_ONE, UNTOLD
from dashboard.results import epochs
from dashboard.results.tables import spots
from dashboard.serving.running import Running, set_running
from dashboard.state.landscape import landscape
from dashboard.state.stops import CONTESTED
from dashboard.state.view import View, point
from engine.populations.catalogue import POPULATIONS
from engine.recipe import Recipe
from tests.explored import APP, opened, put, shown
from tests.handmade import claim, headline, interval, measure, whole


def drawn(app: AppTest) -> int:
    """How many figures; one component more draws nothing but hears keys."""
    return len(app.get("bidi_component")) - 1


def test_an_empty_cache_opens_with_dials_and_says_what_is_to_come(store):
    app = opened()
    assert "This setting has not been measured yet." in shown(app)
    assert "the first numbers appear after 8 of them" in shown(app)
    assert [slider.label for slider in app.select_slider] == [
        "Architecture",
        "Regularization strength",
        "DP noise",
        "Noise after training",
        "Contested records N",
    ]
    assert drawn(app) == 1


def test_a_measured_setting_shows_its_sentence_its_tiles_and_three_figures(store):
    measure(store, View(), claim=claim(None))
    text = shown(opened())
    assert "an attacker who accuses 1 in 100 outsiders finds 95 (80–110); guessing would find 5." in text
    assert ".796" in text
    assert "this is not a guarantee" in text
    assert drawn(opened()) == 3


def test_fewer_models_than_asked_are_shown_with_a_badge_and_the_page_waits_for_more(store):
    measure(store, View(), waves=1, pairs=4, shadows=6)
    app = opened()
    assert "8 of 16 models" in shown(app)
    assert [button.label for button in app.main.button if button.key != "pin"] == ["Cancel"]


def test_an_early_epoch_and_noise_after_training_say_what_is_not_proved(store):
    view = View(dp="1", stop_after="10", noise="0.05")
    measure(store, view, claim=claim(6.5))
    app = opened(**view.to_query())
    (numbers,) = (html.proto.body for html in app.get("html") if "pd-tiles" in html.proto.body)
    assert "choosing the epoch by looking at private accuracy is not covered by it" in numbers
    assert "Noise after training has no proof. How far one record moves these weights is not measured" in shown(app)
    measure(store, View(noise="0.05"), claim=claim(None))
    assert "measured sensitivity, not a proof" in shown(opened(noise="0.05"))
    measure(store, View(), claim=claim(None))
    text = shown(opened())
    assert "private accuracy" not in text
    assert "not a proof" not in text


@pytest.mark.parametrize(
    ("section", "places"), [("ε from below and above", ("Proved: 6.50", "ε is at most")), ("Can I believe this?", ())]
)
def test_every_epsilon_of_an_early_epoch_says_that_choosing_it_is_not_covered(store, section, places):
    view = View(dp="1", stop_after="10")
    put(store, view, whole(headline(claim=claim(6.5))))
    app = AppTest.from_file(str(APP), default_timeout=20)
    for name, value in view.to_query().items():
        app.query_params[name] = value
    app.session_state["sections"] = section
    app.run()
    assert not app.exception
    texts = [element.proto.body for element in app.get("html")]
    for place in ("pd-tiles", *places, *(["What ε assumes"] if not places else [])):
        found = [text for text in texts if place in text]
        assert found
        assert all("private accuracy" in text for text in found), place


def test_tables_of_settings_say_it_of_those_with_an_early_epoch_alone(store):
    for view in (View(dp="1"), View(dp="1", stop_after="10")):
        measure(store, view, claim=claim(6.5))
    listed = spots(landscape(store, View(dp="1", sweep="stop_after")))
    assert {row["Proved ε"] for row in listed} == {
        "6.50",
        "6.50 (choosing the epoch by looking at private accuracy not covered)",
    }


def test_moving_a_dial_changes_the_url_and_traces_that_dial(store):
    app = opened()
    app.select_slider(key="dial-dp").set_value("clip").run()
    assert app.query_params == {"dp": "clip", "sweep": "dp"}
    assert app.session_state["visit"].before == (View(),)


def test_the_url_alone_brings_the_view_back(store):
    app = opened(population="digits", contested="200", noise="0.05", models="8", attack="loss")
    assert app.select_slider(key="dial-contested-digits").value == 200
    assert app.select_slider(key="dial-noise").value == "0.05"
    assert app.button(key="control-attack").label == "Attack: Loss threshold"
    assert app.session_state["visit"].view == View(
        population="digits", contested=200, noise="0.05", models=8, attack="loss"
    )
    assert not app.warning


def test_a_broken_url_gives_sentences_and_works_on(store):
    app = opened(models="7", dp="clip", x="<script>")
    (warning,) = app.warning
    assert "is not part of a view; it was ignored" in warning.value.replace("\\", "")
    assert "models must be one of 8, 16, 32, 64, got '7'" in warning.value.replace("\\", "")
    assert app.query_params == {"dp": "clip"}
    app.select_slider(key="dial-dp").set_value("1").run()
    assert not app.warning


def test_another_population_brings_its_own_dial_for_n(store):
    app = opened(contested="3500")
    app.selectbox(key="control-population").set_value("digits").run()
    assert app.select_slider(key="dial-contested-digits").value == 600
    assert app.query_params == {"population": "digits"}


def test_a_control_that_missed_what_was_written_to_it_stands_where_the_view_says_all_the_same(store):
    """A run that writes a control's value may be interrupted on its way; the next run does not write it again."""
    app = opened(population="digits", contested="600", regularization="3", models="8", attack="loss").run()
    for slider in app.select_slider:
        assert not slider.proto.set_value
        assert slider.proto.options[int(slider.proto.default[0])] == slider.format_func(slider.value)
    for box in app.selectbox:
        assert box.proto.options[box.proto.default] == box.format_func(box.value)
    for group in app.button_group:
        assert list(group.proto.default) == list(group.indices)


def test_workers_that_did_not_start_are_told_of_and_measured_settings_stay_open(store):
    set_running(Running(store=store, problem="The workers could not be started."))
    measure(store, View())
    assert not opened().error
    app = opened(dp="clip")
    assert [error.value for error in app.error] == ["The workers could not be started."]


def test_undo_and_redo_walk_the_views_and_the_url_follows(store):
    app = opened()
    assert possible(app) == []
    app.select_slider(key="dial-dp").set_value("clip").run()
    app.select_slider(key="dial-noise").set_value("0.1").run()
    walk(app, "u")
    assert app.query_params == {"dp": "clip", "sweep": "dp"}
    assert possible(app) == ["u", "r"]
    assert app.select_slider(key="dial-noise").value == "0"
    walk(app, "u")
    assert app.query_params == {}
    assert possible(app) == ["r"]
    walk(app, "rr")
    assert app.query_params == {"dp": "clip", "noise": "0.1", "sweep": "noise"}
    assert possible(app) == ["u"]


def walk(app: AppTest, steps: str) -> None:
    """What the browser sends after so many more presses of the buttons; AppTest cannot press them."""
    state = app.session_state
    done = state["history-done"] if "history-done" in state else 0  # noqa: SIM401  it has no "get"
    before = "u" * done  # all steps are sent every time
    said = {"steps": [history(app)["session"], done + len(steps), before + steps]}
    states: Any = app._tree.get_widget_states()
    states.widgets.add(id=component(app).id, json_value=json.dumps(said))
    app._run(states)


def possible(app: AppTest) -> list[str]:
    """The steps that the buttons offer."""
    return history(app)["possible"]


def history(app: AppTest) -> dict[str, Any]:
    """What the component of the two buttons is told."""
    return json.loads(component(app).json)


def component(app: AppTest) -> Any:
    """The component of the two buttons."""
    (found,) = [one.proto for one in app.get("bidi_component") if one.proto.component_name.endswith("history")]
    return found


def test_a_budget_lives_in_the_url_and_the_best_allowed_stop_is_one_click_away(store):
    measure(store, View())
    measure(store, View(regularization="3"), auc=interval(0.55, 0.54, 0.56))
    app = opened(most_auc="0.6")
    assert "Best allowed: Regularization strength 3" in shown(app)
    app.button(key="best-allowed").click().run()
    assert app.session_state["visit"].view.most_auc == "0.6"
    assert app.query_params == {"regularization": "3", "most_auc": "0.6"}
    assert not [button for button in app.button if button.key == "best-allowed"]
    walk(app, "u")
    assert app.query_params == {"most_auc": "0.6"}


def trace(recipe: Recipe) -> list[TracePoint]:
    return [
        TracePoint(epoch=at, train_accuracy=at / 30, test_accuracy=0.8 - at / 100, loss_auc=0.5 + at / 100)
        for at in range(1, recipe.epochs + 1)
    ]


def test_a_training_that_was_heard_is_shown_by_epoch_and_a_kept_epoch_can_be_published(store):
    measure(store, View())
    recipe = point(View()).recipe
    assert UNTOLD in shown(opened())
    store.reports.put(recipe, 0, 1.5, trace(recipe)[:7])
    assert UNTOLD in shown(opened())
    store.reports.put(recipe, 0, 1.5, trace(recipe))
    text = shown(opened())
    assert "The training, epoch by epoch" in text
    assert UNTOLD not in text
    assert "Test accuracy was highest after epoch 1, 79.0%, with an AUC of .510." in text
    assert drawn(opened()) == 4
    assert epochs.for_browser(trace(recipe), recipe.kept_epochs, 30)["kept"] == [3, 6, 10, 20, 30]
    assert epochs.rows(trace(recipe))[2]["Train accuracy"] == "10.0%"


def test_a_result_whose_training_was_not_heard_says_so_and_how_to_see_one(store):
    measure(store, View())
    assert f"{UNTOLD} {TO_SEE_ONE}" in shown(opened(sweep="regularization"))
    assert UNTOLD not in shown(opened(regularization="0.02", population="digits"))  # nothing is measured there
    set_running(Running(store=store, training=Nothing()))
    assert UNTOLD in (text := shown(opened(sweep="regularization")))
    assert TO_SEE_ONE not in text


def test_on_a_new_machine_the_trainings_of_what_ships_can_be_played(tmp_path):
    shipped = Store(tmp_path, below=Starter())
    set_running(Running(store=shipped))
    for view in (View(), View(dp="1"), View(architecture="lstm-64")):
        text = shown(opened(**view.to_query()))
        assert "The training, epoch by epoch" in text
        assert UNTOLD not in text
    shipped.close()


@pytest.mark.parametrize(
    ("epoch", "query"),
    [("10", {"stop_after": "10", "sweep": "stop_after"}), ("30", {"sweep": "stop_after"}), ("7", {})],
)
def test_only_epochs_whose_weights_were_kept_can_be_published(store, epoch, query):
    app = AppTest.from_function(_publishing, args=(epoch,)).run()
    assert not app.exception
    assert app.session_state["visit"].view.to_query() == query


def _publishing(epoch: str) -> None:
    from dashboard.panels.epochs import publish
    from dashboard.state.visit import begin

    begin({})
    publish(epoch)


def test_a_training_under_way_has_a_title_and_a_table_like_every_other_figure(store):
    app = AppTest.from_function(_training)
    app.session_state["table-trace"] = True  # somebody has opened it
    text = shown(app.run())
    assert '<h2 class="pd-title">The training so far</h2>' in text
    assert "After epoch 2: train accuracy 90.0%, test accuracy 80.0%, AUC of the loss threshold .600." in text
    assert text.count("<td>90.0%</td><td>80.0%</td><td>.600</td>") == 2
    (button,) = app.get("download_button")
    assert button.proto.label == "Download as CSV"


def _training() -> None:
    from cache.progress import Progress, TracePoint
    from dashboard.panels.waiting import _draw
    from dashboard.state.visit import begin

    begin({})
    trace = tuple(TracePoint(epoch=at, train_accuracy=0.9, test_accuracy=0.8, loss_auc=0.6) for at in (1, 2))
    under_way = Progress(state="training", wave=1, waves=2, epoch=2, epochs=30, waves_assessed=0, trace=trace)
    _draw("watch", under_way, None)


def test_cancel_holds_until_the_visitor_asks_or_turns_a_dial(store):
    app = opened()
    app.button(key="cancel").click().run()
    assert "Nothing is trained until you turn a dial" in shown(app)
    assert app.button(key="measure").label == "Measure this"
    app.select_slider(key="dial-noise").set_value("0.1").run()
    assert app.button(key="cancel").label == "Cancel"


def test_no_table_is_made_before_somebody_opens_it(store):
    measure(store, View())
    app = opened()
    assert [table.label for table in app.main.expander] == ["Show the numbers as a table"] * 3
    assert "<table>" not in shown(app)


@pytest.mark.parametrize("population", sorted(CONTESTED))
def test_every_population_opens_with_what_is_to_come_and_tables_refuse_recurrent_networks(store, population):
    assert "This setting has not been measured yet." in shown(opened(population=population))
    text = shown(opened(population=population, architecture="lstm-64"))
    refused = "has no sequence view" in text
    assert refused == (POPULATIONS[population].sequence is None)
    assert ("Nothing is trained for this combination: turn a dial." in text) == refused


def test_resting_on_a_stop_trains_it_with_real_workers_and_shows_it(store):
    with Cluster(workers=1) as cluster:
        jobs = Jobs(cluster.client, store)
        set_running(Running(store=store, jobs=jobs))
        try:
            app = opened(population="digits", contested="100", architecture="logistic", models="8")
            deadline = time.monotonic() + 120
            while "not been measured" in shown(app) and time.monotonic() < deadline:
                time.sleep(0.3)
                app.run()
            assert "For these 100 records of a demonstration set" in shown(app)
            recipe = point(app.session_state["visit"].view).recipe
            assert {3, 6, 10, 20, 30} <= {heard.epoch for heard in store.reports.trace(recipe)}
            assert [timed.effort for timed in store.reports.timed()] == [effort(recipe)]
            assert [button.key for button in app.main.button] == ["pin"]
        finally:
            jobs.close()


def test_the_dashboard_process_never_holds_torch_opacus_or_scikit_learn():
    code = (
        "import sys, dashboard.serving.server, dashboard.pages.explore, dashboard.launch;"
        "print(*sorted({'torch', 'opacus', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
