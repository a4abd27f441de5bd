"""One cache directory and several programs at once, or one after another that was killed: real commands."""

import subprocess
import sys

import pytest

from cache.store import Store
from tests.at_work import until
from tests.dashboard_processes import DASHBOARD, log_of, started_dashboard

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
SMALL = DASHBOARD.replace("width=4096", "width=64") + "main()"
LONG = """
waves = 1
population.name = "digits"
population.contested = 60
batch = 20
epochs = 200
seed = [{}]
"""


def sweep(file, cache, *options):
    command = [*COMMAND, "sweep", str(file), f"--cache={cache}", *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kept(directory, table):
    """Every entry of a table with its content."""
    store = Store(directory)
    try:
        query = f"SELECT key, blob FROM {table}"  # noqa: S608  our own names
        return dict(store.maintain(lambda connection: connection.execute(query).fetchall()))
    finally:
        store.close()


def assert_verified(directory):
    command = [*COMMAND, "cache", f"--cache={directory}", "verify"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


def test_two_dashboards_and_a_sweep_that_want_the_same_point_at_once_share_a_cache(tmp_path):
    alone, shared, file = tmp_path / "alone", tmp_path / "shared", tmp_path / "sweep.toml"
    alone.mkdir()
    shared.mkdir()
    file.write_text(SAME, encoding="utf-8")
    with started_dashboard(alone, SMALL) as one:
        starts, last = log_of(one.communicate(timeout=PATIENCE)[0])
        assert (last.strip(), sorted(starts.values())) == ("done", [1, 1, 1])
    three = [*(started_dashboard(shared, SMALL) for _ in range(2)), sweep(file, shared)]
    try:
        for dashboard in three[:2]:
            again, last = log_of(dashboard.communicate(timeout=PATIENCE)[0])
            # Programs do not wait for each other, but none trains what it finds stored, or anything twice.
            assert last.strip() == "done"
            assert again.keys() <= starts.keys()
            assert all(count == 1 for count in again.values())
        assert three[2].wait(timeout=PATIENCE) == 0
    finally:
        for process in three:
            process.kill()
    for table in ("wave", "assessment"):
        assert kept(shared, table) == kept(alone, table)
        assert len(kept(shared, table)) == 3
    assert_verified(shared)
    with started_dashboard(shared, SMALL) as late:
        assert log_of(late.communicate(timeout=PATIENCE)[0]) == ({}, "done ")


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
