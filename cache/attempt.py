"""One attempt to measure the point of a job: its waves and its assessments on their way from workers to the store."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from cache import remote
from cache.answers import Answers
from cache.flights import Flight
from cache.job import Job
from cache.keys import Asked, Outputs, Point, Versus, asked_key, wave_key
from cache.leases import Leases
from cache.location import CacheError
from cache.store import Store
from engine.recipe import Recipe

_LOOK = 1.0  # seconds between two looks whether the job was stopped, while it waits for what others want, too
_KINDS: dict[type, str] = {Point: "assessment", Versus: "comparison", Outputs: "logits"}


class StoppedError(Exception):
    """The job was stopped while its thread was at work."""


@dataclass(eq=False, kw_only=True)
class Attempt:
    """One attempt, on the processes that compute now; it runs in the thread of the job.

    A wave that another program on the same cache has in work is waited for, and trained here when that program has
    given it up. Meanwhile what is trained here is taken to the store, so that no two programs wait for each other.

    Attributes:
        job: whose point is measured.
        store: where results go.
        made: of waves, and where more of it goes.
        leases: on waves that are trained here.
        workers: how many there are: waves to train ahead of the assessments.
        pause: lets a moment pass.
        boarded: called when the job shares what it can share with the one that it replaces.
        answers: the flights of what is made of waves, by key.
    """

    job: Job
    store: Store
    made: Answers
    leases: Leases
    workers: int
    pause: Callable[[], None]
    boarded: Callable[[], None]
    answers: dict[str, Flight] = field(default_factory=dict)

    def measure(self) -> None:
        """Measure the point; when the job is stopped, what is trained already is still taken to the store."""
        try:
            self._measure()
        except Exception:
            if self.job.ended is not None:
                self._keep_arrived()
            raise

    def _measure(self) -> None:
        """Keep all workers busy with waves, but train no further wave while an assessment could wait for it."""
        job = self.job
        points = [job.point.with_waves(waves) for waves in range(1, job.point.waves + 1)]
        measured = self.made.needless(points)
        if asked_key(job.point) in measured:
            job.wave = job.assessed = job.point.waves
            return
        for point in points:
            job.wave = point.waves
            window = points[: point.waves - 1 + max(1, self.workers)]
            while not self._board_all(window, measured):
                job.elsewhere = True
                # Only now that the new job shares a wave of the replaced one may that one end.
                self.boarded()
                self._land_finished()
                self.pause()
            job.elsewhere = False
            self.boarded()
            self._land_point(point)
            job.assessed = point.waves

    def _cohorts(self) -> list[tuple[Recipe, dict[int, Flight]]]:
        """The recipes that are trained, each with the flights of its waves."""
        point = self.job.point
        shadows = [(point.shadow_recipe, self.job.shadows)] if point.shadow_recipe != point.recipe else []
        return [(point.recipe, self.job.waves), *shadows]

    def _board_all(self, window: Sequence[Asked], measured: set[str]) -> bool:
        """Board what can be; whether all that the wave in work needs is on its way."""
        self._stop_if_ended()
        for further in window:
            for recipe, flights in self._cohorts():
                if further.waves - 1 not in flights:
                    self._board_wave(recipe, further.waves - 1, flights)
            key = asked_key(further)
            if key not in measured and key not in self.answers and self._on_its_way(further.waves):
                self.answers[key] = self._board_answer(further)
        return self._on_its_way(self.job.wave)

    def _on_its_way(self, waves: int) -> bool:
        """Whether the first waves are, those of the shadow models included."""
        return all(wave in flights for _, flights in self._cohorts() for wave in range(waves))

    def _board_wave(self, recipe: Recipe, wave: int, flights: dict[int, Flight]) -> None:
        """Board the flight of a wave, from the store or to be trained; none while another program trains it."""
        key, client, background = wave_key(recipe, wave), self.job.flights.client, self.job.background
        blob = self.store.wave(recipe, wave)
        with ExitStack() as undone:
            lease = None
            if blob is None:
                lease = self.leases.take(key)
                if lease is None:
                    return
                undone.callback(lease.end)
                blob = self.store.wave(recipe, wave)  # another program may have stored it just before
            if blob is not None:
                keep = remote.keeping(client, blob)
                flights[wave] = self._board("wave", key, keep, background=background, stored=True)
                return
            gpu, heard = self.job.flights.offers_gpu(), self.job.heard
            submit = remote.training(client, recipe, wave, background=background, heard=heard, gpu=gpu)
            undone.pop_all()
        flights[wave] = self._board(
            "wave", key, submit, background=background, stored=False, wave=wave, gpu=gpu, lease=lease
        )

    def _board_answer(self, point: Asked) -> Flight:
        """The flight of the answer that the first waves of a job give; Dask starts it when they are there."""
        job, background = self.job, self.job.background
        waves, shadows = (
            [some[wave].future for wave in range(point.waves) if some] for some in (job.waves, job.shadows)
        )
        submit = remote.answering(job.flights.client, point, waves, shadows, background=background)
        return self._board(_KINDS[type(point)], asked_key(point), submit, background=background, stored=False)

    def _board(self, kind: str, key: str, submit: remote.Submit, *, background: bool, **options: Any) -> Flight:
        """A flight with the job on it, unless the job was stopped meanwhile."""
        flight = self.job.flights.board(kind, key, self.job, submit, background=background, **options)
        if background and not self.job.background:  # a visitor came while it was submitted
            self.job.flights.bring_forward(self.job)
        self._stop_if_ended()  # the job leaves its flights when its thread ends
        return flight

    def _land_point(self, point: Asked) -> None:
        """Take the wave in work, that of the shadow models and the assessment to the store."""
        for recipe, flights in self._cohorts():
            self._land_wave(recipe, self.job.wave - 1, flights[self.job.wave - 1])
        answer = self.answers.get(asked_key(point))
        if answer is not None:
            self._land(answer, functools.partial(self.made.put, point))

    def _land_finished(self) -> None:
        """Take to the store what is trained, in whatever order."""
        for recipe, flights in self._cohorts():
            for wave, flight in flights.items():
                if flight.future.done():
                    self._land_wave(recipe, wave, flight)

    def _land_wave(self, recipe: Recipe, wave: int, flight: Flight) -> None:
        self._land(flight, functools.partial(self._keep_wave, recipe, wave, flight))

    def _land(self, flight: Flight, put: Callable[[bytes], None]) -> None:
        """Take the result of a flight to the store when it comes; the first of its jobs does so for all."""
        with self._landing(flight):
            if not flight.stored:
                self._await(flight)
                self._store(flight, put)
        self._stop_if_ended()

    def _store(self, flight: Flight, put: Callable[[bytes], None]) -> None:
        """Take the result of a flight that has ended to the store; its landing is held."""
        blob = flight.future.result()
        if blob is None:
            raise StoppedError
        put(blob)
        flight.stored = True
        flight.let_go()

    def _keep_arrived(self) -> None:
        """Take the waves to the store that are trained when the job is stopped.

        One that another job holds for longer is left to that one. What cannot be stored is trained again when it is
        asked for, and keeps no other from being stored.
        """
        for recipe, flights in self._cohorts():
            for wave, flight in flights.items():
                if flight.arrived and flight.landing.acquire(timeout=_LOOK):
                    with ExitStack() as held, suppress(StoppedError, CacheError):
                        held.callback(flight.landing.release)
                        if flight.arrived:
                            self._store(flight, functools.partial(self._keep_wave, recipe, wave, flight))

    @contextmanager
    def _landing(self, flight: Flight) -> Iterator[None]:
        """Hold the landing of a flight, which another job may hold for as long as the training takes."""
        while not flight.landing.acquire(timeout=_LOOK):
            self._stop_if_ended()
        try:
            yield
        finally:
            flight.landing.release()

    def _await(self, flight: Flight) -> None:
        """Return when a flight has ended; one that others are on goes on when this job is stopped."""
        if flight.future.done():
            return
        ended = threading.Event()
        flight.future.add_done_callback(lambda _: ended.set())
        while not ended.wait(_LOOK):
            self._stop_if_ended()

    def _stop_if_ended(self) -> None:
        if self.job.ended is not None:
            raise StoppedError

    def _keep_wave(self, recipe: Recipe, wave: int, flight: Flight, blob: bytes) -> None:
        """Take a wave to the store with what was heard of its training; events come before the result."""
        self.store.put_wave(recipe, wave, blob)
        self.store.reports.put(recipe, wave, flight.seconds, flight.trace)
