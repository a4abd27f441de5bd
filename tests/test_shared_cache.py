"""One cache directory and several programs at once, or one after another that was killed: real commands."""

import contextlib
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from cache.jobs import Jobs
from cache.keys import Point, wave_key
from cache.store import Store
from cache.sweeps.reading import sweep_from_toml
from engine.architectures import Mlp
from engine.recipe import PopulationChoice, Recipe
from engine.release.values import Release
from tests.at_work import assert_verified, end, quick, trainings, until
from tests.dashboard_processes import DASHBOARD, let_go, log_of, said, started_dashboard
from tests.dask_processes import answers, dask_scheduler, dask_worker, starts

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")

PATIENCE = 600  # seconds, on a machine that is busy
COMMAND = [sys.executable, "-m", "dashboard.launch"]
SAME = """
waves = 3
attack = "loss"
population.name = "digits"
population.contested = 40
architecture.kind = "Mlp"
architecture.width = 64
epochs = 5
batch = 20
"""
SMALL = DASHBOARD.replace("width=1024", "width=64")
LONG = """
waves = 1
population.name = "digits"
population.contested = 60
batch = 20
epochs = 200
seed = [{}]
"""


def sweep(file, cache, *options, stderr=subprocess.DEVNULL):
    command = [*COMMAND, "sweep", str(file), f"--cache={cache}", *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr)


def kept(directory, table):
    """Every entry of a table with its content."""
    store = Store(directory)
    try:
        query = f"SELECT key, blob FROM {table}"  # noqa: S608  our own names
        return dict(store.maintain(lambda connection: connection.execute(query).fetchall()))
    finally:
        store.close()


def test_two_dashboards_and_a_sweep_that_want_the_same_point_at_once_share_a_cache(tmp_path, cluster):
    alone, shared, file = tmp_path / "alone", tmp_path / "shared", tmp_path / "sweep.toml"
    alone.mkdir()
    shared.mkdir()
    file.write_text(SAME, encoding="utf-8")
    (setting,) = sweep_from_toml(SAME.encode()).plan().settings
    asked_alone(cluster, alone, setting.point)
    assert [trainings(cluster, setting.point.recipe, wave) for wave in range(3)] == [1, 1, 1]
    with dask_scheduler() as scheduler, contextlib.ExitStack() as programs:
        until(lambda: answers(scheduler))
        asking = f'{SMALL}main(scheduler="{scheduler.address}")'
        dashboards = [started_dashboard(shared, asking) for _ in range(2)]
        options = ("--scheduler", scheduler.address, "--insecure-scheduler")
        told = programs.enter_context((tmp_path / "told").open("w"))
        three = [*dashboards, sweep(file, shared, *options, stderr=told)]
        for process in three:
            programs.callback(process.kill)
        for dashboard in dashboards:
            said(dashboard, "now")
        until(lambda: "0 of 3 waves" in (tmp_path / "told").read_text(), PATIENCE)
        assert not kept(shared, "wave")  # all three are at work, and there is nobody yet to train for them
        with dask_worker(scheduler):
            for dashboard in dashboards:
                assert log_of(dashboard.communicate(timeout=PATIENCE)[0])[1].strip() == "done"
            assert three[2].wait(timeout=PATIENCE) == 0
            assert starts(scheduler) == dict.fromkeys(kept(alone, "wave"), 1)
    assert "3 of 3 waves" in (tmp_path / "told").read_text()
    for table in ("wave", "assessment"):
        assert kept(shared, table) == kept(alone, table)
        assert len(kept(shared, table)) == 3
    assert_verified(shared)
    asked_alone(cluster, shared, setting.point)  # a program that comes late finds all of it
    assert [trainings(cluster, setting.point.recipe, wave) for wave in range(3)] == [1, 1, 1]


def asked_alone(cluster, directory, point):
    """Ask for a point when no other program is at work."""
    store = Store(directory)
    jobs: Any = Jobs(cluster.client, store)
    jobs.request("ada", point)
    assert end(jobs, point).state == "done"
    jobs.close()
    store.close()


SLOW = Recipe(
    population=PopulationChoice(name="digits", contested=40), architecture=Mlp(width=64), epochs=400, batch=5
)
"""A recipe whose waves take some seconds each: all programs are at work at once, and one can be killed."""
HELD = (
    DASHBOARD
    + f"""
slow = replace(recipe, architecture=Mlp(width=64), epochs={SLOW.epochs}, batch={SLOW.batch})
first, second = (Point(recipe=replace(slow, epochs=epochs), release=Release(), attack="loss", waves=3)
    for epochs in (slow.epochs, slow.epochs + 1))
"""
)


