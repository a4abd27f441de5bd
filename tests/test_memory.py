"""What the memory of a wave and of a retraining is estimated at, against the peak of a process that trains it."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from cache.admission import Limits, too_large
from cache.jobs import Jobs
from cache.keys import Point
from cache.store import Store
from dashboard.serving.running import Running, set_running
from dashboard.state.view import View, point
from engine.architectures import Cnn1d, Cnn2d, Gru, Logistic, Lstm, Mlp, Rnn
from engine.canonical import plain
from engine.mechanisms import AdversarialRegularization, SoftLabels
from engine.memory import retraining_memory, wave_memory
from engine.recipe import Adam, DpSgd, PopulationChoice, Recipe, Sgd
from engine.release.values import Release
from tests.explored import put
from tests.planted_settings import planted_setting

ROOT = Path(__file__).parents[1]
FACTOR = 2.0
PEAK = """
import json, sys
from dataclasses import replace
import torch
from cache.codec import wave_to_bytes
from engine.architectures import Mlp
from engine.pipeline import train_wave
from engine.populations.records import split
from engine.recipe import recipe_from_json
from engine.training.allocation import keep_freed_memory
from tests.benchmarks.memory import peak, settled

torch.set_num_threads(1)
keep_freed_memory()
recipe = recipe_from_json(json.loads(sys.argv[1]))
split(recipe.population)
train_wave(replace(recipe, architecture=Mlp(width=8), epochs=1), 0)
before = settled()
{work}
print(round(2**30 * (peak() - before)))
"""
WAVE = "wave_to_bytes(train_wave(recipe, 0, report=lambda report: None))"
RETRAINING = "from engine.release.sensitivity import measured_sensitivity; measured_sensitivity(recipe)"
MNIST = PopulationChoice(name="mnist5k", contested=1000)
BASE = Recipe(population=MNIST, architecture=Logistic(), optimizer=Adam(learning_rate=1e-3), epochs=1, batch=250)
DP = {"optimizer": Sgd(learning_rate=0.25, momentum=0.9), "privacy": DpSgd(clip=1.0, noise_multiplier=1.0)}


@pytest.mark.skipif(sys.platform == "win32", reason="the peak of a process of POSIX systems")
@pytest.mark.parametrize(
    "changes",
    [
        {"architecture": Mlp(width=1024, depth=2), "epochs": 10, "batch": 500},
        {"architecture": Mlp(width=1024, depth=2), **DP},
        {"architecture": Mlp(width=1024, depth=2), "mechanisms": (SoftLabels(temperature=2.0),)},
        {"architecture": Logistic(), "population": replace(MNIST, contested=3500), "epochs": 10, "batch": 1500},
        {"architecture": Rnn(hidden=128)},
        {"architecture": Gru(hidden=96)},
        {"architecture": Lstm(hidden=64, layers=2, bidirectional=True), **DP},
        {"architecture": Cnn1d(width=64)},
        {"architecture": Cnn2d(width=16), **DP},
        {"architecture": Cnn2d(width=8), "batch": 500, "mechanisms": (AdversarialRegularization(strength=1.0),)},
    ],
    ids=lambda changes: type(changes["architecture"]).__name__,
)
def test_the_estimate_is_within_a_factor_of_the_peak(changes):
    recipe = replace(BASE, **changes)
    assert within_the_factor(wave_memory(recipe), recipe, WAVE)


@pytest.mark.skipif(sys.platform == "win32", reason="the peak of a process of POSIX systems")
@pytest.mark.parametrize(
    "changes",
    [
        {"architecture": Mlp(width=512, depth=2), "epochs": 10, "batch": 500},
        {"architecture": Logistic(), "population": replace(MNIST, contested=3500), "batch": 1500},
        {"architecture": Rnn(hidden=128)},
        {"architecture": Gru(hidden=96)},
        {"architecture": Lstm(hidden=64)},
        {"architecture": Cnn1d(width=64)},
        {"architecture": Cnn2d(width=16), "population": replace(MNIST, contested=200), "batch": 100},
        {"architecture": Cnn2d(width=16), "optimizer": Sgd(learning_rate=0.25), "privacy": DpSgd(clip=1.0)},
    ],
    ids=lambda changes: type(changes["architecture"]).__name__,
)
def test_the_estimate_of_a_retraining_is_within_a_factor_of_its_peak(changes):
    recipe = replace(BASE, **changes)
    assert within_the_factor(retraining_memory(recipe), recipe, RETRAINING)


def within_the_factor(estimated, recipe, work):
    """Whether the peak of a process that does some work with a recipe is about what was estimated."""
    asked = [sys.executable, "-c", PEAK.replace("{work}", work), json.dumps(plain(recipe))]
    measured = int(subprocess.run(asked, check=True, capture_output=True, text=True, timeout=600, cwd=ROOT).stdout)
    return measured / FACTOR < estimated < FACTOR * measured


HUGE = replace(BASE, architecture=Mlp(width=4096, depth=8), epochs=30)
TOO_LARGE = "Eight models of this setting need about 78.9 GB of memory while they train, and 8.0 GB are allowed here"


def test_what_is_too_large_is_told_with_the_dials_to_turn():
    assert too_large(HUGE, None) is None
    assert too_large(HUGE, wave_memory(HUGE)) is None
    refused = too_large(HUGE, 8 * 10**9) or ""
    assert refused.startswith(TOO_LARGE)
    assert "choose a smaller Architecture, with fewer units or layers" in refused


def test_a_setting_that_is_too_large_is_refused_where_jobs_are_accepted_whoever_asks(cluster, store):
    jobs: Any = Jobs(cluster.client, store, limits=Limits(memory=8 * 10**9))
    huge = Point(recipe=HUGE, release=Release(), attack="lira", waves=1)
    small = Point(
        recipe=replace(BASE, population=replace(MNIST, name="digits", contested=60), batch=20),
        release=Release(),
        attack="loss",
        waves=1,
    )
    for visitor, background in (("ann", False), ("sweep", True)):
        jobs.request(visitor, huge, background=background)
        assert (jobs.progress(huge).state, jobs.progress(huge).message[: len(TOO_LARGE)]) == ("refused", TOO_LARGE)
    jobs.request("ann", small)
    assert jobs.wait(small).state == "done"
    jobs.close()


def told(app: AppTest) -> str:
    """The captions of the rail."""
    return " ".join(caption.value for caption in app.sidebar.caption).replace("\\", "")


HUGE_VIEW = View(architecture="mlp-4096x8")


def opened_at_the_huge_one(store: Store, view: View = HUGE_VIEW) -> AppTest:
    set_running(Running(store=store, memory=8 * 10**9))
    app = AppTest.from_file(str(Path(dashboard.__file__).parent / "pages" / "app.py"), default_timeout=20)
    for name, text in view.to_query().items():
        app.query_params[name] = text
    assert not app.run().exception
    return app


def test_the_dial_of_architectures_says_why_a_setting_is_not_trained(store):
    app = opened_at_the_huge_one(store)
    assert TOO_LARGE in told(app)
    app.select_slider(key="dial-architecture-mlp-4096x8").set_value("mlp-32").run()
    assert TOO_LARGE not in told(app)


def test_of_a_setting_that_is_measured_nothing_says_that_it_is_not_trained(store):
    put(store, HUGE_VIEW, planted_setting(), waves=1)
    assert TOO_LARGE in told(opened_at_the_huge_one(store))  # the second wave is still to come
    put(store, HUGE_VIEW, planted_setting())
    assert TOO_LARGE not in told(opened_at_the_huge_one(store))


def test_of_a_setting_that_is_trained_already_nothing_says_that_it_is_not(store):
    for wave in range(HUGE_VIEW.waves):
        store.put_wave(point(HUGE_VIEW).recipe, wave, b"")
    assert TOO_LARGE not in told(opened_at_the_huge_one(store))


def test_of_a_setting_whose_attacker_trains_models_of_his_own_both_are_looked_at(store):
    view = replace(HUGE_VIEW, regularization="3", calibration="undefended")
    asked = point(view)
    assert asked.shadow_recipe != asked.recipe
    for recipe, told_of in ((asked.recipe, True), (asked.shadow_recipe, False)):
        for wave in range(view.waves):
            store.put_wave(recipe, wave, b"")
        assert (TOO_LARGE in told(opened_at_the_huge_one(store, view))) == told_of
