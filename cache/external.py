"""A Dask cluster that somebody else runs: a scheduler at an address, its workers on any machines.

Whoever can speak to a scheduler can run code on all its workers, and the other way round: the peers of a cluster
trust each other. TLS says who they are; without it, only what the network lets through does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import dask.config
from distributed import Client

from cache import remote
from cache.address import ClusterError, Scheduler

_TIMEOUT = 5  # seconds for a scheduler to answer


class External:
    """A connection to a cluster that goes on when this program ends; a context manager."""

    def __init__(self, scheduler: Scheduler) -> None:
        """Connect, and look whether all processes have this version of Privacy Dial.

        Raises:
            ClusterError: when the scheduler does not answer or versions differ, with one sentence.
        """
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GiB"})  # stored waves are large
        self.client = _client(scheduler.address)
        self._connection = self.client.scheduler_comm
        try:
            _check_versions(self.client)
        except BaseException:
            self.client.close()
            raise

    @property
    def lost(self) -> bool:
        """Whether the connection was cut; Dask forgets then what was in work, also where it connects again."""
        return self.client.status != "running" or self.client.scheduler_comm is not self._connection

    def mend(self) -> int:
        """Nothing: the workers are somebody else's."""
        return 0

    def close(self) -> None:
        """Leave the cluster as it is."""
        self.client.close()

    def __enter__(self) -> External:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Connection(Client):
    """Dask's client, which ends what it began where it cannot start.

    Dask leaves the thread of its event loop running then, and waits for a lock in ``__del__``: whoever happens to
    collect the rubbish of a failed client while another one starts stands still.
    """

    def start(self, **options: Any) -> None:
        try:
            super().start(**options)
        except BaseException:
            self.close()
            self._loop_runner.stop()
            raise


def _client(address: str) -> Client:
    for name in ("distributed", "distributed.client"):  # they tell every attempt with a traceback
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        return _Connection(address, timeout=_TIMEOUT, set_as_default=False)
    except OSError as error:
        raise ClusterError(f"the scheduler {address} does not answer") from error
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ClusterError(f"the scheduler {address} cannot be used ({reason})") from error


def _check_versions(client: Client) -> None:
    """Raise unless scheduler and workers have this version of Privacy Dial; latecomers look at it with every task."""
    try:
        workers: Any = client.run(remote.versions, on_error="return")
        answers = {"the scheduler": client.run_on_scheduler(remote.versions), **workers}
    except Exception as error:
        raise ClusterError(_lacks("the scheduler")) from error
    for place, answer in answers.items():
        if not isinstance(answer, Iterable):
            raise ClusterError(_lacks(place)) from answer
        package, engine = answer
        wrong = remote.misfit(place, (package, engine), remote.versions())
        if wrong is not None:
            raise ClusterError(wrong)


def _lacks(place: str) -> str:
    return f"{place} cannot load Privacy Dial: install the same version on all machines of the cluster"