@pytest.fixture
def programs(tmp_path):
    """Starts programs on the test's cache that ask for something when they are let go."""
    started = []

    def start(*wanted):
        started.extend(started_dashboard(tmp_path, f"{HELD}main({one}, held=True)") for one in wanted)
        return started

    yield start
    for program in started:
        program.kill()
        program.communicate()


def test_of_two_programs_that_ask_for_the_same_at_once_each_wave_is_trained_by_one(tmp_path, programs):
    both = programs("first.with_waves(2)", "first.with_waves(2)")
    let_go(*both)
    outputs = [program.stdout.read() for program in both]
    assert any("now elsewhere" in output for output in outputs)  # one has waited for the other
    assert [log_of(output)[1].strip() for output in outputs] == ["done", "done"]
    trained = sum((log_of(output)[0] for output in outputs), Counter())
    assert trained == {wave_key(SLOW, wave): 1 for wave in range(2)}
    assert_verified(tmp_path)


def test_two_programs_that_want_the_same_waves_in_another_order_do_not_wait_for_each_other_for_ever(
    tmp_path, programs
):
    both = programs(
        "Versus(first=first, second=second).with_waves(2), 2", "Versus(first=second, second=first).with_waves(2), 2"
    )
    let_go(*both)
    outputs = [program.stdout.read() for program in both]
    assert [log_of(output)[1].strip() for output in outputs] == ["done", "done"]
    trained = sum((log_of(output)[0] for output in outputs), Counter())
    recipes = (SLOW, replace(SLOW, epochs=SLOW.epochs + 1))
    assert trained == {wave_key(recipe, wave): 1 for recipe in recipes for wave in range(2)}
    assert_verified(tmp_path)


def test_who_waits_for_another_program_can_leave_holds_up_nobody_and_trains_when_that_is_killed(
    tmp_path, programs, cluster, jobs
):
    (other,) = programs("first")
    wanted = Point(recipe=SLOW, release=Release(), attack="loss", waves=2)
    let_go(other)
    said(other, "start")
    jobs.request("ada", wanted)
    until(lambda: jobs.progress(wanted).state == "elsewhere")
    jobs.request("bob", meanwhile := quick())
    assert end(jobs, meanwhile).state == "done"
    jobs.cancel("ada")
    assert jobs.wait(wanted, 60).state == "cancelled"
    jobs.request("ada", wanted)
    until(lambda: jobs.progress(wanted).state == "elsewhere")
    stored = kept(tmp_path, "wave").keys()
    other.kill()
    assert end(jobs, wanted).state == "done"
    waves = [wave for wave in range(2) if wave_key(SLOW, wave) not in stored]
    assert waves, "the other program was killed too late"
    assert [trainings(cluster, SLOW, wave) for wave in waves] == [1] * len(waves)
    assert trainings(cluster, SLOW, 0) + trainings(cluster, SLOW, 1) == len(waves)
    assert_verified(tmp_path)


def test_a_sweep_that_was_killed_goes_on_and_ends_as_one_that_was_not(tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    forwards, backwards = tmp_path / "forwards.toml", tmp_path / "backwards.toml"
    forwards.write_text(LONG.format("1, 2, 3, 4, 5, 6"), encoding="utf-8")
    backwards.write_text(LONG.format("6, 5, 4, 3, 2, 1"), encoding="utf-8")
    first = sweep(forwards, killed, "--workers=1")
    try:
        until(lambda: (killed / "privacydial.sqlite").exists() and len(kept(killed, "assessment")) >= 2, PATIENCE)
    finally:
        first.kill()
        first.wait()
    before = kept(killed, "assessment")
    assert 2 <= len(before) < 6
    assert_verified(killed)
    assert sweep(forwards, killed, "--workers=1").wait(timeout=PATIENCE) == 0
    assert sweep(backwards, whole, "--workers=2").wait(timeout=PATIENCE) == 0
    for table in ("wave", "assessment"):
        assert kept(killed, table) == kept(whole, table)
        assert len(kept(killed, table)) == 6
    assert before.items() <= kept(whole, "assessment").items()
    assert_verified(killed)
