"""One job: the measurement of a point on its way to the store."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from cache.failures import RESTARTED
from cache.flights import Flight, Flights
from cache.keys import Asked
from cache.progress import Progress, State


@dataclass(eq=False, kw_only=True)
class Job:
    """The measurement of one point on its way to the store.

    Attributes:
        point: what is measured.
        visitors: who watches it.
        background: whether only sweeps want it.
        ended: how it ended, None while it goes on.
        news: one sentence on what it goes on after, else empty.
        over: set when its thread has ended.
        wave: the wave in work, from 1.
        assessed: assessments of 1 … ``assessed`` waves are stored.
        flights: where it boards; others when the processes that compute were lost.
        elsewhere: whether it waits for a wave that another program trains.
        waves: the flights of its waves, which are numbered from 0.
        shadows: the flights of the waves of the shadow recipe, or of a second setting; empty where that is the
            recipe itself.
    """

    point: Asked
    visitors: set[str] = field(default_factory=set)
    background: bool = False
    ended: Progress | None = None
    news: str = ""
    over: threading.Event = field(default_factory=threading.Event)
    wave: int = 1
    assessed: int = 0
    flights: Flights
    elsewhere: bool = False
    waves: dict[int, Flight] = field(default_factory=dict)
    shadows: dict[int, Flight] = field(default_factory=dict)

    def now(self) -> Progress:
        """How far it is while it goes on."""
        flight = self._in_work()
        trained = flight is not None and _trained(flight)
        epochs = self.point.recipe.epochs
        trace = flight.trace if flight else ()
        state: State = "assessing" if trained else "training" if flight and flight.starts else "queued"
        if self.elsewhere and (trained or flight is None):
            state = "elsewhere"
        return Progress(
            state=state,
            wave=self.wave,
            waves=self.point.waves,
            epoch=epochs if trained else trace[-1].epoch if trace else 0,
            epochs=epochs,
            waves_assessed=self.assessed,
            trace=trace,
            message=RESTARTED if flight and flight.starts > 1 else self.news,
            ahead=self.flights.ahead_of(flight) if flight and state == "queued" else 0,
            teachers=flight.teachers if flight else 0,
        )

    def _in_work(self) -> Flight | None:
        """The flight of the wave in work, or of the shadow models' where that alone is still in work."""
        both = self.waves.get(self.wave - 1), self.shadows.get(self.wave - 1)
        flights = [flight for flight in both if flight is not None]
        return next((flight for flight in flights if not _trained(flight)), flights[-1] if flights else None)


def _trained(flight: Flight) -> bool:
    """Whether a wave is there."""
    return flight.stored or flight.future.done()
