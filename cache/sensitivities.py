"""How far one record moves trained weights: measured by workers when somebody asks, and kept beside the results."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Literal

from distributed import Client, Future

from cache import remote
from cache.admission import Training, refusal
from cache.keys import sensitivity_key
from cache.reports import Reports, Sensitivity
from engine.recipe import Recipe
from engine.release.values import Release

_MOST = 4  # measurements in work; each takes about as long as four waves

State = Literal["absent", "in work", "failed"]


class Sensitivities:
    """What workers are asked to measure; every method may be called from any thread and none waits for long."""

    def __init__(self, client: Callable[[], Client], reports: Reports, training: Training) -> None:
        """Remember where to ask, where to keep and what may be asked for.

        Args:
            client: the one in use, which changes when workers are lost.
            reports: where what was measured is kept.
            training: what visitors may have trained; to measure is to train a model again.
        """
        self._client = client
        self._reports = reports
        self._training = training
        self._lock = threading.Lock()
        self._asked: dict[str, Future] = {}

    def ask(self, recipe: Recipe, release: Release) -> bool:
        """Measure the weights that a release publishes, unless that is in work; whether it is in work now."""
        if refusal(self._training, recipe, 1) is not None:
            return False
        key = sensitivity_key(recipe, release)
        with self._lock:
            pending = {name for name, future in self._asked.items() if future.status == "pending"}
            if key not in pending and len(pending) < _MOST:
                self._asked[key] = future = remote.retraining(self._client(), recipe, recipe.kept(release))
                # Whoever asked may have closed the page by then.
                future.add_done_callback(functools.partial(self._keep, recipe, release))
                pending.add(key)
            return key in pending

    def look(self, recipe: Recipe, release: Release) -> State:
        """How far it is; what has come is kept, and then nothing is in work."""
        with self._lock:
            future = self._asked.get(sensitivity_key(recipe, release))
        if future is None:
            return "absent"
        if future.status == "pending":
            return "in work"
        if future.status != "finished":
            return "failed"
        self._keep(recipe, release, future)
        return "absent"

    def _keep(self, recipe: Recipe, release: Release, future: Future) -> None:
        """Keep what has come, unless that was done before."""
        key = sensitivity_key(recipe, release)
        with self._lock:
            if future.status == "finished" and self._asked.get(key) is future:
                self._reports.keep_sensitivity(recipe, release, Sensitivity(**future.result()))
                del self._asked[key]
