"""Leases between real processes, which are killed or outlived by a child."""

import contextlib
import os
import subprocess
import sys
from typing import Any

import pytest

from cache.leases import Leases
from tests.at_work import until
from tests.dashboard_processes import said

HOLDER = """
import os, sys, time
from pathlib import Path
from cache.leases import Leases

leases = Leases(Path(sys.argv[1]))
held = [leases.take(key) for key in sys.argv[2:]]
if "a child" in os.environ.get("WITH", ""):
    if (child := os.fork()) == 0:
        time.sleep(600)
    print(child, flush=True)
print([one is not None for one in held], flush=True)
sys.stdin.read()
"""
ONE, OTHER = "1" * 64, "2" * 64


@contextlib.contextmanager
def another(directory, *keys, **variables):
    """Another program that takes leases and keeps them."""
    command = [sys.executable, "-c", HOLDER, str(directory), *keys]
    environment = os.environ | variables
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def taken(leases, key):
    """Whether a lease is to be had; it is kept."""
    return leases.take(key) is not None


def test_a_lease_that_another_program_has_is_not_to_be_had_until_that_is_killed(tmp_path):
    leases = Leases(tmp_path)
    with another(tmp_path, ONE) as holder:
        assert said(holder) == "[True]\n"
        assert not taken(leases, ONE)
        assert taken(leases, OTHER)
        assert not taken(leases, ONE)
        holder.kill()
        until(lambda: taken(leases, ONE), seconds=60)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_child_that_outlives_a_killed_program_does_not_keep_its_leases(tmp_path):
    leases = Leases(tmp_path)
    with another(tmp_path, ONE, WITH="a child") as holder:
        child = int(said(holder))
        try:
            assert said(holder) == "[True]\n"
            holder.kill()
            holder.wait()
            os.kill(child, 0)  # it lives
            assert taken(leases, ONE)
        finally:
            os.kill(child, 9)


def test_a_program_gives_a_lease_back_when_it_has_given_back_all_that_it_took_on_it(tmp_path):
    leases: Any = Leases(tmp_path)
    first, second, third = (leases.take(key) for key in (ONE, ONE, OTHER))
    for ended, answer in ((first, "[False, False]\n"), (first, "[False, False]\n"), (second, "[True, False]\n")):
        ended.end()
        with another(tmp_path, ONE, OTHER) as asker:
            assert said(asker) == answer
    third.end()
    with another(tmp_path, ONE, OTHER) as asker:
        assert said(asker) == "[True, True]\n"


def test_where_nothing_can_be_locked_every_lease_is_to_be_had_and_the_log_says_so(tmp_path, caplog):
    (tmp_path / "leases").mkdir()
    lease = Leases(tmp_path).take(ONE)
    assert lease is not None
    lease.end()
    assert "Another program may train the same" in caplog.text
