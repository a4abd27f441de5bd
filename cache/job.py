"""One job: the measurement of a point on its way to the store."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from cache.failures import NO_GPU, RESTARTED
from cache.flights import Flight, Flights
from cache.keys import Asked
from cache.progress import Progress, State


@dataclass(eq=False, kw_only=True)
class Job:
    """The measurement of one point on its way to the store.

    Attributes:
        point: what is measured.
        visitors: who watches it.
        foreground: those of them who let it wait for nobody: all but sweeps.
        heard: whether its trainings report every epoch.
        ended: how it ended, None while it goes on.
        news: one sentence on what it goes on after, else empty.
        over: set when its thread has ended.
        wave: the wave in work, from 1.
        assessed: assessments of 1 … ``assessed`` waves are stored.
        flights: where it boards; others when the processes that compute were lost.
        elsewhere: whether it waits for a wave that another program has to train.
        waves: the flights of its waves, which are numbered from 0.
        shadows: the flights of the waves of the shadow recipe, or of a second setting; empty where that is the
            recipe itself.
    """

    point: Asked
    visitors: set[str] = field(default_factory=set)
    foreground: set[str] = field(default_factory=set)
    heard: bool = True
    ended: Progress | None = None
    news: str = ""
    over: threading.Event = field(default_factory=threading.Event)
    wave: int = 1
    assessed: int = 0
    flights: Flights
    elsewhere: bool = False
    waves: dict[int, Flight] = field(default_factory=dict)
    shadows: dict[int, Flight] = field(default_factory=dict)

    @property
    def background(self) -> bool:
        """Whether only sweeps want it now, or nobody any more; then it counts for no limit.

        What stands in the queue when the last of those who are no sweep leaves keeps its place there: other jobs may
        wait for it, too, and to move it back would need all that it takes to bring it forward. What a sweep's job
        submits from then on waits for all visitors again.
        """
        return not self.foreground

    def leave(self, visitor: str) -> None:
        """Take a visitor off it."""
        self.visitors.discard(visitor)
        self.foreground.discard(visitor)

    def now(self) -> Progress:
        """How far it is while it goes on."""
        flight = self._in_work()
        trained = flight is not None and _trained(flight)
        epochs = self.point.recipe.epochs
        trace = flight.trace if flight else ()
        stranded = flight is not None and flight.gpu and not trained and self.flights.without_gpu
        begun = flight is not None and flight.starts > 0 and not stranded
        state: State = "assessing" if trained else "training" if begun else "queued"
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
            message=NO_GPU if stranded else RESTARTED if flight and flight.starts > 1 else self.news,
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
