"""Single flight: a computation that several jobs need runs once, and stops when the last of them leaves."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from distributed import Client, Future

from cache.leases import Lease
from cache.progress import TracePoint
from cache.remote import TOPIC


@dataclass(eq=False, kw_only=True)
class Flight:
    """One computation on its way.

    Attributes:
        key: the key of its result in the store.
        name: Dask's key, new for every attempt: a name in use by a training that is being cancelled would
            bring that training back instead of starting another.
        future: Dask's future of the result's bytes.
        users: the jobs that wait for it.
        landing: held by the job that takes the result to the store.
        turn: of two trainings in the queue the one with the smaller turn comes first; None for what is no training.
        stored: whether the result is in the store.
        lease: held until it is, or the flight ends (trainings only).
        starts: how often a worker has taken it up (trainings only): more than once when a worker died.
        trace: the training so far; replaced as a whole, so that readers need no lock.
        teachers: epochs done of the teachers, which train before the models where those learn soft labels.
        seconds: how long a training took in its worker; None until it has ended.
    """

    key: str
    name: str
    future: Future
    users: set[Hashable] = field(default_factory=set)
    landing: threading.Lock = field(default_factory=threading.Lock)
    stored: bool = False
    turn: tuple[int, int] | None = None
    lease: Lease | None = None
    starts: int = 0
    trace: tuple[TracePoint, ...] = ()
    teachers: int = 0
    seconds: float | None = None

    def let_go(self) -> None:
        """Let other programs train it, or find what was stored."""
        if self.lease is not None:
            self.lease.end()


class Flights:
    """All flights of a client, by key."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._lock = threading.Lock()
        self._by_key: dict[str, Flight] = {}
        self._by_name: dict[str, Flight] = {}
        self._attempts = itertools.count()
        client.subscribe_topic(TOPIC, self._hear)

    def board(
        self,
        kind: str,
        key: str,
        user: Hashable,
        submit: Callable[..., Future],
        *,
        stored: bool,
        rank: int | None = None,
        lease: Lease | None = None,
    ) -> Flight:
        """The flight to a key, started by ``submit(key=name)`` unless it is on its way already.

        Args:
            kind: what flies; Dask expects tasks of one kind to take about as long as each other.
            key: the key of the result in the store.
            user: who boards.
            submit: starts the computation under a name.
            stored: whether the result comes from the store.
            rank: of a training; those with a smaller one come first, equal ones in the order of their boarding.
            lease: of a training; given back at once where it is not needed.
        """
        with contextlib.ExitStack() as undone, self._lock:
            if lease is not None:
                undone.callback(lease.end)
            flight = self._by_key.get(key)
            if flight is None or flight.future.status not in {"pending", "finished"}:
                attempt = next(self._attempts)
                name, turn = f"{kind}-{key}-{attempt}", None if rank is None else (rank, attempt)
                flight = Flight(key=key, name=name, future=submit(key=name), stored=stored, turn=turn, lease=lease)
                self._by_key[key] = self._by_name[name] = flight
                undone.pop_all()
            flight.users.add(user)
            return flight

    def leave(self, user: Hashable) -> None:
        """Take a user off all his flights; those that nobody is on any more end."""
        with self._lock:
            left = [flight for flight in self._by_name.values() if user in flight.users]
            for flight in left:
                flight.users.discard(user)
            ended = [flight for flight in left if not flight.users]
            for flight in ended:
                del self._by_name[flight.name]
                if self._by_key.get(flight.key) is flight:
                    del self._by_key[flight.key]
        for flight in ended:
            flight.let_go()
        # Outside the lock: the client may wait here for its event loop, which must be free to hear events.
        unfinished = [flight.future for flight in ended if not flight.future.done()]
        if unfinished:
            self.client.cancel(unfinished)
        for flight in ended:
            flight.future.release()

    def ahead_of(self, flight: Flight) -> int:
        """How many trainings in the queue come before this one."""
        with self._lock:
            turns = [of.turn for of in self._by_name.values() if of.turn and not of.starts and not of.future.done()]
        return sum(turn < flight.turn for turn in turns) if flight.turn else 0

    def close(self) -> None:
        """Hear no more events; a client that has lost its scheduler hears none anyway."""
        if self.client.status == "running":
            self.client.unsubscribe_topic(TOPIC)

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        """Note what a training logged; runs on the client's event loop, alone."""
        _, message = event
        flight = self._by_name.get(message["task"])
        if flight is None:
            return
        if "point" in message:
            flight.trace += (TracePoint(**message["point"]),)
        elif "teachers" in message:
            flight.teachers = message["teachers"]
        elif "seconds" in message:
            flight.seconds = message["seconds"]
        else:
            flight.starts, flight.trace, flight.teachers = flight.starts + 1, (), 0
