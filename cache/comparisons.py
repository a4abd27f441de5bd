"""Comparisons that were made since the start: each is made again from stored waves in a second or two."""

from __future__ import annotations

import threading
from collections import OrderedDict

from engine.assessment.values import Comparison

MOST = 2000


class Comparisons:
    """Comparisons by key; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_key: OrderedDict[str, Comparison] = OrderedDict()

    def put(self, key: str, comparison: Comparison) -> None:
        """Keep a comparison; the one longest unused goes where there are too many."""
        with self._lock:
            self._by_key[key] = comparison
            self._by_key.move_to_end(key)
            while len(self._by_key) > MOST:
                self._by_key.popitem(last=False)

    def get(self, key: str) -> Comparison | None:
        """The comparison of a key, None where there is none."""
        with self._lock:
            if key in self._by_key:
                self._by_key.move_to_end(key)
            return self._by_key.get(key)
