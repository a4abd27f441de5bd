"""A sweep at work: what is stored is skipped, and what lacks is measured in turn.

Nothing of a run is kept but what it measured: a run of the same plan on the same store goes on where this one was
when it ended, however it ended.
"""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass
from typing import Literal

from cache.failures import GONE, IDLE, LOST, NO_GPU
from cache.jobs import Jobs
from cache.location import CacheError
from cache.progress import Progress
from cache.store import Store
from cache.sweeps.order import in_turn
from cache.sweeps.results import assessed_waves
from cache.sweeps.values import Plan

State = Literal["starting", "running", "paused", "done", "cancelled", "stopped"]

_SLOTS_PER_WORKER = 2  # while one measurement is assessed and stored, the next one trains
_ROUND = 2.0  # seconds between two looks at how many workers there are
_ROUNDS_IDLE = 5  # without a worker, after which it is worth a word
_IN_A_ROW = 5  # measurements that fail alike for a reason that is not their own


@dataclass(frozen=True, kw_only=True)
class SweepProgress:
    """How far a sweep is.

    Attributes:
        state: "starting" until it is known what is stored already; "stopped" when nothing could be measured any more.
        points: settings to be measured.
        points_done: those with all their waves.
        waves: waves to be trained and assessed, over all settings.
        waves_done: of them, those that are.
        failed: settings that could not be measured.
        seconds_left: by the speed of this run; None before it has one.
        message: one sentence on the latest failure, else empty.
        news: one sentence on what the run goes on after, else empty.
        obstacle: one sentence on the latest failure that no setting is to blame for, such as a full disk or a worker
            of another version, else empty: without it the same plan measures what it could not measure now.
    """

    state: State
    points: int
    points_done: int
    waves: int
    waves_done: int
    failed: int
    seconds_left: float | None
    message: str
    news: str = ""
    obstacle: str = ""

    @property
    def active(self) -> bool:
        """Whether something is still to come, perhaps after a pause."""
        return self.state in {"starting", "running", "paused"}


