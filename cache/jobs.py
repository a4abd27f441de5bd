"""Jobs: visitors ask for points, and assessments appear in the store, one for each further wave."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections import OrderedDict
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import Any

import numpy as np
from distributed import Client
from distributed.comm.core import CommClosedError
from numpy.typing import NDArray

from cache.address import ClusterError
from cache.admission import Limits, full, refusal, too_large
from cache.answers import Answers
from cache.attempt import Attempt
from cache.contested import ContestedRecords
from cache.failures import GONE, LOST, UNWATCHED, foreseen, sentence
from cache.flights import Flights
from cache.job import Job
from cache.keys import Asked, Outputs, Versus, asked_key
from cache.leases import Leases
from cache.location import CacheError
from cache.progress import Progress, State
from cache.sensitivities import Sensitivities
from cache.store import Store
from engine.assessment.values import Comparison

_log = logging.getLogger(__name__)
_REMEMBERED = 200  # jobs that ended
_LOSSES = 3  # of the processes that compute, after which a job gives up
_LOOK = 0.1  # seconds between two looks whether another program has trained a wave


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
        self._answers = Answers(store)
        self._leases = Leases(store.file.parent)
        self.sensitivities = Sensitivities(lambda: self._flights.client, store.reports, self._limits)
        self._lock = threading.Lock()
        self._moved = threading.Condition(self._lock)
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._watched: dict[str, Job] = {}
        self._looks: dict[str, float] = {}
        self._persons: dict[str, str] = {}
        self._problem: str | None = None
        self._closed = threading.Event()
        threading.Thread(target=self._look_around, name="unwatched jobs", daemon=True).start()

    def request(
        self,
        visitor: str,
        point: Asked,
        *,
        person: str | None = None,
        background: bool = False,
        heard: bool | None = None,
    ) -> None:
        """Measure what is lacking of a point, or compare two, and stop what this visitor alone asked for before.

        Asking again changes nothing while the job goes on, and starts anew when it failed or was cancelled. What the
        limits do not admit ends at once as "refused", with the reason. What a sweep has in work already is then left
        to the sweep, in its turn, and the visitor may look at it like anybody else.

        Args:
            visitor: who asks: a tab, which is done with what it asked for before.
            point: what to measure.
            person: who sits at it; what his other visitors wait for counts with this. None: nobody else's concern.
            background: whether it may wait for everything that is asked for without this, and goes on unwatched.
            heard: whether its trainings report every epoch; None is for those that are not in the background.
        """
        key, refused = asked_key(point), self._refusal(point)
        heard = not background if heard is None else heard
        with self._lock:
            before = self._watched.get(visitor)
            job = self._jobs.get(key)
            if job is not None and job is before:
                return
            if before is not None:
                before.leave(visitor)  # first, so that what nobody else watches makes room
            fresh = job is None or job.ended is not None
            sooner = not background and (job is None or fresh or job.background)
            crowded = full(self._in_work(), self._others(visitor, person), self._limits) if sooner else None
            if job is None or fresh:
                refused = refused or crowded
                self._jobs[key] = job = Job(point=point, heard=heard, flights=self._flights)
                self._jobs.move_to_end(key)
            if fresh or not crowded:
                job.heard = job.heard or heard
                self._watch(visitor, job, person, background=background)
            else:
                sooner = False
                self._forget(visitor)
        if fresh and refused:
            self._end(job, "refused", refused)
            self._stop_if_unwatched(before)
        elif fresh:
            threading.Thread(target=self._run, args=(job, before), name="job", daemon=True).start()
        else:
            if sooner:
                job.flights.bring_forward(job)
            self._stop_if_unwatched(before)

    def cancel(self, visitor: str) -> None:
        """Take the visitor off his job, which stops unless somebody else watches it."""
        self._leave(visitor, "")

    def _leave(self, visitor: str, message: str) -> None:
        with self._lock:
            job = self._forget(visitor)
            if job is not None:
                job.leave(visitor)
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
        return self._answers.comparison(versus)

    def logits(self, outputs: Outputs) -> NDArray[np.float32] | None:
        """What a point's released models answer, (models, records, classes); None until that was asked of them."""
        return self._answers.logits(outputs)

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

    @property
    def without_gpu(self) -> bool:
        """Whether something waits for a worker with a GPU and there is none any more."""
        return self._flights.without_gpu

    def look_for_gpu(self) -> None:
        """Look whether what needs a GPU can still have one, for those who ask how far it is."""
        self._flights.look_for_gpu()

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
            refused = refusal(self._limits.training, recipe, point.waves) or too_large(recipe, self._limits.memory)
            if refused is not None and not self._store.trained(recipe, point.waves):
                return refused
        return None

    def _in_work(self) -> int:
        """How many jobs go on that somebody watches who is no sweep."""
        return sum(job.ended is None and not job.background for job in self._jobs.values())

    def _others(self, visitor: str, person: str | None) -> int:
        """How many jobs go on that other visitors of the same person watch."""
        theirs = {other for other, name in self._persons.items() if name == person and other != visitor}
        return len({self._watched[other] for other in theirs if self._watched[other].ended is None})

    def _watch(self, visitor: str, job: Job, person: str | None, *, background: bool) -> None:
        """Let a visitor, who has left the job before, watch this one. The lock is held."""
        job.visitors.add(visitor)
        self._watched[visitor] = job
        if person is not None:
            self._persons[visitor] = person
        if not background:
            job.foreground.add(visitor)
            self._looks[visitor] = time.monotonic()

    def _forget(self, visitor: str) -> Job | None:
        """Watch no job any more; the one that was, None where none was. The lock is held."""
        self._looks.pop(visitor, None)
        self._persons.pop(visitor, None)
        return self._watched.pop(visitor, None)

    def _look_around(self) -> None:
        """Stop the jobs whose last visitor has not looked for long: his page was closed, or his computer."""
        while not self._closed.wait(self._limits.grace / 10):
            longest = time.monotonic() - self._limits.grace
            for visitor, looked in list(self._looks.items()):  # sweeps never look, and are not there
                if looked <= longest:
                    self._leave(visitor, UNWATCHED)

    def _run(self, job: Job, replaced: Job | None) -> None:
        """Measure a point from beginning to end, in a thread of its own."""
        state, message, everywhere = "done", "", False
        try:
            self._measure_through_losses(job, replaced)
        except Exception as error:  # noqa: BLE001 — whatever a worker raised becomes a sentence on the page
            if job.ended is None and foreseen(error):
                _log.warning("The measurement of %r failed: %s", job.point, error)
            elif job.ended is None:
                _log.error("The measurement of %r failed", job.point, exc_info=error)
            state, message, everywhere = "failed", sentence(error), isinstance(error, CacheError | ClusterError)
        job.flights.leave(job)
        self._end(job, state, message, everywhere=everywhere)
        self._stop_if_unwatched(replaced)

    def _measure_through_losses(self, job: Job, replaced: Job | None) -> None:
        """Measure a point, going on from what is stored when the processes that compute are lost on the way."""
        for left in reversed(range(_LOSSES)):
            job.flights, job.waves, job.shadows, job.elsewhere = self._flights, {}, {}, False
            attempt = Attempt(
                job=job,
                store=self._store,
                made=self._answers,
                leases=self._leases,
                workers=self.workers(),
                pause=functools.partial(self._pause, job),
                boarded=functools.partial(self._stop_if_unwatched, replaced),
            )
            try:
                attempt.measure()
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
            self._moved.wait_for(
                lambda: self._problem or job.ended or job.flights is not self._flights, self._limits.patience
            )
            if job.ended is None and job.flights is self._flights:
                raise ClusterError(self._problem or GONE)

    def _pause(self, job: Job) -> None:
        """Let a moment pass, or less where the job is stopped meanwhile."""
        with self._moved:
            self._moved.wait_for(lambda: job.ended is not None, _LOOK)

    def _end(self, job: Job, state: State, message: str, *, everywhere: bool = False) -> None:
        """Note how a job ended, unless it was stopped before; forget the oldest jobs that ended."""
        with self._lock:
            if job.ended is None:
                job.ended = replace(job.now(), state=state, message=message, everywhere=everywhere)
            job.waves, job.shadows = {}, {}
            job.over.set()
            for visitor in job.visitors:
                if self._watched.get(visitor) is job:
                    self._forget(visitor)
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
        job.flights.leave(job, landing=True)  # the job's thread takes what has arrived to the store, and leaves it
