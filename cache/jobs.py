"""Jobs: visitors ask for points, and assessments appear in the store, one for each further wave."""

from __future__ import annotations

import functools
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass, field, replace
from typing import Any

from distributed import Client, Future, KilledWorker

from cache import remote
from cache.codec import assessment_from_bytes
from cache.flights import Flight, Flights
from cache.keys import Point, assessment_key, wave_key
from cache.location import CacheError
from cache.progress import Progress, State
from cache.store import Store
from engine.recipe import Recipe
from engine.validate import InvalidValueError

_log = logging.getLogger(__name__)
_REMEMBERED = 200  # jobs that ended
_ASSESS_FIRST = 1  # Dask's priority; wave w trains with priority −w, so that every visitor's first wave comes first


class _StoppedError(Exception):
    """The job was stopped while its thread was at work."""


@dataclass(eq=False, kw_only=True)
class _Job:
    """The measurement of one point on its way to the store.

    Attributes:
        point: what is measured.
        visitors: who watches it.
        ended: how it ended, None while it goes on.
        wave: the wave in work, from 1.
        assessed: assessments of 1 … ``assessed`` waves are stored.
        waves: the flights of its waves.
        shadows: the flights of the waves of the shadow recipe; empty where that is the recipe itself.
    """

    point: Point
    visitors: set[str] = field(default_factory=set)
    ended: Progress | None = None
    wave: int = 1
    assessed: int = 0
    waves: list[Flight] = field(default_factory=list)
    shadows: list[Flight] = field(default_factory=list)

    def now(self) -> Progress:
        """How far it is while it goes on."""
        flight = self._flight()
        trained = flight is not None and _trained(flight)
        epochs = self.point.recipe.epochs
        trace = flight.trace if flight else ()
        state: State = "assessing" if trained else "training" if flight and flight.started else "queued"
        return Progress(
            state=state,
            wave=self.wave,
            waves=self.point.waves,
            epoch=epochs if trained else trace[-1].epoch if trace else 0,
            epochs=epochs,
            waves_assessed=self.assessed,
            trace=trace,
        )

    def _flight(self) -> Flight | None:
        """The wave in work, or the shadow models' where only that is still in work."""
        both = self.waves, self.shadows  # the job's thread may replace the lists meanwhile
        flights = [some[self.wave - 1] for some in both if self.wave <= len(some)]
        return next((flight for flight in flights if not _trained(flight)), flights[-1] if flights else None)


def _trained(flight: Flight) -> bool:
    """Whether a wave is there."""
    return flight.stored or flight.future.done()


