import csv
import io
import itertools
import re
import zipfile
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from cache.admission import Person
from cache.jobs import Jobs
from cache.keys import assessment_key
from cache.store import Store
from cache.sweeps.current import Sweeps
from cache.sweeps.kept import keep_plan, kept_plan
from cache.sweeps.reading import sweep_from_toml
from cache.sweeps.results import Result
from cache.sweeps.run import SweepProgress
from cache.sweeps.values import Plan, Sample
from dashboard.controls.composing import FIRST, SEED, plan_of
from dashboard.panels.watching import progress_words
from dashboard.results import outcomes
from dashboard.results.parallel import landed, parallel
from dashboard.serving.running import Running, set_running
from dashboard.state.families import token_of
from dashboard.state.stops import FOUR
from dashboard.state.view import View
from engine.attacks.catalogue import CATALOGUE
from engine.populations.catalogue import POPULATIONS
from tests.explored import opened_sweep, until_text
from tests.handmade import claim, headline, interval
from tests.test_methods import unexplained

QUICK = """
waves = 1
population.name = "digits"
population.contested = 60
architecture.kind = "Logistic"
batch = 20
epochs = [5, 10]
seed = {seed}
"""
seeds = itertools.count(2_000_000)
ANN, BOB = Person(name="ann"), Person(name="bob")


def quick(**changes: object) -> str:
    more = "".join(f"{name} = {value}\n" for name, value in changes.items())
    return QUICK.format(seed=next(seeds)) + more


def of_file(text: str) -> AppTest:
    """The page with a sweep file typed into it."""
    app = opened_sweep()
    app.segmented_control(key="sweep-way").set_value("A file").run()
    app.text_area(key="sweep-toml").set_value(text).run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    assert not app.exception
    kinds = ("html", "markdown", "warning", "error")
    found = [getattr(element, "body", None) or element.proto.body for kind in kinds for element in app.get(kind)]
    return " ".join([*map(str, found), *(bar.proto.text for bar in app.get("progress"))])


