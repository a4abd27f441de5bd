"""Jobs: visitors ask for points, and assessments appear in the store, one for each further wave."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import Any

from distributed import Client
from distributed.comm.core import CommClosedError

from cache import remote
from cache.address import ClusterError
from cache.admission import Limits, full, refusal
from cache.codec import assessment_from_bytes, comparison_from_bytes
from cache.comparisons import Comparisons
from cache.contested import ContestedRecords
from cache.failures import LOST, UNWATCHED, foreseen, sentence
from cache.flights import Flight, Flights
from cache.job import Job
from cache.keys import Asked, Point, Versus, asked_key, comparison_key, wave_key
from cache.progress import Progress, State
from cache.sensitivities import Sensitivities
from cache.store import Store
from engine.assessment.values import Comparison
from engine.recipe import Recipe

_log = logging.getLogger(__name__)
_REMEMBERED = 200  # jobs that ended
_LOSSES = 3  # of the processes that compute, after which a job gives up
_PATIENCE = 90.0  # seconds that a job waits for others in their place
_LAST = 1000  # rank of trainings that only sweeps want, on top of that of their waves


class _StoppedError(Exception):
    """The job was stopped while its thread was at work."""


class Jobs:
    """All measurements in work; every method may be called from any thread.

    Results travel from the workers to this process, which alone writes them to the store.

    Attributes:
        records: fetches contested records to look at.
        sensitivities: measures how far one record moves trained weights.
        losses: how often a measurement lost the processes that compute.
    """

    def __init__(self, client: Client, store: Store, *, limits: Limits | None = None) -> None:
        self._store = store
        self._limits = limits or Limits()
        self.losses = 0
        self._flights = Flights(client)
        self.records = ContestedRecords(lambda: self._flights.client)
        self.sensitivities = Sensitivities(lambda: self._flights.client, store.reports)
        self._comparisons = Comparisons()
        self._lock = threading.Lock()
        self._moved = threading.Condition(self._lock)
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._watched: dict[str, Job] = {}
        self._looks: dict[str, float] = {}
        self._problem: str | None = None
        self._closed = threading.Event()
        threading.Thread(target=self._look_around, name="unwatched jobs", daemon=True).start()

    def request(self, visitor: str, point: Asked, *, background: bool = False) -> None:
        """Measure what is lacking of a point, or compare two, and stop what this visitor alone asked for before.

        Asking again changes nothing while the job goes on, and starts anew when it failed or was cancelled. What the
        limits do not admit ends at once as "refused", with the reason.

        Args:
            visitor: who asks.
            point: what to measure.
            background: whether it may wait for everything that is asked for without this, and goes on unwatched.
        """
        key, refused = asked_key(point), self._refusal(point)
        with self._lock:
            before = self._watched.get(visitor)
            job = self._jobs.get(key)
            if job is not None and job is before:
                return
            if before is not None:
                before.visitors.discard(visitor)
            fresh = job is None or job.ended is not None
            if job is None or fresh:
                refused = refused or (None if background else full(self._in_work(), self._limits))
                self._jobs[key] = job = Job(point=point, background=background, flights=self._flights)
                self._jobs.move_to_end(key)
            job.background = job.background and background
            job.visitors.add(visitor)
            self._watched[visitor] = job
            self._looks[visitor] = time.monotonic()
        if fresh and refused:
            self._end(job, "refused", refused)
            self._stop_if_unwatched(before)
        elif fresh:
            threading.Thread(target=self._run, args=(job, before), name="job", daemon=True).start()
        else:
            self._stop_if_unwatched(before)

    def cancel(self, visitor: str) -> None:
        """Take the visitor off his job, which stops unless somebody else watches it."""
        self._leave(visitor, "")

    def _leave(self, visitor: str, message: str) -> None:
        with self._lock:
            self._looks.pop(visitor, None)
            job = self._watched.pop(visitor, None)
            if job is not None:
                job.visitors.discard(visitor)
        self._stop_if_unwatched(job, message)

    def progress(self, point: Asked, visitor: str | None = None) -> Progress | None:
        """How far the measurement of a point is; None when nobody asked for it, or long ago.

        Args:
            point: what is measured.
            visitor: who looks: a job goes on as long as somebody does.
        """
        if visitor in self._looks:
            self._looks[visitor] = time.monotonic()
        job = self._jobs.get(asked_key(point))
        return None if job is None else job.ended or job.now()

    def wait(self, point: Asked, seconds: float | None = None) -> Progress | None:
        """How far the measurement of a point is when it has ended or the seconds are over, as ``progress`` says."""
        job = self._jobs.get(asked_key(point))
        if job is not None:
            job.over.wait(seconds)
        return self.progress(point)

    def comparison(self, versus: Versus) -> Comparison | None:
        """How two settings compare, None until that was measured."""
        return self._comparisons.get(comparison_key(versus))

    def workers(self) -> int:
        """How many workers there are now; 0 while the processes that compute are lost."""
        client = self._flights.client
        if client.status != "running":
            return 0
        try:
            processes: Any = client.nthreads()
        except (OSError, AttributeError):  # cut this very moment: Dask's client has no scheduler then
            return 0
        return len(processes)

    def move_to(self, client: Client) -> None:
        """Compute with another client from now on: the processes of the one before were lost."""
        flights = Flights(client)
        with self._moved:
            before, self._flights = self._flights, flights
            self._moved.notify_all()
        before.close()

    def give_up(self, problem: str) -> None:
        """Fail what waits for processes that compute, with one sentence: there will be none."""
        with self._moved:
            self._problem = problem
            self._moved.notify_all()

    def close(self) -> None:
        """Stop all jobs; to be called before the cluster is closed."""
        self._closed.set()
        for visitor in list(self._watched):
            self.cancel(visitor)
        self._flights.close()

    def _refusal(self, point: Asked) -> str | None:
        """Why a point must not be trained; what needs no training is always measured."""
        for recipe in (point.recipe, point.shadow_recipe):
            refused = refusal(self._limits.training, recipe, point.waves)
            if refused is not None and not self._store.trained(recipe, point.waves):
                return refused
        return None

    def _in_work(self) -> int:
        """How many jobs of visitors go on."""
        return sum(job.ended is None and not job.background for job in self._jobs.values())

    def _look_around(self) -> None:
        """Stop the jobs whose last visitor has not looked for long: his page was closed, or his computer."""
        while not self._closed.wait(self._limits.grace / 10):
            longest = time.monotonic() - self._limits.grace
            for visitor, job in list(self._watched.items()):
                if not job.background and self._looks.get(visitor, longest) <= longest:
                    self._leave(visitor, UNWATCHED)

    def _run(self, job: Job, replaced: Job | None) -> None:
        """Measure a point from beginning to end, in a thread of its own."""
        state, message = "done", ""
        try:
            self._measure_through_losses(job, replaced)
        except Exception as error:  # noqa: BLE001 — whatever a worker raised becomes a sentence on the page
            if job.ended is None and foreseen(error):
                _log.warning("The measurement of %r failed: %s", job.point, error)
            elif job.ended is None:
                _log.error("The measurement of %r failed", job.point, exc_info=error)
            state, message = "failed", sentence(error)
        job.flights.leave(job)
        self._end(job, state, message)
        self._stop_if_unwatched(replaced)

    def _measure_through_losses(self, job: Job, replaced: Job | None) -> None:
        """Measure a point, going on from what is stored when the processes that compute are lost on the way."""
        for left in reversed(range(_LOSSES)):
            job.flights, job.waves, job.shadows = self._flights, [], []
            try:
                self._measure(job, replaced)
            except Exception as error:
                if job.ended is not None or not left or not self._lost(job, error):
                    raise
                _log.warning("The measurement of %r lost the processes that compute", job.point)
                job.flights.leave(job)
                job.news = LOST
                with self._lock:
                    self.losses += 1
                self._wait_for_others(job)
            else:
                return

    def _lost(self, job: Job, error: Exception) -> bool:
        """Whether the job failed for want of processes that compute."""
        moved = job.flights is not self._flights or job.flights.client.status != "running"
        return moved or isinstance(error, CancelledError | CommClosedError)

    def _wait_for_others(self, job: Job) -> None:
        """Return when there are other processes that compute, or nobody waits for them any more."""
        with self._moved:
            self._moved.wait_for(lambda: self._problem or job.ended or job.flights is not self._flights, _PATIENCE)
            if job.ended is None and job.flights is self._flights:
                raise ClusterError(self._problem or "The processes that compute were lost and did not come back.")

    def _measure(self, job: Job, replaced: Job | None) -> None:
        """Keep all workers busy with waves, but train no further wave while an assessment could wait for it."""
        points = [job.point.with_waves(waves) for waves in range(1, job.point.waves + 1)]
        measured = self._answered(points)
        if asked_key(job.point) in measured:
            job.wave = job.assessed = job.point.waves
            return
        ahead = max(1, self.workers())
        answers: dict[str, Flight] = {}
        for point in points:
            for further in points[len(job.waves) : point.waves - 1 + ahead]:
                job.waves.append(self._board_wave(job, point.recipe, further.waves - 1))
                if point.shadow_recipe != point.recipe:
                    job.shadows.append(self._board_wave(job, point.shadow_recipe, further.waves - 1))
                if asked_key(further) not in measured:
                    answers[asked_key(further)] = self._board_answer(job, further)
            # Only now that the new job shares a wave of the replaced one may that one end.
            self._stop_if_unwatched(replaced)
            job.wave = point.waves
            self._land_point(job, point, answers.get(asked_key(point)))
            job.assessed = point.waves

    def _answered(self, points: Sequence[Asked]) -> set[str]:
        """The keys of those that need no answer: comparisons are made once, of all waves that were asked for."""
        keys = [asked_key(point) for point in points]
        passed_over = {key for point, key in zip(points[:-1], keys, strict=False) if isinstance(point, Versus)}
        return self._store.measured(keys) | self._comparisons.made(keys) | passed_over

    def _land_point(self, job: Job, point: Asked, answer: Flight | None) -> None:
        """Take the wave in work, that of the shadow models and the assessment to the store."""
        for recipe, flights in ((point.recipe, job.waves), (point.shadow_recipe, job.shadows)):
            if flights:
                flight = flights[job.wave - 1]
                self._land(job, flight, functools.partial(self._keep_wave, recipe, job.wave - 1, flight))
        if answer is not None:
            self._land(job, answer, functools.partial(self._keep, point))

    def _board_wave(self, job: Job, recipe: Recipe, wave: int) -> Flight:
        """The flight of a wave: from the store, or trained."""
        blob = self._store.wave(recipe, wave)
        client, key = job.flights.client, wave_key(recipe, wave)
        if blob is not None:
            return self._board("wave", job, key, remote.keeping(client, blob), stored=True)
        submit = remote.training(client, recipe, wave, background=job.background)
        return self._board("wave", job, key, submit, stored=False, rank=wave + _LAST * job.background)

    def _board_answer(self, job: Job, point: Asked) -> Flight:
        """The flight of the answer that the first waves of a job give; Dask starts it when they are there."""
        waves, shadows = ([flight.future for flight in some[: point.waves]] for some in (job.waves, job.shadows))
        submit = remote.answering(job.flights.client, point, waves, shadows, background=job.background)
        kind = "assessment" if isinstance(point, Point) else "comparison"
        return self._board(kind, job, asked_key(point), submit, stored=False)

    def _board(
        self, kind: str, job: Job, key: str, submit: remote.Submit, *, stored: bool, rank: int | None = None
    ) -> Flight:
        """A flight with the job on it, unless the job was stopped meanwhile."""
        flight = job.flights.board(kind, key, job, submit, stored=stored, rank=rank)
        if job.ended is not None:
            raise _StoppedError  # the job leaves its flights when its thread ends
        return flight

    def _land(self, job: Job, flight: Flight, put: Callable[[bytes], None]) -> None:
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

    def _keep_wave(self, recipe: Recipe, wave: int, flight: Flight, blob: bytes) -> None:
        """Take a wave to the store with what was heard of its training; events come before the result."""
        self._store.put_wave(recipe, wave, blob)
        self._store.reports.put(recipe, wave, flight.seconds, flight.trace)

    def _keep(self, point: Asked, blob: bytes) -> None:
        if isinstance(point, Point):
            self._store.put_assessment(point, assessment_from_bytes(blob))
        else:
            self._comparisons.put(comparison_key(point), comparison_from_bytes(blob))

    def _end(self, job: Job, state: State, message: str) -> None:
        """Note how a job ended, unless it was stopped before; forget the oldest jobs that ended."""
        with self._lock:
            if job.ended is None:
                job.ended = replace(job.now(), state=state, message=message)
            job.waves, job.shadows = [], []
            job.over.set()
            for visitor in job.visitors:
                if self._watched.get(visitor) is job:
                    del self._watched[visitor]
                    self._looks.pop(visitor, None)
            ended = [key for key, other in self._jobs.items() if other.ended is not None]
            for key in ended[:-_REMEMBERED]:
                del self._jobs[key]

    def _stop_if_unwatched(self, job: Job | None, message: str = "") -> None:
        """Stop a job that goes on although nobody watches it."""
        if job is None:
            return
        with self._lock:
            if job.visitors or job.ended is not None:
                return
            job.ended = replace(job.now(), state="cancelled", message=message)
            self._moved.notify_all()
        job.flights.leave(job)
