"""Single flight: a computation that several jobs need runs once, and stops when the last of them leaves."""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from distributed import Client, Future

from cache.leases import Lease
from cache.priority import bring_forward
from cache.progress import TracePoint
from cache.remote import TOPIC, offers_gpu

_log = logging.getLogger(__name__)
_FRESH = 1.0  # seconds for which an answer on GPUs is good
_TELLINGS = 8  # attempts to bring something forward
_AGAIN = 0.05  # seconds between the first two of them, twice as many before each further one


@dataclass(eq=False, kw_only=True)
class Flight:
    """One computation on its way.

    Attributes:
        key: the key of its result in the store.
        name: Dask's key, new for every attempt: a name in use by a training that is being cancelled would
            bring that training back instead of starting another. The parentheses make it a group of its own for Dask,
            which gives it to a worker at once. Of a large group it gives a worker some and keeps the others back:
            what a worker was given of a sweep would then go before what a visitor asks for.
        future: Dask's future of the result's bytes.
        users: the jobs that wait for it.
        landing: held by the job that takes the result to the store.
        background: whether only sweeps want it, so that it waits for all that visitors want.
        turn: (wave, attempt) of a training: of two in the queue, neither or both in the background, the one with the
            smaller turn comes first; None for what is no training.
        stored: whether the result is in the store.
        gpu: whether only a worker that offers a GPU takes it up.
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
    background: bool = False
    turn: tuple[int, int] | None = None
    gpu: bool = False
    lease: Lease | None = None
    starts: int = 0
    trace: tuple[TracePoint, ...] = ()
    teachers: int = 0
    seconds: float | None = None

    @property
    def arrived(self) -> bool:
        """Whether there is a result that is not in the store yet."""
        return not self.stored and self.future.status == "finished"

    def let_go(self) -> None:
        """Let other programs train it, or find what was stored."""
        if self.lease is not None:
            self.lease.end()


class Flights:
    """All flights of a client, by key.

    Attributes:
        client: what they fly with.
        without_gpu: whether some need a GPU and no worker offers one any more, by the latest look.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.without_gpu = False
        self._gpu = -math.inf, False  # when the scheduler was asked whether a worker offers one, and its answer
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
        background: bool,
        wave: int | None = None,
        gpu: bool = False,
        lease: Lease | None = None,
    ) -> Flight:
        """The flight to a key, started by ``submit(key=name)`` unless it is on its way already.

        Args:
            kind: what flies; Dask expects tasks of one kind to take about as long as each other.
            key: the key of the result in the store.
            user: who boards.
            submit: starts the computation under a name.
            stored: whether the result comes from the store.
            background: whether this user lets all that visitors want go first; where he does not, a flight that is
                on its way in the background is brought forward.
            wave: of a training; those with a smaller one come first, equal ones in the order of their boarding.
            gpu: of a training; whether it needs a worker that offers one.
            lease: of a training; given back at once where it is not needed.
        """
        with contextlib.ExitStack() as undone, self._lock:
            if lease is not None:
                undone.callback(lease.end)
            flight = self._by_key.get(key)
            if flight is None or flight.future.status not in {"pending", "finished"}:
                attempt = next(self._attempts)
                name, turn = f"({kind}-{key}-{attempt})", None if wave is None else (wave, attempt)
                flight = Flight(
                    key=key,
                    name=name,
                    future=submit(key=name),
                    stored=stored,
                    background=background,
                    turn=turn,
                    gpu=gpu,
                    lease=lease,
                )
                self._by_key[key] = self._by_name[name] = flight
                undone.pop_all()
            flight.users.add(user)
        if not background:
            self._bring_forward([flight])
        return flight

    def bring_forward(self, user: Hashable) -> None:
        """Let nothing that a user is on wait in the background any longer."""
        with self._lock:
            flights = [flight for flight in self._by_name.values() if user in flight.users]
        self._bring_forward(flights)

    def _bring_forward(self, flights: list[Flight]) -> None:
        """The like for some flights; the processes that have them are told in a thread, so that nobody waits."""
        with self._lock:
            behind = [flight for flight in flights if flight.background]
            for flight in behind:
                flight.background = False
        if behind:
            threading.Thread(target=self._tell, args=(behind,), name="bring forward", daemon=True).start()

    def _tell(self, flights: list[Flight]) -> None:
        """Tell those processes, and again what had not got there: a task is submitted on a slower way."""
        futures = {flight.name: flight.future for flight in flights}
        try:
            for telling in range(_TELLINGS):
                names = [name for name, future in futures.items() if not future.done()]
                futures = {name: futures[name] for name in bring_forward(self.client, names)} if names else {}
                if not futures:
                    return
                time.sleep(_AGAIN * 2**telling)
        except Exception as error:  # noqa: BLE001 — they are done all the same, later
            _log.warning("What a sweep had queued could not be brought forward", exc_info=error)

    def leave(self, user: Hashable, *, landing: bool = False) -> None:
        """Take a user off all his flights; those that nobody is on any more end.

        Args:
            user: who leaves.
            landing: whether he stays on those that have arrived and are not in the store yet, until he leaves them,
                too: to end those would lose a result while it travels here, and its worker is at the next already.
        """
        with self._lock:
            on = [flight for flight in self._by_name.values() if user in flight.users]
            left = [flight for flight in on if not (landing and flight.arrived)]
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
            waiting = [of for of in self._by_name.values() if of.turn and not of.starts and not of.future.done()]
        return (
            sum((of.background, of.turn) < (flight.background, flight.turn) for of in waiting) if flight.turn else 0
        )

    def look_for_gpu(self) -> None:
        """Look whether what needs a GPU can still have one: Dask lets it wait, and says nothing.

        The scheduler is asked, unless nothing needs a GPU.
        """
        with self._lock:
            needed = any(flight.gpu and not flight.future.done() for flight in self._by_name.values())
        self.without_gpu = needed and self.client.status == "running" and not self._ask_for_gpu()

    def offers_gpu(self) -> bool:
        """Whether some worker offers a GPU, or did a second ago; the scheduler is asked once for many waves."""
        asked, answer = self._gpu
        return answer if time.monotonic() - asked < _FRESH else self._ask_for_gpu()

    def _ask_for_gpu(self) -> bool:
        self._gpu = time.monotonic(), offers_gpu(self.client)
        return self._gpu[1]

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
