"""Leases: of all programs on one cache, only the one that has the lease on a wave trains it.

A lease is a lock of the operating system on one byte of a file beside the store. The system frees it when the program
ends, killed or not: there is no heartbeat, no clock to agree on, and nothing to tidy up after a crash. Of such locks
these are POSIX record locks (``fcntl``), not those of ``flock``: one file is enough for all waves, no child that
outlives the program can keep them, and they are what SQLite itself takes on the store, so that they hold wherever
the store does, network file systems with locks included. Windows has the like (``msvcrt``).

Such locks belong to a whole process: within one, ``Flights`` sees to it that nothing is trained twice. Where a file
system has no locks every program gets every lease: two may train the same wave, and store the same bytes.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import threading
from collections import Counter
from pathlib import Path

_log = logging.getLogger(__name__)
FILE = "leases"
_PLACES = 2**30  # bytes that Windows can lock one by one; waves that share one wait for each other, nothing worse
_TAKEN = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, place: int) -> None:
        os.lseek(descriptor, place, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _unlock(descriptor: int, place: int) -> None:
        os.lseek(descriptor, place, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int, place: int) -> None:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)

    def _unlock(descriptor: int, place: int) -> None:
        fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, place)


class Leases:
    """The leases that this program has; every method may be called from any thread and none waits or raises."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / FILE
        self._lock = threading.Lock()
        self._descriptor: int | None = None  # open while there is a lease: to close it gives all of them back
        self._held: Counter[int] = Counter()

    def take(self, key: str) -> Lease | None:
        """A lease on a key, one more where this program has some; None while another program has it.

        Args:
            key: 64 hexadecimal digits.
        """
        place = int(key[:15], 16) % _PLACES
        with self._lock:
            free = place in self._held or self._locked(place)
            if free:
                self._held[place] += 1
            self._close_if_idle()
        return Lease(self, place) if free else None

    def give_back(self, place: int) -> None:
        """End one lease on a place; the last one lets others have it."""
        with self._lock:
            self._held[place] -= 1
            if not self._held[place]:
                del self._held[place]
                self._unlocked(place)
            self._close_if_idle()

    def _locked(self, place: int) -> bool:
        """Whether a place is this program's now."""
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            _log.warning("Another program may train the same: %s cannot be opened: %s", self._file, error)
            return True
        try:
            _lock(self._descriptor, place)
        except OSError as error:
            if error.errno in _TAKEN:
                return False
            _log.warning("Another program may train the same: %s cannot be locked: %s", self._file, error)
        return True

    def _unlocked(self, place: int) -> None:
        if self._descriptor is not None:
            try:
                _unlock(self._descriptor, place)
            except OSError as error:  # it never was locked, and the log has said so
                _log.debug("%s cannot be unlocked: %s", self._file, error)

    def _close_if_idle(self) -> None:
        if self._descriptor is not None and not self._held:
            os.close(self._descriptor)
            self._descriptor = None


class Lease:
    """One lease, to be given back."""

    def __init__(self, leases: Leases, place: int) -> None:
        self._leases = leases
        self._place = place
        self._lock = threading.Lock()
        self._ended = False

    def end(self) -> None:
        """Give it back; a second call does nothing."""
        with self._lock:
            ended, self._ended = self._ended, True
        if not ended:
            self._leases.give_back(self._place)
