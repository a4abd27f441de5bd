"""The one sweep of a dashboard: every visitor sees the same, and it outlives each of them."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import Literal

from cache.admission import Person
from cache.jobs import Jobs
from cache.store import Store
from cache.sweeps.kept import keep_plan, kept_plan
from cache.sweeps.run import SweepRun
from cache.sweeps.values import Plan

ABANDONED = 600.0
"""Seconds of a pause after which anybody may end it: who began the run may have closed his browser for good."""

_PATIENCE = 10  # seconds that a cancelled run has to end

Turn = Literal["pause", "resume", "cancel"]
"""What can be done to a run."""


class Sweeps:
    """At most one run at a time; the latest stays until another one begins. Every method fits any thread.

    Everybody sees a run, but only who began it, or sits at the machine, may turn it: it is his one job of this kind.
    One that has stood paused for long anybody may resume or cancel, for it would keep everybody from another; who
    resumes it is then as if he had begun it.
    """

    def __init__(self, jobs: Jobs, store: Store) -> None:
        self._jobs = jobs
        self._store = store
        self._lock = threading.Lock()
        self._run: SweepRun | None = None
        self._by: Person | None = None

    @property
    def current(self) -> SweepRun | None:
        """The run in work, or the latest one that ended; None before the first."""
        return self._run

    @property
    def before(self) -> Plan | None:
        """The latest sweep of this cache when this program has run none yet: one that another program began."""
        return None if self._run is not None else self._kept

    @cached_property
    def _kept(self) -> Plan | None:
        return kept_plan(self._store.file.parent)

    def start(self, plan: Plan, by: Person) -> bool:
        """Begin a run for somebody; False when another one is in work."""
        with self._lock:
            if self._run is not None and self._run.progress().active:
                return False
            self._run, self._by = SweepRun(plan, self._jobs, self._store), by
        keep_plan(plan, self._store.file.parent)
        return True

    def may_turn(self, by: Person) -> bool:
        """Whether somebody may pause, resume and cancel the current run."""
        return self._is_of(by) or self.abandoned

    @property
    def abandoned(self) -> bool:
        """Whether the current run has stood paused for so long that anybody may turn it."""
        return self._run is not None and self._run.paused_for > ABANDONED

    def turn(self, run: SweepRun, to: Turn, by: Person) -> bool:
        """Pause, resume or cancel a run; False for who may not, and for a run in whose place there is another."""
        with self._lock:
            if run is not self._run or not self.may_turn(by):
                return False
            if to == "resume" and not self._is_of(by):
                self._by = by  # or nobody who is still there could turn it from now on
        match to:
            case "pause":
                run.pause()
            case "resume":
                run.resume()
            case "cancel":
                run.cancel()
        return True

    def _is_of(self, by: Person) -> bool:
        """Whether somebody began the current run, or sits at the machine."""
        return by.here or (self._by is not None and by.name == self._by.name)

    def close(self) -> None:
        """Cancel the run in work; to be called before the jobs are closed."""
        if self._run is not None:
            self._run.cancel()
            self._run.wait(_PATIENCE)
