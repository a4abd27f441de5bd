"""How far one record moves trained weights: measured by workers when somebody asks, and kept beside the results."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from distributed import Client, Future

from cache import remote
from cache.admission import Limits, Training, refusal, too_large_again
from cache.keys import sensitivity_key
from cache.reports import Reports, Sensitivity
from engine.recipe import Recipe
from engine.release.knowledge import why_not_measured
from engine.release.values import Release

_MOST = 4  # measurements in work; each takes a worker longer than a wave does
_OWN = "A measurement of this kind that you asked for is in work already; let it end first."
_FULL = f"{_MOST} measurements of this kind are in work already; try again in a while."

State = Literal["absent", "in work", "failed"]


def why_not_asked(recipe: Recipe, training: Training, memory: int | None) -> str | None:
    """Why workers are never asked to measure this, one sentence; None when they may be.

    Args:
        recipe: of the model that would be trained again.
        training: what visitors may have trained.
        memory: bytes that models may take while they are trained; None is any number.
    """
    return why_not_measured(recipe) or refusal(training, recipe, 1) or too_large_again(recipe, memory)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A measurement, and the name of the person who asked for it, where that is known."""

    future: Future
    by: str | None

    @property
    def in_work(self) -> bool:
        return self.future.status == "pending"


class Sensitivities:
    """What workers are asked to measure; every method may be called from any thread and none waits for long."""

    def __init__(self, client: Callable[[], Client], reports: Reports, limits: Limits) -> None:
        """Remember where to ask, where to keep and what may be asked for.

        Args:
            client: the one in use, which changes when workers are lost.
            reports: where what was measured is kept.
            limits: what visitors may have trained, and in how much memory; to measure is to train a model again.
        """
        self._client = client
        self._reports = reports
        self._limits = limits
        self._lock = threading.Lock()
        self._asked: dict[str, _Asked] = {}

    def ask(self, recipe: Recipe, release: Release, *, person: str | None = None) -> str | None:
        """Measure the weights that a release publishes, unless that is in work; why not, one sentence.

        A person has one measurement in work at a time: each takes a worker longer than a wave does.

        Args:
            recipe: of the model.
            release: what is published of it.
            person: who asks. None: nobody else's concern.
        """
        refused = why_not_asked(recipe, self._limits.training, self._limits.memory)
        if refused is not None:
            return refused
        key = sensitivity_key(recipe, release)
        with self._lock:
            pending = {name: asked for name, asked in self._asked.items() if asked.in_work}
            if key in pending:
                return None
            if person is not None and any(asked.by == person for asked in pending.values()):
                return _OWN
            if len(pending) >= _MOST:
                return _FULL
            future = remote.retraining(self._client(), recipe, recipe.kept(release))
            self._asked[key] = _Asked(future=future, by=person)
        # Whoever asked may have closed the page by then.
        future.add_done_callback(functools.partial(self._keep, recipe, release))
        return None

    def look(self, recipe: Recipe, release: Release) -> State:
        """How far it is; what has come is kept, and then nothing is in work."""
        with self._lock:
            asked = self._asked.get(sensitivity_key(recipe, release))
        if asked is None:
            return "absent"
        if asked.in_work:
            return "in work"
        if asked.future.status != "finished":
            return "failed"
        self._keep(recipe, release, asked.future)
        return "absent"

    def _keep(self, recipe: Recipe, release: Release, future: Future) -> None:
        """Keep what has come, unless that was done before."""
        key = sensitivity_key(recipe, release)
        with self._lock:
            asked = self._asked.get(key)
            if future.status == "finished" and asked is not None and asked.future is future:
                self._reports.keep_sensitivity(recipe, release, Sensitivity(**future.result()))
                del self._asked[key]