def buttons(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def test_a_bad_file_is_one_sentence_and_cannot_be_started(sweeps):
    app = of_file("epochz = 3")
    (error,) = app.error
    assert "must be a field of a recipe or a release such as epochs, got 'epochz'" in error.value.replace("\\", "")
    assert buttons(app) == []


def test_a_sweep_runs_to_its_end_and_a_second_visitor_sees_it(sweeps):
    app = of_file(quick(**{"mechanisms.Dropout.rate": '["off", 0.5]'}))
    assert "2 settings, 2 waves of eight models; 2 combinations are not possible." in texts(app)
    app.button(key="sweep-start").click().run()
    until_text(app, "Done: 2 of 2 settings, 2 of 2 waves.")
    other = opened_sweep()
    assert "2 of 2 settings are measured." in texts(other)
    assert re.findall(r'href="methods#([^"]*)"', texts(other)) == ["frontier", "accuracy", "auc"]
    assert [box.label for box in other.expander if "not possible" in box.label] == ["2 combinations are not possible"]
    assert "dropout must have hidden activations, which logistic regression has not" in texts(other)
    assert buttons(other) == ["Start the sweep"]
    assert not unexplained(other.main)


def test_pause_resume_and_cancel_are_there_while_a_sweep_is_in_work(sweeps):
    app = of_file(quick(epochs="[5000, 5001, 5002, 5003, 5004, 5005]").replace("epochs = [5, 10]\n", ""))
    app.button(key="sweep-start").click().run()
    until_text(app, "Measuring: ")
    app.run()
    assert buttons(app)[:2] == ["Pause", "Cancel the sweep"]
    app.button(key="sweep-pause").click().run()
    until_text(app, "Paused: ")
    assert "Resume" in buttons(app)
    app.button(key="sweep-resume").click().run()
    until_text(app, "Measuring: ")
    app.button(key="sweep-cancel").click().run()
    until_text(app, "Cancelled: ")
    assert "Start it again to go on." in texts(app)
    opened_sweep().button(key="sweep-go-on").click().run()  # another visitor, who has not composed it
    until_text(app, "Measuring: ")
    assert "sweep-go-on" not in [button.key for button in app.button]


def test_only_one_sweep_runs_at_a_time(sweeps):
    long = sweep_from_toml(quick(epochs="[5000, 5001]").replace("epochs = [5, 10]\n", "").encode()).plan()
    assert sweeps.start(long, ANN)
    assert not sweeps.start(sweep_from_toml(quick().encode()).plan(), BOB)
    assert sweeps.current.plan is long
    app = opened_sweep()
    assert app.button(key="sweep-start").disabled
    assert "A sweep is in work" in texts(app)


def test_after_a_restart_the_page_goes_on_with_the_sweep_of_before(cluster, sweeps, tmp_path):
    app = of_file(quick(**{"mechanisms.Dropout.rate": '["off", 0.5]'}))
    app.button(key="sweep-start").click().run()
    until_text(app, "Done: 2 of 2 settings, 2 of 2 waves.")
    store = Store(tmp_path)
    jobs = Jobs(cluster.client, store)
    again = Sweeps(jobs, store)
    set_running(Running(store=store, jobs=jobs, sweeps=again))
    other = opened_sweep()
    assert "The latest sweep here is one of 2 settings (epochs, Dropout.rate)" in texts(other).replace("\\", "")
    assert again.before == sweeps.current.plan
    other.button(key="sweep-go-on").click().run()
    until_text(other, "Done: 2 of 2 settings, 2 of 2 waves.")
    assert "dropout must have hidden activations, which logistic regression has not" in texts(other)
    assert "sweep-go-on" not in [button.key for button in other.button]
    again.close()
    jobs.close()
    store.close()


def with_files() -> None:
    """The page, and what its downloads hold when they are pressed."""
    import streamlit as st
    from streamlit.runtime import get_instance

    from dashboard.pages import sweep

    sweep.page()
    offered = get_instance().media_file_mgr._deferred_callables.values()
    st.session_state["files"] = {one["filename"]: one["callable"]() for one in offered}


def taking(place: str) -> AppTest:
    """The page with what can be taken along opened in a place."""
    app = AppTest.from_function(with_files, default_timeout=60)
    app.session_state[place] = True
    return app.run()


def keys(plan: Plan) -> list[str]:
    return [assessment_key(setting.point) for setting in plan.settings]


def assert_taken(app: AppTest, plan: Plan) -> None:
    """The files are those of a plan, and the commands name them."""
    assert not app.exception
    files = app.session_state["files"]
    assert keys(sweep_from_toml(files["sweep.toml"].encode()).plan()) == keys(plan)
    with zipfile.ZipFile(io.BytesIO(files["sweep-recipes.zip"])) as archive:
        recipes = {name: sweep_from_toml(archive.read(name)).plan() for name in archive.namelist()}
    assert [key for one in recipes.values() for key in keys(one)] == keys(plan)
    assert [code.value for code in app.code] == [
        "privacydial sweep sweep.toml",
        f"privacydial sweep {next(iter(recipes))}",
    ]


BASE = View(population=[*POPULATIONS][1], attack=next(iter(CATALOGUE)))
BY_DEFAULT = {name: FIRST.get(name, (getattr(BASE, name),)) for name in (*FOUR, "contested")}
TURNED = {"architecture": ("logistic", "mlp-64x3-tanh", "lstm-8x2-mean"), "dp": ("off", "1"), "noise": ("0", "0.05")}


@pytest.mark.parametrize(
    ("turned", "replicates", "points"),
    [({}, 1, None), (TURNED, 1, None), ({}, 3, None), (TURNED, 2, 11)],
    ids=["what stands there", "a grid", "replicates", "a Sobol sample with replicates"],
)
def test_a_sweep_from_the_dials_can_be_taken_along_as_files_that_ask_for_the_same(store, turned, replicates, points):
    app = taking("take-composed")
    for name, stops in turned.items():
        app.multiselect(key=f"sweep-{name}").set_value([*stops]).run()
    app.number_input(key="sweep-replicates").set_value(replicates).run()
    if points is not None:
        app.segmented_control(key="sweep-which").set_value("A Sobol sample").run()
        app.number_input(key="sweep-points").set_value(points).run()
    seeds = {SEED: tuple(range(replicates))} if replicates > 1 else {}
    plan = plan_of(BASE, tuple((BY_DEFAULT | turned | seeds).items()), Sample(points=points) if points else None)
    assert f"{len(plan.settings):,} settings" in texts(app)
    assert_taken(app, plan)


def test_the_sweep_that_is_shown_can_be_taken_along_by_everybody_and_after_a_restart(sweeps, tmp_path):
    plan = sweep_from_toml(quick(**{"mechanisms.LabelSmoothing.alpha": '["off", 0.5]'}).encode()).plan()
    named = replace(plan, dials=("<b>x</b>", "../../=1+1"))
    keep_plan(named, tmp_path)
    assert_taken(taking("take"), plan)  # of the dashboard before this one
    assert sweeps.start(named, ANN)
    app = taking("take")
    until_text(app, "Done: 4 of 4 settings, 4 of 4 waves.")
    assert_taken(app, plan)


def test_a_link_can_hide_what_can_be_taken_of_a_sweep(store):
    app = AppTest.from_function(with_files, default_timeout=60)
    app.session_state["hidden"] = {"take"}
    app.session_state["take-composed"] = True
    assert "3 settings, 6 waves of eight models." in texts(app.run())
    assert not app.code
    assert app.session_state["files"] == {}


KEPT = "sweep.json"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"waves": 1', '"waves": 2'),
        ('"waves": 1', '"waves": "1"'),
        ('"dials": [', '"dials": [7, '),
        ('\\"function\\":\\"assess\\"', '\\"function\\":\\"explode\\"'),
        ('"settings": ', '"settings": [], "more": '),
        ("[5]", "[5, 6]"),
        ("[5]", "[[5]]"),
        ("{", "["),
    ],
)
def test_a_kept_sweep_that_is_not_whole_is_left_out_and_said_in_the_log(tmp_path, caplog, before, after):
    plan = sweep_from_toml(quick().encode()).plan()
    keep_plan(plan, tmp_path)
    assert kept_plan(tmp_path) == plan
    content = (tmp_path / KEPT).read_text()
    assert before in content
    (tmp_path / KEPT).write_text(content.replace(before, after, 1))
    assert kept_plan(tmp_path) is None
    assert "is left out" in caplog.text


