import logging
from dataclasses import replace

import pytest

from cache.costs import Cost, cost
from cache.progress import TracePoint
from cache.reports import FILE, Effort, Reports, Timed, effort
from cache.store import Store
from dashboard.panels.waiting import cost_words, duration
from dashboard.state.view import View, point
from engine.recipe import Recipe


def recipe(**changes: str) -> Recipe:
    view = View()
    for name, stop in changes.items():
        view = view.turned(name, stop)
    return point(view).recipe


def trace(epochs: int) -> tuple[TracePoint, ...]:
    return tuple(
        TracePoint(epoch=epoch, train_accuracy=0.9, test_accuracy=0.8, loss_auc=0.6) for epoch in range(1, epochs + 1)
    )


def test_effort_counts_steps_and_weights_times_records_times_models():
    todo = effort(recipe())
    # 784·128 + 128 + 128·10 + 10 weights, 30 epochs of 500 expected members, 8 models; 16 batches an epoch.
    assert (todo.family, todo.steps, todo.work) == ("Mlp plain", 480, 101_770 * 30 * 500 * 8)
    assert effort(recipe(dp="1", architecture="gru-64")).family == "Gru dp"
    assert effort(recipe(soft_labels="2")).family == "Mlp plain teachers"


def test_an_estimate_scales_the_median_of_the_five_nearest_of_the_family():
    todo = Effort(family="a", steps=100, work=1e9)
    typical = cost(todo, 1, ()).seconds
    near = [Timed(effort=todo, seconds=typical * slower) for slower in (1, 2, 3, 4, 5)]
    far = Timed(effort=replace(todo, work=1e12), seconds=1e6)
    found = cost(todo, 2, [far, *near])
    assert (found.seconds, found.basis, found.trainings) == (pytest.approx(2 * 3 * typical), "similar", 5)
    double = replace(todo, steps=200, work=2e9)
    assert cost(double, 1, near[:1]).seconds == pytest.approx(2 * typical)


def test_without_kin_others_are_asked_and_without_any_it_is_a_guess():
    todo = Effort(family="a", steps=100, work=1e9)
    other = Timed(effort=replace(todo, family="b"), seconds=10 * cost(todo, 1, ()).seconds)
    assert cost(todo, 1, [other]).basis == "others"
    assert cost(todo, 1, [other]).seconds == pytest.approx(other.seconds)
    assert (cost(todo, 1, ()).basis, cost(todo, 1, ()).trainings) == ("typical", 0)


def test_a_report_comes_back_and_half_a_trace_is_none(tmp_path):
    reports, default = Reports(tmp_path), recipe()
    assert reports.timed() == reports.trace(default) == ()
    assert not (tmp_path / FILE).exists()
    reports.put(default, 0, 1.5, trace(default.epochs))
    reports.put(recipe(dp="1"), 0, None, trace(3))
    assert Reports(tmp_path).trace(default) == trace(default.epochs)
    assert reports.trace(recipe(dp="1")) == ()
    assert reports.timed() == (Timed(effort=effort(default), seconds=1.5),)
    reports.put(default, 0, 2.5, trace(default.epochs))
    assert [each.seconds for each in reports.timed()] == [2.5]


def test_a_damaged_file_of_reports_stops_nothing(tmp_path, caplog):
    (tmp_path / FILE).write_bytes(b"not a database" * 100)
    reports = Reports(tmp_path)
    with caplog.at_level(logging.WARNING):
        reports.put(recipe(), 0, 1.0, ())
        assert reports.timed() == ()
    assert "could not be used" in caplog.text


def test_reports_whose_tables_are_no_text_stop_nothing(tmp_path, caplog):
    Reports(tmp_path).put(recipe(), 0, 1.0, ())
    file = tmp_path / FILE
    file.write_bytes(file.read_bytes().replace(b"CREATE TABLE", b"CR\xb3ATE TABLE"))
    with caplog.at_level(logging.WARNING):
        assert Reports(tmp_path).timed() == ()
    assert "could not be used" in caplog.text


def test_a_store_says_how_many_waves_are_missing(tmp_path):
    store = Store(tmp_path)
    assert store.missing(recipe(), 2) == 2
    assert not store.trained(recipe(), 2)
    store.close()


def test_an_estimate_is_told_with_what_it_rests_on():
    assert cost_words(Cost(seconds=4.4, basis="similar", trainings=1)) == (
        "Estimated: about 4 s of training on one core (from 1 similar training timed here)."
    )
    assert "a guess" in cost_words(Cost(seconds=4.4, basis="others", trainings=5))
    assert "nothing has been timed" in cost_words(Cost(seconds=4.4, basis="typical", trainings=0))
    assert cost_words(None).startswith("Its models are trained already")
    assert [duration(seconds) for seconds in (0.2, 61, 120, 7200)] == [
        "less than a second", "about 61 s", "about 2 min", "about 2.0 h",
    ]  # fmt: skip
