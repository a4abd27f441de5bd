"""Clusters that somebody else runs: real ``dask scheduler`` and ``dask worker`` processes."""

import contextlib
import socket
import subprocess
import sys
import threading
from typing import Any

import pytest

from cache.address import ClusterError, Scheduler, chosen_scheduler
from cache.external import External
from cache.jobs import Jobs
from cache.remote import GPU, offers_gpu
from cache.store import Store
from tests.at_work import end, quick, until
from tests.dask_processes import answers, dask_scheduler, dask_worker, free_port, with_other_engine, without_ours


def using(cluster, store) -> Any:
    return Jobs(cluster.client, store)


@pytest.fixture(scope="module")
def scheduler():
    with dask_scheduler() as scheduler, dask_worker(scheduler), dask_worker(scheduler, "--resources", "GPU=0"):
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
    store.close()
    with External(scheduler) as again:
        assert using(again, store).workers() == 2, "the workers ended with the program that used them"


def test_a_training_asks_for_a_gpu_where_the_cluster_offers_one(tmp_path):
    store, asked = Store(tmp_path), quick()
    with dask_scheduler() as scheduler, dask_worker(scheduler), dask_worker(scheduler, "--resources", "GPU=1"):
        until(lambda: answers(scheduler))
        with External(scheduler) as cluster:
            cluster.client.wait_for_workers(2, timeout=60)
            assert offers_gpu(cluster.client)
            jobs = using(cluster, store)
            jobs.request("ada", asked)

            def asked_for(dask_scheduler):
                return {GPU: 1} in [task.resource_restrictions for task in dask_scheduler.tasks.values()]

            seen = False
            while jobs.progress(asked).active:
                seen = seen or cluster.client.run_on_scheduler(asked_for)
            # Without the hardware the training must have been sent to "cuda", and failed there in one sentence.
            ended = end(jobs, asked)
            assert ended.state == "done" or "CUDA" in ended.message or "NVIDIA" in ended.message, ended
            assert seen
            jobs.close()
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


@pytest.mark.parametrize(
    ("lacking", "sentence"),
    [
        (False, r"has Privacy Dial \S+ \(engine 1\) and this program \S+ \(engine \d+\): install the same version"),
        (True, "cannot load Privacy Dial: install the same version on all machines"),
    ],
)
def test_a_worker_with_another_version_or_none_is_one_sentence(tmp_path, lacking, sentence):
    packages = without_ours(tmp_path) if lacking else with_other_engine(tmp_path)
    with dask_scheduler() as scheduler:
        until(lambda: answers(scheduler))
        with dask_worker(scheduler, path=packages):
            until(lambda: not answers(scheduler))
            with pytest.raises(ClusterError, match=sentence):
                External(scheduler)


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


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--scheduler", "tcp://127.0.0.1:1"], "is not encrypted"),
        (["--scheduler", "tcp://127.0.0.1:1", "--insecure-scheduler"], "does not answer"),
    ],
)
def test_the_dashboard_does_not_start_without_its_scheduler(tmp_path, arguments, sentence):
    command = [sys.executable, "-m", "dashboard.launch", "--no-browser", "--cache", str(tmp_path)]
    command += ["--port", str(free_port()), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