def test_a_sweep_that_cannot_be_kept_is_a_line_in_the_log(tmp_path, caplog):
    keep_plan(sweep_from_toml(quick().encode()).plan(), tmp_path / "nowhere")
    assert "could not be written" in caplog.text
    assert kept_plan(tmp_path / "nowhere") is None


def test_without_workers_the_page_says_so_and_starts_nothing(tmp_path):
    store = Store(tmp_path)
    set_running(Running(store=store))
    assert "Starting the workers …" in texts(opened_sweep())
    set_running(Running(store=store, problem="The workers could not be started."))
    assert [error.value for error in opened_sweep().error] == ["The workers could not be started."]
    set_running(None)
    store.close()


def test_a_sweep_file_turns_every_option_and_tells_only_those_that_a_setting_has():
    text = b"""
        architecture.kind = ["Mlp", "Lstm"]
        architecture.depth = [1, 3]
        architecture.activation = "tanh"
        architecture.layers = 2
        architecture.bidirectional = [false, true]
        architecture.pooling = ["last", "mean"]
    """
    plan = sweep_from_toml(text).plan()
    named = {token_of(setting.point.recipe.architecture): setting.values for setting in plan.settings}
    assert [*named] == [
        *("mlp-128-tanh", "mlp-128x3-tanh"),
        *(f"lstm-64x2{both}{pooling}" for both in ("", "-bidirectional") for pooling in ("", "-mean")),
    ]
    assert outcomes.values_text(plan.dials, named["mlp-128x3-tanh"]) == "architecture.kind Mlp, architecture.depth 3"
    assert outcomes.values_text(plan.dials, named["lstm-64x2-bidirectional-mean"]) == (
        "architecture.kind Lstm, architecture.bidirectional true, architecture.pooling mean"
    )
    results = [Result(setting=setting, waves=2, headline=headline()) for setting in plan.settings]
    mlp, *_, lstm = outcomes.rows(plan, results)
    assert (mlp["architecture.depth"], mlp["architecture.bidirectional"]) == ("1", "–")
    assert (lstm["architecture.depth"], lstm["architecture.bidirectional"]) == ("–", "true")