class Jobs:
    """All measurements in work; every method may be called from any thread.

    Results travel from the workers to this process, which alone writes them to the store.
    """

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._store = store
        self._flights = Flights(client)
        self._lock = threading.Lock()
        self._jobs: OrderedDict[str, _Job] = OrderedDict()
        self._watched: dict[str, _Job] = {}

    def request(self, visitor: str, point: Point) -> None:
        """Measure what the store lacks of a point, and stop what this visitor alone asked for before.

        Asking again changes nothing while the job goes on, and starts anew when it failed or was cancelled.
        """
        with self._lock:
            before = self._watched.get(visitor)
            job = self._jobs.get(assessment_key(point))
            if job is not None and job is before:
                return
            if before is not None:
                before.visitors.discard(visitor)
            fresh = job is None or job.ended is not None
            if job is None or fresh:
                self._jobs[assessment_key(point)] = job = _Job(point=point)
                self._jobs.move_to_end(assessment_key(point))
            job.visitors.add(visitor)
            self._watched[visitor] = job
        if fresh:
            threading.Thread(target=self._run, args=(job, before), name="job", daemon=True).start()
        else:
            self._stop_if_unwatched(before)

    def cancel(self, visitor: str) -> None:
        """Take the visitor off his job, which stops unless somebody else watches it."""
        with self._lock:
            job = self._watched.pop(visitor, None)
            if job is not None:
                job.visitors.discard(visitor)
        self._stop_if_unwatched(job)

    def progress(self, point: Point) -> Progress | None:
        """How far the measurement of a point is; None when nobody asked for it, or long ago."""
        job = self._jobs.get(assessment_key(point))
        return None if job is None else job.ended or job.now()

    def close(self) -> None:
        """Stop all jobs; to be called before the cluster is closed."""
        for visitor in list(self._watched):
            self.cancel(visitor)
        self._flights.close()

    def _run(self, job: _Job, replaced: _Job | None) -> None:
        """Measure a point from beginning to end, in a thread of its own."""
        state, message = "done", ""
        try:
            self._measure(job, replaced)
        except Exception as error:  # noqa: BLE001 — whatever a worker raised becomes a sentence on the page
            if job.ended is None:
                _log.error("The measurement of %r failed", job.point, exc_info=error)
            state, message = "failed", _sentence(error)
        self._flights.leave(job)
        self._end(job, state, message)
        self._stop_if_unwatched(replaced)

    def _measure(self, job: _Job, replaced: _Job | None) -> None:
        """Keep all workers busy with waves, but train no further wave while an assessment could wait for it."""
        points = [job.point.with_waves(waves) for waves in range(1, job.point.waves + 1)]
        measured = self._store.measured(map(assessment_key, points))
        if assessment_key(job.point) in measured:
            job.wave = job.assessed = job.point.waves
            return
        workers: Any = self._client.nthreads()
        ahead = max(1, len(workers))
        answers: dict[str, Flight] = {}
        for point in points:
            for further in points[len(job.waves) : point.waves - 1 + ahead]:
                job.waves.append(self._board_wave(job, job.point.recipe, further.waves - 1))
                if job.point.shadow_recipe != job.point.recipe:
                    job.shadows.append(self._board_wave(job, job.point.shadow_recipe, further.waves - 1))
                if assessment_key(further) not in measured:
                    answers[assessment_key(further)] = self._board_assessment(job, further)
            # Only now that the new job shares a wave of the replaced one may that one end.
            self._stop_if_unwatched(replaced)
            job.wave = point.waves
            self._land_point(job, answers.get(assessment_key(point)))
            job.assessed = point.waves

    def _land_point(self, job: _Job, answer: Flight | None) -> None:
        """Take the wave in work, that of the shadow models and the assessment to the store."""
        for recipe, flights in ((job.point.recipe, job.waves), (job.point.shadow_recipe, job.shadows)):
            if flights:
                put_wave = functools.partial(self._store.put_wave, recipe, job.wave - 1)
                self._land(job, flights[job.wave - 1], put_wave)
        if answer is not None:
            self._land(job, answer, functools.partial(self._keep_assessment, answer.key))

    def _board_wave(self, job: _Job, recipe: Recipe, wave: int) -> Flight:
        """The flight of a wave: from the store, or trained."""
        blob = self._store.wave(recipe, wave)
        if blob is not None:
            submit = functools.partial(self._client.submit, remote.keep, blob)
        else:
            submit = functools.partial(self._client.submit, remote.run, "train", recipe, wave, priority=-wave)
        return self._board("wave", job, wave_key(recipe, wave), submit, stored=blob is not None)

    def _board_assessment(self, job: _Job, point: Point) -> Flight:
        """The flight of the assessment of the first waves of a job; Dask starts it when they are there."""
        targets, shadows = ([flight.future for flight in some[: point.waves]] for some in (job.waves, job.shadows))
        submit = functools.partial(
            self._client.submit, remote.run, "assess", point, targets, shadows, priority=_ASSESS_FIRST
        )
        return self._board("assessment", job, assessment_key(point), submit, stored=False)

    def _board(self, kind: str, job: _Job, key: str, submit: Callable[..., Future], *, stored: bool) -> Flight:
        """A flight with the job on it, unless the job was stopped meanwhile."""
        flight = self._flights.board(kind, key, job, submit, stored=stored)
        if job.ended is not None:
            raise _StoppedError  # the job leaves its flights when its thread ends
        return flight

    def _land(self, job: _Job, flight: Flight, put: Callable[[bytes], None]) -> None:
        """Take the result of a flight to the store when it comes; the first of its jobs does so for all."""
        with flight.landing:
            if not flight.stored:
                blob = flight.future.result()
                if blob is None:
                    raise _StoppedError
                put(blob)
                flight.stored = True
        if job.ended is not None:
            raise _StoppedError

    def _keep_assessment(self, key: str, blob: bytes) -> None:
        self._store.put_assessment(key, assessment_from_bytes(blob))

    def _end(self, job: _Job, state: State, message: str) -> None:
        """Note how a job ended, unless it was stopped before; forget the oldest jobs that ended."""
        with self._lock:
            if job.ended is None:
                job.ended = replace(job.now(), state=state, message=message)
            job.waves, job.shadows = [], []
            for visitor in job.visitors:
                if self._watched.get(visitor) is job:
                    del self._watched[visitor]
            ended = [key for key, other in self._jobs.items() if other.ended is not None]
            for key in ended[:-_REMEMBERED]:
                del self._jobs[key]

    def _stop_if_unwatched(self, job: _Job | None) -> None:
        """Stop a job that goes on although nobody watches it."""
        if job is None:
            return
        with self._lock:
            if job.visitors or job.ended is not None:
                return
            job.ended = replace(job.now(), state="cancelled")
        self._flights.leave(job)


def _sentence(error: Exception) -> str:
    """What went wrong, for a person; the log has the whole of it."""
    if isinstance(error, CacheError | InvalidValueError):
        return str(error)
    if isinstance(error, CancelledError):
        return "The processes that compute were lost; start Privacy Dial again if this happens twice."
    if isinstance(error, KilledWorker):
        return "The worker process died twice while it computed this setting, perhaps for lack of memory."
    reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return f"This setting could not be computed: {reason}."
