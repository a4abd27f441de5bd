"""The embedded cluster: a scheduler and workers as processes of their own, on the loopback interface only.

A Dask scheduler is an open port that runs code, so everything is encrypted and authenticated with a key pair
that exists only while the cluster does.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask.config
from distributed import Client, LocalCluster, Security, Status, SubprocessCluster

from cache.remote import TASKS
from cache.watch import PARENT

_MOST_WORKERS = 8
# One task at a time: beside a training in the same process an assessment takes far longer, for both are made of
# short steps that wait for each other at Python's lock.
_TASKS_PER_WORKER = 1
_HOST = "127.0.0.1"
_CLOSING = 5  # seconds that a client has to say goodbye
_SCHEDULER: dict[str, Any] = {
    "dashboard": False,
    "dashboard_address": f"{_HOST}:0",  # Dask opens a web server in any case; this one has no pages, see below
    "allowed_failures": 1,  # when a worker dies, all tasks that were given to it try again once
}
_SETTINGS: dict[str, Any] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,  # it interrupts the worker every 10 ms
    # Looks of every process at itself, for pages that nobody sees: by default, 50 times and twice a second.
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.large-graph-warning-threshold": "1GiB",  # stored waves are large
    "logging.distributed": "error",
}


class Cluster:
    """A running cluster and the client that speaks to it; a context manager, fit for any thread.

    Making one takes a while; the workers warm up meanwhile and afterwards, tasks wait for them.
    """

    def __init__(self, *, workers: int | None = None, threads: int = 1) -> None:
        """Start the processes.

        Args:
            workers: how many workers, by default one less than there are cores.
            threads: threads that torch and its libraries may use in each worker.
        """
        dask.config.set(_SETTINGS)
        count = default_workers() if workers is None else workers
        self._security = Security.temporary()
        start = _local_cluster if sys.platform == "win32" else _subprocess_cluster
        self._cluster = start(count, threads, self._security)
        # Workers are within reach here: a wave need not pass through the scheduler, which would decrypt it and
        # encrypt it again. What a worker does not give is asked of the scheduler all the same.
        self.client = Client(self._cluster, security=self._security, set_as_default=False, direct_to_workers=True)

    @property
    def lost(self) -> bool:
        """Whether the scheduler is gone, and with it all that was in work."""
        return self.client.status != "running" or _has_ended(self._cluster.scheduler)

    def mend(self) -> int:
        """Start the workers anew whose processes have ended altogether; how many.

        A worker that dies is started again by the process that looks after it; this is for the case that the latter
        has died, too.
        """
        ended = [name for name, of in self._cluster.workers.items() if _has_ended(of)]
        if ended:
            with _environment(_variables(self._security)):
                self._cluster.sync(_replaced, self._cluster, ended)
        return len(ended)

    def close(self) -> None:
        """Stop all processes, in the middle of what they do; a second call does nothing."""
        if _has_ended(self._cluster.scheduler):
            # Dask would knock at the dead scheduler's door for a minute.
            self._cluster.shutdown_scheduler = False
            self._cluster.scheduler.status = Status.closed
        with _quiet():
            self.client.close(timeout=_CLOSING)
            self._cluster.close()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def sheltered_cluster(*, workers: int | None = None) -> Cluster:
    """A cluster deaf to the Ctrl-C that a terminal sends to all its processes: who started it stops it in order.

    To be called in a thread of its own, so that the main thread hears Ctrl-C meanwhile.
    """
    if sys.platform == "win32":
        return Cluster(workers=workers)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited by what this thread starts
    try:
        return Cluster(workers=workers)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def default_workers() -> int:
    """One worker less than there are cores, so that pages stay quick; at least 1 and at most 8."""
    return max(1, min(_MOST_WORKERS, (os.cpu_count() or 1) - 1))


def _has_ended(part: Any) -> bool:
    """Whether the process of a scheduler or of a worker has ended; one without a process of its own has not."""
    process = getattr(part, "process", None)
    return getattr(process, "returncode", None) is not None


async def _replaced(cluster: Any, names: list[Any]) -> None:
    """Forget these workers of a cluster, which then starts what it lacks."""
    for name in names:
        cluster.workers.pop(name, None)
    await cluster


def _worker_options(threads: int) -> dict[str, Any]:
    """Options of every worker."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {
        "memory_limit": None,
        "preload": [TASKS],
        "env": {name: str(threads) for name in names},
    }


def _subprocess_cluster(workers: int, threads: int, security: Security) -> Any:
    """Scheduler and workers in processes that share nothing with this one but its environment.

    Python's safe path keeps a folder named ``cache`` or ``engine`` where the visitor happens to be out of them.
    """
    with _environment(_variables(security)), tempfile.TemporaryDirectory() as folder:
        scheduler = _SCHEDULER | {
            "protocol": "tls",
            "preload": ["cache.watch"],
            "scheduler_file": str(Path(folder) / "scheduler.json"),  # needed at the start only
        }
        return SubprocessCluster(
            host=_HOST,
            n_workers=workers,
            threads_per_worker=_TASKS_PER_WORKER,
            scheduler_kwargs=scheduler,
            worker_kwargs=_worker_options(threads) | {"preload_nanny": ["cache.watch"]},
            silence_logs=logging.ERROR,
            security=security,
        )


def _local_cluster(workers: int, threads: int, security: Security) -> Any:
    """The same with the scheduler in this process: Dask has no subprocess cluster on Windows."""
    return LocalCluster(
        host=_HOST,
        protocol="tls",
        n_workers=workers,
        threads_per_worker=_TASKS_PER_WORKER,
        processes=True,
        scheduler_kwargs=_SCHEDULER,
        silence_logs=logging.ERROR,
        security=security,
        **_worker_options(threads),
    )


def _variables(security: Security) -> dict[str, str]:
    """The environment of the processes: the key pair, Dask's configuration and the process to watch.

    A command line is readable by every user of the machine, an environment by its owner alone.
    """
    tls = security.get_tls_config_for_role("scheduler")
    settings = _SETTINGS | {
        "distributed.comm.require-encryption": True,
        "distributed.comm.tls.ca-file": tls["ca_file"],
    }
    for role in ("scheduler", "worker", "client"):
        settings |= {f"distributed.comm.tls.{role}.{part}": tls[part] for part in ("key", "cert")}
    named = {
        "DASK_" + name.upper().replace(".", "__").replace("-", "_"): str(value) for name, value in settings.items()
    }
    return named | {PARENT: str(os.getpid()), "PYTHONSAFEPATH": "1"}


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Environment variables that processes started meanwhile inherit."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Dask reports every connection that a deliberate end cuts; nobody needs to read that."""
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
