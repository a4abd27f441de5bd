"""When entries were last used, and which of them have to go when the store is full."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable

from cache.schema import KINDS, PATIENCE
from cache.statements import deletion

_PERIOD = 60  # seconds between two writings of uses; a use so soon after the last one known is not written
_PATIENCE = 50  # milliseconds that a reader waits for writers in order to write uses


class Uses:
    """Uses that have not been written yet: reading an entry writes nothing, once in a while all uses are written.

    A process that is killed loses a minute of them, which at worst evicts the wrong entry.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted: dict[tuple[str, str], float] = {}
        self._written = time.monotonic()

    def note(self, kind: str, keys: Iterable[str]) -> None:
        """Remember that these entries are used now."""
        now = time.time()
        with self._lock:
            self._noted.update(((kind, key), now) for key in keys)

    @property
    def due(self) -> bool:
        """Whether it is time to write."""
        return bool(self._noted) and time.monotonic() - self._written >= _PERIOD

    def write(self, connection: sqlite3.Connection) -> None:
        """Write what was noted; to be called within a transaction."""
        with self._lock:
            noted, self._noted = self._noted, {}
            self._written = time.monotonic()
        connection.executemany(
            "UPDATE usage SET used = ? WHERE kind = ? AND key = ? AND used <= ? - ?",
            [(used, kind, key, used, _PERIOD) for (kind, key), used in noted.items()],
        )

    def write_if_idle(self, connection: sqlite3.Connection) -> None:
        """Write in a transaction of its own, or not at all while another process writes."""
        connection.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            with self._lock:
                self._written = time.monotonic()
        else:
            self.write(connection)
            connection.execute("COMMIT")
        finally:
            connection.execute(f"PRAGMA busy_timeout = {int(1000 * PATIENCE)}")


def stored_bytes(connection: sqlite3.Connection) -> int:
    """The bytes of all blobs."""
    return connection.execute("SELECT coalesce(sum(size), 0) FROM usage").fetchone()[0]


def room_for_waves(connection: sqlite3.Connection, limit: int) -> int:
    """The bytes that waves may take at the most: what assessments leave, which go last."""
    taken = connection.execute("SELECT coalesce(sum(size), 0) FROM usage WHERE kind = 'assessment'").fetchone()[0]
    return max(0, limit - taken)


def evict(connection: sqlite3.Connection, limit: int) -> int:
    """Delete what was not used for the longest time, waves before assessments, until all blobs are within a limit.

    Returns:
        How many entries went.
    """
    excess, gone = stored_bytes(connection) - limit, 0
    for kind in KINDS:
        oldest = connection.execute("SELECT key, size FROM usage WHERE kind = ? ORDER BY used, key", [kind])
        keys = []
        while excess > 0 and (row := oldest.fetchone()) is not None:
            keys.append(row[:1])
            excess -= row[1]
        oldest.close()
        connection.executemany(deletion(kind), keys)
        gone += len(keys)
    return gone