class SweepRun:
    """One run of a plan, behind everything that visitors ask of the same jobs; every method fits any thread."""

    def __init__(self, plan: Plan, jobs: Jobs, store: Store, *, heard: bool = False) -> None:
        """Begin at once, in threads of its own.

        Args:
            plan: what is to be measured.
            jobs: what measures.
            store: where results go.
            heard: whether to keep how each training went by epoch, which makes small models take longer.
        """
        self.plan = plan
        self._heard = heard
        self._jobs = jobs
        self._store = store
        self._name = f"sweep-{secrets.token_hex(8)}"
        self._changed = threading.Condition()
        self._state: State = "starting"
        self._message = ""
        self._obstacle = ""
        self._losses = jobs.losses
        self._idle = 0  # looks in a row that found no worker
        self._alike = 0  # failures in a row with the same message
        self._waves = [0] * len(plan.settings)
        self._failed: set[int] = set()
        self._slots: dict[str, threading.Thread] = {}
        self._steps = (
            (place, waves)
            for place, waves in in_turn(plan, self._room)
            if self._waves[place] < waves and place not in self._failed
        )
        self._all_begun = False
        self._trained = 0
        self._clock = _Clock()
        self._turned = time.monotonic()
        threading.Thread(target=self._run, name=self._name, daemon=True).start()

    @property
    def assessed(self) -> tuple[int, ...]:
        """For each setting, how many waves are assessed and stored."""
        with self._changed:
            return tuple(self._waves)

    def progress(self) -> SweepProgress:
        """How far it is."""
        with self._changed:
            asked, done = self.plan.waves, sum(self._waves)
            left = sum(asked - waves for place, waves in enumerate(self._waves) if place not in self._failed)
            return SweepProgress(
                state=self._state,
                points=len(self._waves),
                points_done=sum(waves == asked for waves in self._waves),
                waves=asked * len(self._waves),
                waves_done=done,
                failed=len(self._failed),
                seconds_left=left * self._clock.seconds() / self._trained if self._trained else None,
                message=self._message,
                news=self._news(),
                obstacle=self._obstacle,
            )

    @property
    def paused_for(self) -> float:
        """Seconds that it has stood paused; 0.0 while it is not paused."""
        with self._changed:
            return time.monotonic() - self._turned if self._state == "paused" else 0.0

    def pause(self) -> None:
        """Begin no further wave; those in work are finished."""
        self._turn({"running"}, "paused")

    def resume(self) -> None:
        """Go on after a pause."""
        self._turn({"paused"}, "running")

    def cancel(self) -> None:
        """End, in the middle of the waves in work."""
        if self._turn({"starting", "running", "paused"}, "cancelled"):
            for visitor in list(self._slots):
                self._jobs.cancel(visitor)

    def wait(self, seconds: float | None = None) -> SweepProgress:
        """How far it is once nothing is in work any more, or when the seconds are over."""
        with self._changed:
            self._changed.wait_for(lambda: not self._active() and not self._slots, seconds)
        return self.progress()

    def _news(self) -> str:
        if self._state == "running" and self._idle >= _ROUNDS_IDLE:
            return IDLE
        if self._active() and self._jobs.without_gpu:
            return NO_GPU
        return LOST if self._active() and self._jobs.losses > self._losses else ""

    def _room(self) -> int:
        """The store's room for waves; all of it where it cannot say, which the next measurement is told, too."""
        try:
            return self._store.room()
        except CacheError:
            return self._store.limit

    def _active(self) -> bool:
        return self._state in {"starting", "running", "paused"}

    def _turn(self, before: set[State], state: State) -> bool:
        """Change the state, unless another change was faster."""
        with self._changed:
            turned = self._state in before
            if turned:
                self._state = state
                self._turned = time.monotonic()
                self._clock.run(on=state == "running")
                self._changed.notify_all()
            return turned

    def _run(self) -> None:
        """Look what is stored, then keep two measurements for every worker in work until all are done."""
        try:
            waves = assessed_waves(self._store, self.plan)
        except CacheError as error:
            self._message = self._obstacle = error.told
            self._turn({"starting"}, "stopped")
            return
        with self._changed:
            self._waves = waves
        self._turn({"starting"}, "running")
        while self._active():
            workers = self._jobs.workers()
            wanted = _SLOTS_PER_WORKER * max(1, workers)
            with self._changed:
                self._idle = 0 if workers else self._idle + 1
                for visitor in (f"{self._name}-{number}" for number in range(wanted)):
                    if visitor not in self._slots and not self._all_begun:
                        self._slots[visitor] = threading.Thread(target=self._work, args=(visitor,), daemon=True)
                        self._slots[visitor].start()
                self._changed.wait_for(lambda: not self._active(), _ROUND)

    def _work(self, visitor: str) -> None:
        """One measurement after another."""
        while (step := self._next(visitor)) is not None:
            place, waves = step
            end = self._jobs.wait(self.plan.settings[place].point.with_waves(waves))
            if end is not None and end.state == "done":
                self._landed(place, waves)
            else:
                self._fell(place, end)
        with self._changed:
            del self._slots[visitor]
            if not self._slots and self._state == "running":
                self._turn({"running"}, "done")
            self._changed.notify_all()

    def _next(self, visitor: str) -> tuple[int, int] | None:
        """The next measurement, asked for; None when there is none, or when the sweep has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._state != "paused")
            if self._state != "running":
                return None
            step = next(self._steps, None)
            if step is None:
                self._all_begun = True
            else:
                place, waves = step
                point = self.plan.settings[place].point.with_waves(waves)
                self._jobs.request(visitor, point, background=True, heard=self._heard)
            return step

    def _landed(self, place: int, waves: int) -> None:
        with self._changed:
            self._trained += max(0, waves - self._waves[place])
            self._waves[place] = max(waves, self._waves[place])  # with few settings two waves of one are in work
            self._alike = 0

    def _fell(self, place: int, end: Progress | None) -> None:
        """Note that a setting could not be measured; end when it seems that none can be any more."""
        message = end.message if end else ""
        with self._changed:
            if not self._active() or place in self._failed:
                return
            if message == GONE:  # not the setting's fault, nor would the next one fare better
                self._message = self._obstacle = message
                self._turn({"running", "paused"}, "stopped")
                return
            self._failed.add(place)
            alike = end is not None and end.everywhere
            self._alike = 0 if not alike else self._alike + 1 if message == self._message else 1
            self._message = message
            self._obstacle = message if alike else self._obstacle
            if self._alike >= _IN_A_ROW:
                self._turn({"running", "paused"}, "stopped")


class _Clock:
    """Seconds at work, pauses left out."""

    def __init__(self) -> None:
        self._before = 0.0
        self._since: float | None = None

    def run(self, *, on: bool) -> None:
        """Start or stop."""
        self._before = self.seconds()
        self._since = time.monotonic() if on else None

    def seconds(self) -> float:
        """Seconds at work so far."""
        return self._before + (time.monotonic() - self._since if self._since is not None else 0.0)