def some_results() -> tuple[Plan, list[Result]]:
    """Two dials, three settings; one of them with fewer waves."""
    plan = sweep_from_toml(b'epochs = [20, 10]\nmechanisms.Dropout.rate = ["off", 0.5]').plan()
    aucs = (0.6, 0.7, 0.8)
    return plan, [
        Result(
            setting=setting,
            waves=1 if place == 2 else 2,
            headline=headline(auc=interval(auc, auc - 0.01, auc + 0.01), claim=claim(None)),
        )
        for place, (setting, auc) in enumerate(zip(plan.settings, aucs, strict=False))
    ]


def test_the_figure_has_every_setting_with_its_intervals_hollow_where_models_are_to_come():
    few, all_models = landed(*some_results())["data"]
    assert (few["x"], few["marker"]["symbol"]) == ([0.8], "circle-open")
    assert (all_models["x"], all_models["y"]) == ([0.6, 0.7], [0.868, 0.868])
    assert all_models["error_x"]["array"] == pytest.approx([0.01, 0.01])
    assert all_models["hovertext"][1].startswith("<b>epochs 20<br>Dropout.rate 0.5</b>")


def test_parallel_lines_cross_each_dial_at_its_value_and_end_at_the_numbers():
    figure = parallel(*some_results())
    low, high = figure["data"]
    assert low["x"] == [0, 1, 2, 3, None]
    assert low["y"] == [1.0, 0.0, 0.0, 0.0, None]  # 20 epochs above 10, dropout off, the only accuracy, least AUC
    assert high["y"][:5] == [1.0, 1.0, 0.0, pytest.approx(0.5), None]
    assert high["y"][5:] == [0.0, 0.0, 0.0, pytest.approx(1.0), None]
    assert [label["text"] for label in figure["layout"]["annotations"]] == [
        *("10", "20", "off", "0.5"),
        *("86.8 %", "86.8 %", "0.600", "0.800"),
    ]


def test_figures_of_nothing_are_empty_and_whole():
    plan, _ = some_results()
    assert [trace["x"] for trace in (*landed(plan, [])["data"], *parallel(plan, [])["data"])] == [[]] * 4


def test_the_csv_has_full_precision_and_empty_fields_for_what_is_not():
    plan, results = some_results()
    header, first, *_ = outcomes.csv_bytes(plan, results).decode().split("\r\n")
    row = dict(zip(header.split(","), first.split(","), strict=True))
    assert (row["epochs"], row["mechanisms.Dropout.rate"], row["auc"], row["epsilon"]) == ("20", "off", "0.6", "")
    assert (row["models"], row["shadows"], row["delta"]) == ("16", "14", "1e-05")


def test_the_csv_and_the_table_say_who_proves_epsilon_and_what_it_leaves_out():
    plan = sweep_from_toml(b'epochs = 10\nprivacy.noise_multiplier = 1.0\nrelease.epoch = ["off", 2]').plan()
    found = [Result(setting=setting, waves=2, headline=headline(claim=claim(6.5))) for setting in plan.settings]
    last, early = csv.DictReader(io.StringIO(outcomes.csv_bytes(plan, found).decode()))
    for row in (last, early):
        assert (row["epsilon"], row["accountant"], row["relation"]) == ("6.5", "RDP", "add or remove one record")
    chosen = "choosing the epoch by looking at private accuracy"
    assert [row["not_covered_by_epsilon"] for row in (last, early)] == ["", chosen]
    assert [row["Proved ε"] for row in outcomes.rows(plan, found)] == ["6.50", f"6.50 ({chosen} not covered)"]


def test_progress_is_told_in_words():
    def words(state, seconds=None, failed=0):
        return progress_words(
            SweepProgress(
                state=state,
                points=4,
                points_done=1,
                waves=8,
                waves_done=3,
                failed=failed,
                seconds_left=seconds,
                message="",
            )
        )

    done = "1 of 4 settings, 3 of 8 waves"
    assert words("starting") == "Looking what is measured already …"
    assert words("running") == f"Measuring: {done}. The time left is not known yet."
    assert words("running", 20, failed=1) == f"Measuring: {done}. Less than a minute left. 1 could not be measured."
    assert words("running", 600) == f"Measuring: {done}. About 10 min left."
    assert words("running", 7_500) == f"Measuring: {done}. About 2 h 5 min left."
    assert words("paused") == f"Paused: {done}."
    assert words("done") == f"Done: {done}."
    assert words("cancelled") == f"Cancelled: {done} are kept. Start it again to go on."
    assert words("stopped") == f"Stopped, because nothing could be measured any more: {done} are kept."
