"""The one sweep of a dashboard: every visitor sees the same, and it outlives each of them."""

from __future__ import annotations

import threading
from functools import cached_property

from cache.jobs import Jobs
from cache.store import Store
from cache.sweeps.kept import keep_plan, kept_plan
from cache.sweeps.run import SweepRun
from cache.sweeps.values import Plan

_PATIENCE = 10  # seconds that a cancelled run has to end


class Sweeps:
    """At most one run at a time; the latest stays until another one begins. Every method fits any thread."""

    def __init__(self, jobs: Jobs, store: Store) -> None:
        self._jobs = jobs
        self._store = store
        self._lock = threading.Lock()
        self._run: SweepRun | None = None

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

    def start(self, plan: Plan) -> bool:
        """Begin a run; False when another one is in work."""
        with self._lock:
            if self._run is not None and self._run.progress().active:
                return False
            self._run = SweepRun(plan, self._jobs, self._store)
        keep_plan(plan, self._store.file.parent)
        return True

    def close(self) -> None:
        """Cancel the run in work; to be called before the jobs are closed."""
        if self._run is not None:
            self._run.cancel()
            self._run.wait(_PATIENCE)
