"""What dies or is cancelled in the middle of the work: real processes, real signals.

After each fault: ``privacydial cache verify`` finds nothing, no wave was trained once more than the fault cost,
the page has a sentence, and the work goes on.
"""

import contextlib
import os
import signal
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from cache.cluster import sheltered_cluster
from cache.failures import LOST, RESTARTED
from cache.jobs import Jobs
from cache.keys import Point, assessment_key, wave_key
from cache.store import Store
from cache.supervision import NO_WORKERS, Supervisor
from engine.architectures import Mlp
from engine.recipe import Recipe
from engine.release.values import Release, WeightNoise
from tests.at_work import assert_verified, begun, end, quick, trainings, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX systems")


class Workplace:
    """A cluster under supervision, jobs, a store, and a log of every start of a training."""

    def __init__(self, directory: Path) -> None:
        self._others = set(psutil.Process().children(recursive=True))
        self.store = Store(directory)
        self.cluster = sheltered_cluster(workers=1)
        self.jobs: Any = Jobs(self.cluster.client, self.store)
        self.supervisor = Supervisor(self._again, self.cluster, self.jobs)
        self.cluster.client.wait_for_workers(1, timeout=120)
        self._logs: list[Counter[str]] = []

    def _again(self):
        self.cluster = sheltered_cluster(workers=1)
        return self.cluster

    def starts(self, recipe: Recipe, wave: int) -> int:
        """How often a worker took up a wave, over all clusters."""
        counts = sum([*self._logs, self._log()], Counter())
        return counts[wave_key(recipe, wave)]

    def remember_starts(self) -> None:
        """Keep the log of a scheduler that is about to die."""
        self._logs.append(self._log())

    def _log(self) -> Counter[str]:
        return Counter(task.split("-")[1] for task in begun(self.cluster.client))

    def process(self, word: str) -> psutil.Process:
        """The one process of the cluster with this word on its command line."""
        below = set(psutil.Process().children(recursive=True)) - self._others
        (found,) = [one for one in below if one.is_running() and any(word in part for part in _line(one))]
        return found

    def close(self) -> None:
        self.supervisor.close()
        self.store.close()


def _line(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


@pytest.fixture
def place(tmp_path):
    place = Workplace(tmp_path)
    yield place
    place.close()


def slow(*, waves=2):
    """A point whose waves take about a second each, so that one can be interrupted."""
    point = quick(waves=waves)
    return replace(point, recipe=replace(point.recipe, architecture=Mlp(), epochs=300, batch=10))


def test_a_worker_killed_in_mid_wave_costs_that_wave_once_more(place):
    point = slow()
    place.jobs.request("ada", point)
    until(lambda: place.jobs.progress(point).epoch >= 1)
    (worker,) = place.cluster.client.run(os.getpid).values()
    os.kill(worker, signal.SIGKILL)
    until(lambda: place.jobs.progress(point).message == RESTARTED)
    assert end(place.jobs, point).state == "done"
    assert [place.starts(point.recipe, wave) for wave in range(2)] == [2, 1]
    assert_verified(place.store.file.parent)


def test_a_scheduler_killed_is_replaced_and_the_job_goes_on_from_what_is_stored(place):
    point, scheduler = slow(waves=3), place.process("distributed.Scheduler")
    place.jobs.request("ada", point)
    # In the first half of a later wave, so that it is in work still when the signal arrives.
    until(
        lambda: (
            place.jobs.progress(point).waves_assessed >= 1
            and 1 <= place.jobs.progress(point).epoch <= point.recipe.epochs / 2
        )
    )
    place.remember_starts()
    scheduler.kill()
    until(lambda: place.jobs.progress(point).message == LOST)
    assert end(place.jobs, point).state == "done"
    assert sorted(place.starts(point.recipe, wave) for wave in range(3)) == [1, 1, 2]
    assert_verified(place.store.file.parent)


def test_the_process_that_looks_after_a_worker_is_replaced_when_it_is_killed(place):
    point = slow()
    place.jobs.request("ada", point)
    until(lambda: place.jobs.progress(point).epoch >= 1)
    place.process("distributed.Nanny").kill()
    assert end(place.jobs, point).state == "done"
    assert [place.starts(point.recipe, wave) for wave in range(2)] == [2, 1]
    assert_verified(place.store.file.parent)


def test_workers_that_cannot_start_are_a_sentence_and_no_endless_wait(tmp_path, monkeypatch):
    monkeypatch.setattr("cache.cluster.TASKS", "no.such.module")
    cluster, store = sheltered_cluster(workers=1), Store(tmp_path)
    jobs: Any = Jobs(cluster.client, store)
    told: list[str] = []
    supervisor = Supervisor(lambda: sheltered_cluster(workers=1), cluster, jobs, on_problem=told.append)
    try:
        point = quick()
        jobs.request("ada", point)
        until(lambda: not jobs.progress(point).active, seconds=120)
        assert (jobs.progress(point).state, jobs.progress(point).message) == ("failed", NO_WORKERS)
        assert told == [NO_WORKERS]
    finally:
        supervisor.close()
        store.close()


def transferring(jobs: Any, point: Point) -> bool:
    """Whether the first wave of a point is trained and not in the store yet."""
    flight = jobs._jobs[assessment_key(point)].waves.get(0)
    return flight is not None and flight.future.done() and not flight.stored


@pytest.mark.parametrize("phase", ["queued", "training", "transferring", "assessing"])
def test_a_cancel_in_any_phase_leaves_nothing_half_and_the_setting_can_be_asked_for_again(
    cluster, store, jobs, phase
):
    long = Release(weight_noise=WeightNoise(sigma=0.1, draws=64))  # to attack
    point = replace(slow(), attack="lira", release=long if phase == "assessing" else Release())
    if phase == "queued":
        jobs.request("before", slow(waves=1))
    if phase == "transferring":  # of 40 MB
        point = replace(
            point, recipe=replace(point.recipe, architecture=Mlp(width=1024, depth=2), epochs=1, batch=20)
        )
    jobs.request("ada", point)
    until(lambda: transferring(jobs, point) if phase == "transferring" else jobs.progress(point).state == phase)
    jobs.cancel("ada")
    assert jobs.progress(point).state == "cancelled"
    until(jobs._jobs[assessment_key(point)].over.is_set)
    assert_verified(store.file.parent)
    stored = [store.wave(point.recipe, wave) is not None for wave in range(2)]
    starts = [trainings(cluster, point.recipe, wave) for wave in range(2)]
    jobs.request("ada", point)
    assert end(jobs, point).state == "done"
    again = [trainings(cluster, point.recipe, wave) - count for wave, count in enumerate(starts)]
    # A wave that is trained but not stored yet when it is asked for again is waited for, and not trained again.
    assert all(0 <= more <= (not kept) for more, kept in zip(again, stored, strict=True))
    assert again[0] == (phase in {"queued", "training"})
    assert_verified(store.file.parent)


def test_a_cancel_while_a_result_is_stored_leaves_nothing_half(cluster, store, jobs):
    point = quick()
    point = replace(point, recipe=replace(point.recipe, architecture=Mlp(width=4096), epochs=5))
    log = store.file.with_name(store.file.name + "-wal")
    jobs.request("ada", point)
    before = log.stat().st_size
    until(lambda: log.stat().st_size > before + 1_000_000)
    jobs.cancel("ada")
    assert jobs.progress(point).state == "cancelled"
    until(lambda: store.trained(point.recipe, 1))
    assert_verified(store.file.parent)
    jobs.request("ada", point)
    assert end(jobs, point).state == "done"
    assert trainings(cluster, point.recipe, 0) == 1
