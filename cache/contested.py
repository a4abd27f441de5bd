"""Contested records themselves, fetched from the workers: the dashboard's process never loads a population."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from distributed import Client, Future
from numpy.typing import NDArray

from cache import remote
from engine.recipe import PopulationChoice

_REMEMBERED = 128  # answers, each of a page of records

_Question = tuple[PopulationChoice, tuple[int, ...]]


class ContestedRecords:
    """What workers were asked for; every method may be called from any thread and none waits for long."""

    def __init__(self, client: Callable[[], Client]) -> None:
        """Remember where to ask.

        Args:
            client: the one in use, which changes when workers are lost.
        """
        self._client = client
        self._lock = threading.Lock()
        self._asked: OrderedDict[_Question, Future] = OrderedDict()

    def values(self, population: PopulationChoice, records: tuple[int, ...]) -> NDArray[np.float32] | None:
        """The flat view (R, features) of some records; None until a worker has answered: ask again.

        What failed, for instance because the workers were lost, is asked anew.

        Args:
            population: whose contested records.
            records: R positions in [0, N).
        """
        future = self._future((population, records))
        if future.status == "finished":
            return np.frombuffer(future.result(), dtype=np.float32).reshape(len(records), population.info.features)
        if future.status != "pending":
            with self._lock:
                self._asked.pop((population, records), None)
        return None

    def _future(self, question: _Question) -> Future:
        with self._lock:
            if question not in self._asked:
                self._asked[question] = remote.showing(self._client(), *question)
                while len(self._asked) > _REMEMBERED:
                    self._asked.popitem(last=False)
            self._asked.move_to_end(question)
            return self._asked[question]
