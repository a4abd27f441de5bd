"""What every page says when a measurement fails, and what a visitor can do about it; workers are real."""

from functools import partial

import pytest
from streamlit.testing.v1 import AppTest

from cache.codec import wave_to_bytes
from cache.store import Store
from cache.sweeps.reading import sweep_from_toml
from dashboard.pages import compare, explore, risk, start, sweep
from dashboard.results.words import unmarked
from dashboard.state.story import PRESETS
from dashboard.state.view import View, point
from engine.populations.membership import masks
from engine.recipe import Recipe
from engine.training.values import TrainedWave
from tests.explored import texts, until_text

PAGES = {
    "compare": compare.page,
    "explore": explore.page,
    "risk": risk.page,
    "start": partial(start.page, {}),
    "sweep": sweep.page,
}
FAILED = "This setting could not be computed: "
QUICK = View(population="digits", contested=100, architecture="logistic", models=8)
SWEEP = """
waves = 1
population.name = "digits"
population.contested = 60
architecture.kind = "Logistic"
batch = 20
epochs = [5, 6]
"""


pytestmark = pytest.mark.usefixtures("sweeps")


def spoil(store: Store, recipe: Recipe, waves: int = 1) -> None:
    """Store models that a worker can read and not use: every attack on them fails."""
    for wave in range(waves):
        drawn = masks(recipe.population, recipe.seed, wave)
        store.put_wave(recipe, wave, wave_to_bytes(TrainedWave(parameters={}, masks=drawn)))


def mend(store: Store) -> None:
    store.maintain(lambda connection: connection.execute("DELETE FROM wave"))


def script(name: str) -> None:
    import streamlit as st

    from tests.test_failed_jobs import PAGES

    st.navigation([st.Page(PAGES[name], title=name, url_path=name)]).run()


def opened(page: str, *pins: View, view: View = QUICK) -> AppTest:
    app = AppTest.from_function(script, args=(page,), default_timeout=30)
    for name, text in view.to_query().items():
        app.query_params[name] = text
    if pins:
        app.query_params["pin"] = [pin.address for pin in pins]
    return app.run()


@pytest.mark.parametrize("page", ["explore", "risk"])
def test_a_setting_that_fails_is_told_of_and_tried_again_when_asked(store, page):
    spoil(store, point(QUICK).recipe)
    app = opened(page)
    until_text(app, f"The training failed: {FAILED}")
    assert [error.value.replace("\\", "").endswith("The log has the rest.") for error in app.error] == [True]
    app.run()
    assert "This setting could not be measured." in texts(app)
    assert "has not been measured yet" not in texts(app)
    assert [button.key for button in app.main.button if button.key == "retry"] == ["retry"]
    mend(store)
    app.button(key="retry").click().run()
    until_text(app, {"explore": "For these 100 records", "risk": "records are at a risk above"}[page])
    assert not app.error


HOSTILE = "**All is well** [here](https://evil.example) $x^2$ <b>:material/star:</b>"


def told(step: str, message: str) -> None:
    import time
    from typing import Any, cast

    from cache.progress import Progress
    from dashboard.panels import waiting
    from dashboard.state.view import View
    from dashboard.state.visit import Visit, keep

    keep(Visit(visitor="ann", view=View(), turned_at=time.monotonic()))
    state: Any = {"held": "cancelled", "watch": "training"}.get(step, step)
    waiting._draw(
        cast("Any", step),
        Progress(state=state, wave=1, waves=1, epoch=1, epochs=30, waves_assessed=0, message=message),
        None,
    )


@pytest.mark.parametrize("step", ["failed", "refused", "held", "watch"])
def test_what_a_job_says_is_shown_as_it_is(step):
    app = AppTest.from_function(told, args=(step, HOSTILE), default_timeout=30).run()
    assert HOSTILE in texts(app)
    (shown,) = [
        element.value
        for kind in (app.error, app.info, app.markdown, app.caption)
        for element in kind
        if "All is well" in element.value
    ]
    assert unmarked(HOSTILE) in shown


def test_a_comparison_that_fails_is_told_of_and_offered_again(store):
    spoil(store, point(QUICK).recipe)
    app = opened("compare", QUICK, QUICK.turned("noise", "0.2"))  # the models are there, so nobody has to press
    until_text(app, f"The training failed: {FAILED}")
    assert "2 settings have not been measured." in texts(app)
    assert "cancel-missing" not in [button.key for button in app.button]
    mend(store)
    app.button(key="measure-missing").click().run()
    until_text(app, "B leaks less than A: ")
    assert not app.error


def test_presets_that_fail_are_told_of_and_offered_again(store):
    for preset in PRESETS:
        spoil(store, point(preset.view).recipe, waves=2)
    app = opened("start", view=View())
    app.button(key="measure-presets").click().run()
    until_text(app, "Done: 0 of 5 settings, 0 of 10 waves. 5 could not be measured.")
    assert [FAILED in warning.value.replace("\\", "") for warning in app.warning] == [True]
    assert not app.button(key="measure-presets").disabled
    assert "cancel-presets" not in [button.key for button in app.button]


def test_settings_of_a_sweep_that_fail_are_counted_and_measured_when_it_goes_on(store):
    plan = sweep_from_toml(SWEEP.encode()).plan()
    spoil(store, plan.settings[0].point.recipe)
    app = opened("sweep")
    app.segmented_control(key="sweep-way").set_value("A file").run()
    app.text_area(key="sweep-toml").set_value(SWEEP).run()
    app.button(key="sweep-start").click().run()
    until_text(app, "Done: 1 of 2 settings, 1 of 2 waves. 1 could not be measured.")
    assert [FAILED in warning.value.replace("\\", "") for warning in app.warning] == [True]
    assert "1 of 2 settings are measured." in texts(app)
    mend(store)
    app.run()
    app.button(key="sweep-go-on").click().run()
    until_text(app, "Done: 2 of 2 settings, 2 of 2 waves.")
    assert not app.warning
