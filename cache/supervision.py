"""Keeps a cluster behind jobs: what dies is replaced, and the jobs go on from what is stored."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from distributed import Client

from cache.address import Scheduler
from cache.cluster import Cluster, sheltered_cluster
from cache.external import External
from cache.jobs import Jobs

_log = logging.getLogger(__name__)
_PERIOD = 1.0  # seconds between two looks
_MOST_WAIT = 30.0  # seconds between two attempts
_ATTEMPTS = 5  # in a row in which no worker came to life
NO_WORKERS = "The workers that train models cannot be started; the log says why."


class AnyCluster(Protocol):
    """What runs tasks: our own processes, or somebody else's."""

    client: Client

    @property
    def lost(self) -> bool:
        """Whether nothing can be computed with it any more."""
        ...

    def mend(self) -> int:
        """Replace what has died of it; how many workers."""
        ...

    def close(self) -> None:
        """Leave or stop it."""
        ...


def starter(scheduler: Scheduler | None, *, workers: int | None = None) -> Callable[[], AnyCluster]:
    """What starts processes of our own, or connects to the cluster at an address, which must answer now already.

    Raises:
        ClusterError: when the scheduler at the address cannot be used, with one sentence.
    """
    if scheduler is None:
        return lambda: sheltered_cluster(workers=workers)
    connected = [External(scheduler)]
    return lambda: connected.pop() if connected else External(scheduler)


class Supervisor:
    """Looks after a cluster in a thread of its own, from its making to ``close``."""

    def __init__(
        self,
        start: Callable[[], AnyCluster],
        cluster: AnyCluster,
        jobs: Jobs,
        *,
        on_problem: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Begin to look.

        Args:
            start: makes another cluster when this one is lost.
            cluster: the one that runs.
            jobs: what computes with it.
            on_problem: told one sentence when there will be no workers.
        """
        self._start = start
        self._cluster = cluster
        self._jobs = jobs
        self._on_problem = on_problem
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="supervisor", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking, then the jobs, then the cluster."""
        self._closed.set()
        self._thread.join()
        self._jobs.close()
        self._cluster.close()

    def _look_after(self) -> None:
        failures = 0
        while not self._closed.wait(_PERIOD):
            try:
                if self._cluster.lost:
                    self._replace()
                elif self._cluster.mend():
                    failures += 1
                elif failures and self._jobs.workers():
                    failures = 0
                self._jobs.look_for_gpu()
            except Exception as error:  # noqa: BLE001 — whatever it is, the next attempt may succeed
                failures += 1
                _log.warning("The processes that compute could not be replaced", exc_info=error)
                self._closed.wait(min(_MOST_WAIT, 2.0**failures))
            if failures >= _ATTEMPTS and isinstance(self._cluster, Cluster):
                self._give_up()
                return

    def _replace(self) -> None:
        """Another cluster in the place of the lost one."""
        _log.warning("The processes that compute were lost; others take their place")
        self._cluster.close()
        self._cluster = self._start()
        self._jobs.move_to(self._cluster.client)

    def _give_up(self) -> None:
        _log.error(NO_WORKERS)
        self._jobs.give_up(NO_WORKERS)
        self._on_problem(NO_WORKERS)
        self._cluster.close()
