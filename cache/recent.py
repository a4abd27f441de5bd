"""Answers of the latest questions, kept in memory: each can be made again from stored waves."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """The latest answers by key; every method may be called from any thread."""

    def __init__(self, most: int) -> None:
        """Nothing yet.

        Args:
            most: how many are kept.
        """
        self._most = most
        self._lock = threading.Lock()
        self._by_key: OrderedDict[str, T] = OrderedDict()

    def put(self, key: str, answer: T) -> None:
        """Keep an answer; the one longest unused goes where there are too many."""
        with self._lock:
            self._by_key[key] = answer
            self._by_key.move_to_end(key)
            while len(self._by_key) > self._most:
                self._by_key.popitem(last=False)

    def get(self, key: str) -> T | None:
        """The answer of a key, None where there is none."""
        with self._lock:
            if key in self._by_key:
                self._by_key.move_to_end(key)
            return self._by_key.get(key)
