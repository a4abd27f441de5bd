"""Clusters that somebody else runs: real ``dask scheduler`` and ``dask worker`` processes."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
import pytest
import torch

from cache.address import ADDRESS, ClusterError, Scheduler, chosen_scheduler
from cache.external import External
from cache.failures import NO_GPU
from cache.jobs import Jobs
from cache.keys import assessment_key, wave_key
from cache.remote import GPU, offers_gpu, versions
from cache.store import Store
from cache.supervision import Supervisor
from cache.sweeps.reading import sweep_from_toml
from cache.sweeps.run import SweepRun
from cache.sweeps.values import Plan, Setting
from dashboard.state.view import View, point
from tests.at_work import assert_verified, begun, end, keep, quick, rows, until
from tests.dask_processes import (
    answers,
    dask_scheduler,
    dask_worker,
    free_port,
    with_other_engine,
    with_other_package,
    without_ours,
)
from tests.protocol import opened

INSECURE = "--insecure-scheduler"


def using(cluster, store) -> Any:
    return Jobs(cluster.client, store)


def refused(*arguments):
    """The one line of a command that could not start."""
    command = [sys.executable, "-m", "dashboard.launch", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """Two workers, each with nothing but its packages in common with the programs that use them."""
    homes = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
    with (
        dask_scheduler() as scheduler,
        dask_worker(scheduler, home=homes[0]),
        dask_worker(scheduler, "--resources", "GPU=0", home=homes[1]),
    ):
        with contextlib.closing(socket.socket()) as probe:
            until(lambda: probe.connect_ex(("127.0.0.1", int(scheduler.address.rsplit(":", 1)[1]))) == 0)
        yield scheduler


def test_two_foreign_workers_measure_and_the_client_writes_the_store(scheduler, tmp_path):
    store = Store(tmp_path)
    with External(scheduler) as cluster:
        cluster.client.wait_for_workers(2, timeout=60)
        jobs, asked = using(cluster, store), quick(waves=3)
        jobs.request("ada", asked)
        assert end(jobs, asked).state == "done"
        assert store.trained(asked.recipe, 3)
        assert not offers_gpu(cluster.client)
        jobs.close()
        homes: Any = cluster.client.run(os.getcwd)
        for home in homes.values():
            assert Path(home) not in (Path.cwd(), tmp_path)
            assert sorted(found.name for found in Path(home).iterdir()) == ["dask-scratch-space", "file"]
            written = [found for found in Path(home).rglob("*") if found.is_file()]
            assert [found.name for found in written if "lock" not in found.suffix] == ["file"]
    store.close()
    with External(scheduler) as again:
        assert using(again, store).workers() == 2, "the workers ended with the program that used them"


def test_trainings_ask_for_a_gpu_and_the_loss_of_the_last_is_a_sentence_until_there_is_another(tmp_path):
    def asked_for(dask_scheduler):
        return [task.resource_restrictions for task in dask_scheduler.tasks.values()].count({GPU: 1})

    store, wanted = Store(tmp_path), [quick(), quick()]
    with dask_scheduler() as scheduler, dask_worker(scheduler):
        until(lambda: answers(scheduler))
        cluster = External(scheduler)
        jobs = using(cluster, store)
        supervisor = Supervisor(lambda: External(scheduler), cluster, jobs)
        try:
            with dask_worker(scheduler, "--resources", "GPU=1", "--no-nanny") as lost:
                cluster.client.wait_for_workers(2, timeout=60)
                assert offers_gpu(cluster.client)
                lost.send_signal(signal.SIGSTOP)  # it has the work, and begins none
                try:
                    jobs.request("ada", wanted[0])
                    plan = Plan(dials=(), settings=(Setting(values=(), point=wanted[1]),), refused=(), waves=1)
                    sweep = SweepRun(plan, jobs, store)
                    until(lambda: cluster.client.run_on_scheduler(asked_for) == 2)
                    assert not jobs.progress(wanted[0]).message
                finally:
                    lost.kill()  # one that is stopped hears nothing else
            until(lambda: jobs.progress(wanted[0]).message == NO_GPU)
            until(lambda: sweep.progress().news == NO_GPU)
            assert jobs.progress(wanted[0]).state == "queued"
            jobs.request("bob", meanwhile := quick())  # trained without, as on a cluster that offers none
            assert end(jobs, meanwhile).state == "done"
            with dask_worker(scheduler, "--resources", "GPU=1"):
                for ended in [end(jobs, point) for point in wanted]:
                    # Without the hardware it must have been sent to "cuda", and failed there in one sentence.
                    assert (ended.state == "done") == torch.cuda.is_available(), ended
                    assert ended.state == "done" or re.search("CUDA|NVIDIA", ended.message), ended
            assert sweep.wait(60).news == ""
        finally:
            supervisor.close()
            store.close()


def test_an_unreachable_scheduler_is_one_sentence():
    with pytest.raises(ClusterError, match=r"the scheduler tcp://127\.0\.0\.1:\d+ does not answer"):
        External(Scheduler(address=f"tcp://127.0.0.1:{free_port()}"))


def test_tls_without_certificates_is_one_sentence():
    with pytest.raises(ClusterError, match=r"the scheduler tls://127\.0\.0\.1:1 cannot be used \(.+\)"):
        External(Scheduler(address="tls://127.0.0.1:1"))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "tls://127.0.0.1:1"])
def test_a_failed_connection_leaves_nothing_behind(address):
    before = set(threading.enumerate())
    failed = []
    for _ in range(2):
        with pytest.raises(ClusterError) as caught:
            External(Scheduler(address=address))
        failed.append(caught)  # keeps the traceback, and with it the client, alive
    left = {thread.name for thread in set(threading.enumerate()) - before if thread.name == "IO loop"}
    assert not left, "event loops of failed clients go on"


def test_a_worker_with_another_version_or_none_is_one_sentence_and_status_2(tmp_path):
    package, engine = versions()
    has, same = f"and this program {package} (engine {engine})", "install the same version on all machines"
    lacking = {
        without_ours: f"cannot load Privacy Dial: {same} of the cluster",
        with_other_engine: f"has Privacy Dial {package} (engine 1) {has}: {same}",
        with_other_package: f"has Privacy Dial 9.9.9 (engine {engine}) {has}: {same}",
    }
    file, cache = tmp_path / "sweep.toml", tmp_path / "cache"
    file.write_text("waves = 1\nepochs = [1, 2]\npopulation.name = 'digits'\npopulation.contested = 60\nbatch = 20\n")
    cache.mkdir()
    keep(cache, sweep_from_toml(file.read_bytes()).plan().settings[0].point)
    before = [rows(cache, "blob", table) for table in ("wave", "assessment")]
    assert [len(entries) for entries in before] == [1, 1]
    sweep = ["sweep", str(file)]
    commands = {
        without_ours: [sweep],
        with_other_engine: [sweep],
        with_other_package: [["--no-browser", f"--port={free_port()}"], sweep],
    }
    with dask_scheduler() as scheduler:
        until(lambda: answers(scheduler))
        for packages, sentence in lacking.items():
            (tmp_path / packages.__name__).mkdir()
            with dask_worker(scheduler, path=packages(tmp_path / packages.__name__)) as worker:
                until(lambda: not answers(scheduler))
                with pytest.raises(ClusterError, match=re.escape(sentence)):
                    External(scheduler)
                for command in commands.get(packages, []):
                    line = refused(*command, f"--cache={cache}", "--scheduler", scheduler.address, INSECURE)
                    assert line.startswith("privacydial: tcp://127.0.0.1:")
                    assert line.endswith(sentence)
                worker.kill()
            until(lambda: answers(scheduler))
    assert [rows(cache, "blob", table) for table in ("wave", "assessment")] == before
    assert_verified(cache)


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8786", "10.0.0.1:8786"])
def test_a_connection_without_tls_needs_to_be_allowed(address):
    with pytest.raises(ClusterError, match=r"tcp://10\.0\.0\.1:8786 is not encrypted.*--insecure-scheduler"):
        chosen_scheduler(address, insecure=False)
    assert chosen_scheduler(address, insecure=True) == Scheduler(address="tcp://10.0.0.1:8786")


def test_the_scheduler_is_the_given_one_then_that_of_the_environment(monkeypatch):
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    assert chosen_scheduler(None, insecure=False) is None
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tls://there:1")
    assert chosen_scheduler(None, insecure=False) == Scheduler(address="tls://there:1")
    assert chosen_scheduler("tls://here:1", insecure=False) == Scheduler(address="tls://here:1")
    with pytest.raises(ClusterError, match="scheduler must be an address such as tls://host:8786, got 'http://x'"):
        chosen_scheduler("http://x", insecure=True)


@pytest.mark.parametrize("by", ["option", "variable"])
def test_what_a_visitor_of_a_dashboard_asks_for_is_trained_by_the_workers_of_its_scheduler(scheduler, tmp_path, by):
    contested = {"option": "100", "variable": "200"}[by]
    query = {"population": "digits", "contested": contested, "architecture": "logistic", "models": "8"}
    asked, port = point(View.from_query(query)[0]), free_port()
    arguments = ["--no-browser", f"--port={port}", f"--cache={tmp_path}", INSECURE]
    arguments += ["--scheduler", scheduler.address] if by == "option" else []
    environment = os.environ | ({ADDRESS: scheduler.address} if by == "variable" else {})
    command = [sys.executable, "-m", "dashboard.launch", *arguments]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as dashboard:
        try:
            assert dashboard.stdout is not None
            address = f"http://127.0.0.1:{port}"
            assert dashboard.stdout.readline().startswith(f"Privacy Dial is open at {address}")
            asyncio.run(visited(address, urlencode(query), lambda: measured(tmp_path, asked)))
            assert not psutil.Process(dashboard.pid).children(recursive=True)  # no workers of its own
        finally:
            dashboard.terminate()
    with External(scheduler) as cluster:
        assert sum(wave_key(asked.recipe, 0) in task for task in begun(cluster.client)) == 1


async def visited(address, query, ended):
    """Look at a page again and again, as a browser does."""
    async with opened(address, query) as (page, _):
        while not ended():
            await asyncio.sleep(0.2)
            await page.run()


def measured(directory, asked):
    """Whether a cache that a dashboard writes to has the assessment of a point."""
    store = Store(directory)
    try:
        return bool(store.measured([assessment_key(asked)]))
    finally:
        store.close()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--scheduler", "tcp://127.0.0.1:1"], "is not encrypted"),
        (["--scheduler", "tcp://127.0.0.1:1", INSECURE], "does not answer"),
    ],
)
def test_the_dashboard_does_not_start_without_its_scheduler(tmp_path, arguments, sentence):
    assert sentence in refused("--no-browser", f"--cache={tmp_path}", f"--port={free_port()}", *arguments)
