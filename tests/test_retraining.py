"""Noise on weights has a ceiling where it was measured how far a record moves them, and never without a condition."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from scipy.stats import norm
from streamlit.testing.v1 import AppTest

from cache.admission import NOTHING, Limits
from cache.admission import Nothing as NothingTrained
from cache.cluster import Cluster
from cache.jobs import Jobs
from cache.keys import sensitivity_key
from cache.reports import FILE, Reports, Sensitivity
from cache.sensitivities import Sensitivities
from cache.store import Store
from dashboard.results import proofs, rates, sensitivity
from dashboard.serving.running import Running, set_running
from dashboard.state.view import View, point
from engine.architectures import Logistic, Mlp
from engine.audits.ceilings import MEASURED
from engine.mechanisms import Dropout
from engine.memory import retraining_memory, wave_memory
from engine.recipe import PopulationChoice, Recipe
from engine.release.gaussian import sigma_for
from engine.release.knowledge import LABEL
from engine.release.sensitivity import measured_sensitivity
from engine.release.values import Release, WeightNoise
from tests.handmade import headline, interval, whole

APP = Path(__file__).parent / "explore_alone.py"
NOISY = View(noise="0.05")
CHANGES = (*(0.002 * place for place in range(1, 32)), 0.1)
FOUND = Sensitivity(changes=CHANGES, members=500)
RECIPE = Recipe(population=PopulationChoice(name="digits", contested=80), architecture=Logistic(), epochs=3, batch=20)


NOISE = Release(weight_noise=WeightNoise(sigma=0.1))


def offered(store: Store, **query: str) -> AppTest:
    """The section on Explore, for a setting that was measured."""
    store.put_assessment(point(replace(View(), **query)), whole(headline(auc=interval(0.7, 0.66, 0.74))))
    app = AppTest.from_file(str(APP), default_timeout=20)
    for name, text in query.items():
        app.query_params[name] = text
    app.session_state["sections"] = "Few false alarms"
    app.run()
    assert not app.exception
    return app


def few_false_alarms(store: Store, **query: str) -> str:
    """Its texts."""
    app = offered(store, **query)
    return " ".join(element.proto.body for element in app.get("html")) + " ".join(each.label for each in app.button)


def test_what_was_measured_is_kept_by_weights_whatever_noise_is_added_to_them(tmp_path):
    reports, noisy = Reports(tmp_path), Release(weight_noise=WeightNoise(sigma=0.1))
    assert reports.sensitivity(RECIPE, noisy) is None
    reports.put(RECIPE, 0, 1.5, ())
    assert reports.sensitivity(RECIPE, noisy) is None
    reports.keep_sensitivity(RECIPE, noisy, FOUND)
    assert Reports(tmp_path).sensitivity(RECIPE, Release(weight_noise=WeightNoise(sigma=0.3))) == FOUND
    assert reports.sensitivity(RECIPE, replace(noisy, epoch=RECIPE.kept_epochs[0])) is None
    assert reports.sensitivity(replace(RECIPE, seed=1), noisy) is None


def test_a_file_of_an_earlier_version_is_measured_again_and_nothing_is_raised(tmp_path, caplog):
    release = Release(weight_noise=WeightNoise(sigma=0.1))
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        connection.execute("CREATE TABLE sensitivity (key TEXT PRIMARY KEY, largest REAL, tried INT, members INT)")
        connection.execute("INSERT INTO sensitivity VALUES (?, 0.1, 32, 500)", [sensitivity_key(RECIPE, release)])
    reports = Reports(tmp_path)
    assert reports.sensitivity(RECIPE, release) is None
    reports.keep_sensitivity(RECIPE, release, FOUND)
    assert reports.sensitivity(RECIPE, release) == FOUND
    assert not caplog.records


def test_workers_measure_what_the_engine_measures_and_it_is_kept(tmp_path):
    reports, release = Reports(tmp_path), Release(epoch=2, weight_noise=WeightNoise(sigma=0.1))
    with Cluster(workers=1) as cluster:
        asked = Sensitivities(lambda: cluster.client, reports, Limits())
        assert asked.look(RECIPE, release) == "absent"
        assert asked.ask(RECIPE, release) is None
        assert asked.ask(RECIPE, release) is None  # once more while it is in work: nothing is measured twice
        assert len(asked._asked) == 1
        deadline = time.monotonic() + 120
        while asked.look(RECIPE, release) == "in work" and time.monotonic() < deadline:
            time.sleep(0.05)
        assert asked.look(RECIPE, release) == "absent"
        unwatched = replace(RECIPE, seed=2)
        assert asked.ask(unwatched, release) is None
        while reports.sensitivity(unwatched, release) is None and time.monotonic() < deadline:
            time.sleep(0.05)  # nobody looks
        assert reports.sensitivity(unwatched, release) is not None
        refused = replace(RECIPE, population=PopulationChoice(name="digits", contested=40), batch=10)
        assert asked.ask(refused, release) is None  # it has fewer than 32 members
        while asked.look(refused, release) == "in work" and time.monotonic() < deadline:
            time.sleep(0.05)
        assert asked.look(refused, release) == "failed"
    found = reports.sensitivity(RECIPE, release)
    assert found is not None
    again = measured_sensitivity(RECIPE, epoch=2)
    assert found.changes == pytest.approx(sorted(again.changes), rel=1e-4)
    assert (found.largest, found.tried) == (max(found.changes), 32)


def test_where_nothing_is_trained_no_measurement_is_accepted_either(tmp_path):
    asked = idle(tmp_path, Limits(training=NothingTrained()))
    assert asked.ask(RECIPE, NOISE) == NOTHING
    assert asked.look(RECIPE, NOISE) == "absent"


def idle(directory: Path, limits: Limits) -> Sensitivities:
    """Measurements of which no worker may hear."""
    return Sensitivities(lambda: pytest.fail("no worker is to be asked"), Reports(directory), limits)


def test_what_needs_too_much_memory_or_would_tell_nothing_is_refused_before_a_worker_is_asked(tmp_path):
    assert retraining_memory(RECIPE) > 2**20
    asked = idle(tmp_path, Limits(memory=2**20))
    assert re.fullmatch(
        r"33 models of this setting, which are trained for this at once, need about 1\.\d MB of memory while they "
        r"train, and 1\.0 MB are allowed here \(--wave-memory\): choose a smaller Architecture, .*\.",
        asked.ask(RECIPE, NOISE) or "",
    )
    dropped = replace(RECIPE, architecture=Mlp(), mechanisms=(Dropout(rate=0.5),))
    assert "must be of training without dropout" in (asked.ask(dropped, NOISE) or "")


class Pending:
    """A future of a worker that never ends."""

    status = "pending"

    def add_done_callback(self, call):
        pass


def test_a_person_has_one_measurement_in_work_and_all_together_have_four(tmp_path, monkeypatch):
    futures = []
    monkeypatch.setattr("cache.remote.retraining", lambda *_: futures.append(Pending()) or futures[-1])
    asked: Any = Sensitivities(lambda: None, Reports(tmp_path), Limits())  # pyright: ignore[reportArgumentType]
    recipes = [replace(RECIPE, seed=seed) for seed in range(5)]
    assert asked.ask(recipes[0], NOISE, person="ann") is None
    assert asked.ask(recipes[0], NOISE, person="ann") is None  # is in work already
    assert asked.ask(recipes[1], NOISE, person="ann").startswith("A measurement of this kind that you asked for is")
    assert asked.look(recipes[1], NOISE) == "absent"
    assert asked.ask(recipes[1], NOISE, person="bob") is None
    for recipe in recipes[2:4]:
        assert asked.ask(recipe, NOISE) is None
    assert asked.ask(recipes[4], NOISE).startswith("4 measurements of this kind are in work already")
    futures[0].status = "error"
    assert asked.ask(recipes[4], NOISE, person="ann") is None
    assert len(futures) == 5


def test_explore_offers_the_measurement_and_draws_nothing_before(store):
    text = few_false_alarms(store, noise="0.05")
    assert "Not measured yet" in text
    assert "Measure how far one record moves the weights" in text
    assert f"the words “{LABEL}”" in text
    assert "Δ =" not in text


def test_explore_says_why_a_measurement_is_not_begun(store):
    class Busy:
        reason: str | None = "A measurement of this kind that you asked for is in work already; let it end first."

        def look(self, *_):
            return "absent"

        def ask(self, *_, person):
            assert person
            return self.reason

    busy: Any = Busy()
    set_running(Running(store=store, jobs=cast(Jobs, SimpleNamespace(sensitivities=busy, progress=lambda *_: None))))
    app = offered(store, noise="0.05")
    app.button(key="measure-sensitivity").click().run()
    assert Busy.reason in [each.value.replace("\\", "") for each in app.warning]
    busy.reason = None
    app.button(key="measure-sensitivity").click().run()
    assert Busy.reason not in [each.value.replace("\\", "") for each in app.warning]


def test_explore_offers_no_measurement_that_needs_too_much_memory(store):
    set_running(Running(store=store, memory=wave_memory(point(NOISY).recipe)))
    text = few_false_alarms(store, noise="0.05")
    assert "33 models of this setting, which are trained for this at once, need about" in text
    assert "Measure how far" not in text


def test_a_measured_sensitivity_is_told_and_drawn_with_its_condition(store):
    store.reports.keep_sensitivity(point(NOISY).recipe, point(NOISY).release, FOUND)
    text = few_false_alarms(store, noise="0.05")
    allowed = f"{norm.cdf(2 / 2**0.5):.3f}".lstrip("0")
    assert "Δ = 0.1" in text
    assert f"one of 32 of 500 members was left out: a {LABEL}. A record" in text
    assert (
        "Leaving out one of 32 of 500 members moved the weights by 0.033 (median), at most by 0.1: measured "
        "sensitivity, not a proof." in text
    )
    assert f"No AUC above {allowed}, {MEASURED}" in text
    assert f"The ceiling ({LABEL}) lets no attack find more than" in text
    assert "methods#measured-ceiling" in text
    assert "Measure how far" not in text


def test_the_distribution_stands_beside_the_largest_change_with_the_noise_for_wanted_epsilons(store):
    figure, listed = sensitivity.strip(FOUND), sensitivity.rows(FOUND)
    assert figure["data"][0]["x"] == list(CHANGES)
    assert figure["data"][0]["name"] == "one record left out"  # the legend's words
    assert figure["layout"]["shapes"][0]["x0"] == 0.1
    assert [len(listed), listed[-1]["Joint L2 change"]] == [32, "0.1"]
    term, about = sensitivity.facts(whole(headline(records=20_000)), FOUND)[-1]
    for noise, wanted in zip(re.findall(r"σ = ([\d.]+)", term), (1, 3, 10), strict=True):
        assert float(noise) == pytest.approx(sigma_for(wanted, delta=1e-6, sensitivity=0.1), rel=5e-3)
    assert term.endswith(" for ε = 10")
    assert about == (f"Noise on all weights at δ = 1e-6 by the analytic Gaussian mechanism, {MEASURED}: {LABEL}.")
    still = Sensitivity(changes=(0.0, 0.0), members=500)
    assert len(sensitivity.facts(whole(), still)) == 1
    assert sensitivity.strip(still)["layout"]["xaxis"]["range"] == [0, 1]


@pytest.mark.parametrize("largest", [0.01, 0.1, 0.5])
def test_every_fact_that_follows_from_a_measured_sensitivity_has_its_label(largest: float):
    measured = replace(FOUND, changes=(largest,))
    made = sensitivity.with_ceiling(whole(), measured, point(NOISY).release)
    facts = sensitivity.facts(made, measured)
    assert len(facts) == 3
    assert all(LABEL in about for _, about in facts)


def test_an_attack_above_the_measured_ceiling_is_told(store):
    store.reports.keep_sensitivity(point(NOISY).recipe, point(NOISY).release, replace(FOUND, changes=(0.01,)))
    text = few_false_alarms(store, noise="0.05")
    assert "The attack reaches .700, and its interval begins above the ceiling" in text
    assert "the true Δ is larger than the measured one, or there is a bug" in text


def test_little_noise_is_said_to_rule_nothing_out(store):
    store.reports.keep_sensitivity(point(NOISY).recipe, point(NOISY).release, replace(FOUND, changes=(0.5,)))
    assert f"No attack is ruled out, {MEASURED}" in few_false_alarms(store, noise="0.05")


def test_the_measured_ceiling_has_marks_of_its_own_and_is_told_where_bounds_are():
    made = sensitivity.with_ceiling(whole(), FOUND, point(NOISY).release)
    proved, measured = (
        next(trace for trace in rates.roc(made)["data"] if trace["name"] == f"ceiling, {claim}")
        for claim in ("proved", LABEL)
    )
    assert proved["line"]["dash"] != measured["line"]["dash"]
    assert proved["line"]["color"] != measured["line"]["color"]
    assert f"{MEASURED} ({LABEL})" in measured["hovertemplate"]
    assert all(f"Ceiling, {LABEL}" in row for row in rates.rows(made))
    assert any(MEASURED.lower() in text.lower() for _, text in proofs.facts(made))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"noise": "0.05", "noise_on": "output"}, "The noise is on the output layer alone"),
        ({"noise": "0.05", "noise_on": "relative"}, "The noise is relative to each tensor"),
        ({"noise": "0.05", "dp": "1"}, "must be of training without noise: DP-SGD proves its ε"),
        ({"noise": "0.05", "dropout": "0.3"}, "must be of training without dropout: it draws while models go"),
    ],
)
def test_where_nothing_would_follow_it_is_said_why(store, query, reason):
    store.reports.keep_sensitivity(point(NOISY).recipe, point(NOISY).release, FOUND)
    text = few_false_alarms(store, **query)
    assert reason in text
    assert "Measure how far" not in text
    assert f"({LABEL})" not in text


def test_where_nothing_is_trained_nothing_is_measured(store):
    set_running(Running(store=store, training=NothingTrained()))
    text = few_false_alarms(store, noise="0.05")
    assert NOTHING in text
    assert "Measure how far" not in text


def test_without_noise_on_weights_there_is_no_word_of_it(store):
    assert sensitivity.TITLE not in few_false_alarms(store)
