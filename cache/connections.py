"""Connections to the cache file, which may be replaced under its name while programs run."""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cache.aside import Identity, identity
from cache.location import CacheError
from cache.schema import COMPLAINTS, connect, is_headed, is_ours, prepare

_ATTEMPTS = 10  # to open a file that other processes are just setting aside
_BEGUN_WITHIN = 10.0  # seconds from the making of a file to its first byte, however busy the machine is
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_PERHAPS = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_ERROR}  # with a header that SQLite does not know
_PRIMARY = 0xFF  # the part of SQLite's extended error codes that says what kind of error it is


class DamagedError(CacheError):
    """The file is a cache of ours, but its pages contradict each other."""

    def __init__(self, text: str, which: Identity, *, told: str) -> None:
        super().__init__(text, told=told)
        self.which = which


class Connections:
    """Connections to one file for all threads; those of Streamlit are short-lived and share a few."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._idle: deque[tuple[Identity, sqlite3.Connection]] = deque()

    @contextmanager
    def one(self) -> Iterator[sqlite3.Connection]:
        """A connection that no other thread uses meanwhile.

        Raises:
            DamagedError: when SQLite finds the file damaged.
            CacheError: when SQLite cannot use the file for another reason.
        """
        which: Identity = None
        connection: sqlite3.Connection | None = None
        try:
            which, connection = self._taken()
            yield connection
        except (*COMPLAINTS, OSError) as error:
            if connection is not None:
                connection.close()
            raise self._complaint(error, which or identity(self.file)) from error
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        self._idle.append((which, connection))

    def close(self) -> None:
        """Close those that no thread uses."""
        while self._idle:
            self._idle.pop()[1].close()

    def _taken(self) -> tuple[Identity, sqlite3.Connection]:
        """An idle connection to the file that has the name now, or a new one."""
        here = identity(self.file)
        while True:
            try:
                which, connection = self._idle.pop()
            except IndexError:
                return self._opened()
            if which == here:
                return which, connection
            connection.close()

    def _opened(self) -> tuple[Identity, sqlite3.Connection]:
        """A new connection, to a file with all tables."""
        for _ in range(_ATTEMPTS):
            if self._is_emptied():
                raise self._damaged(sqlite3.DatabaseError("the file has no content any more"), identity(self.file))
            self.file.touch()
            which = identity(self.file)
            connection = connect(self.file)
            try:
                ready = prepare(connection, self.file, which)
            except BaseException:
                connection.close()
                raise
            if ready and which == identity(self.file):
                return which, connection
            connection.close()
        raise CacheError(f"The cache {self.file} changes all the time; choose another directory with --cache DIR.")

    def _is_emptied(self) -> bool:
        """Whether the file has no content and is not just being begun: a cache has some from its first moment."""
        try:
            status = self.file.stat()
        except FileNotFoundError:
            return False
        return status.st_size == 0 and time.time() - status.st_mtime > _BEGUN_WITHIN

    def _complaint(self, error: sqlite3.Error | OSError | UnicodeDecodeError, which: Identity) -> CacheError:
        """SQLite's complaint as one sentence."""
        if isinstance(error, UnicodeDecodeError):
            error, code = sqlite3.DatabaseError("the tables of the file are damaged"), sqlite3.SQLITE_CORRUPT
        else:
            code = getattr(error, "sqlite_errorcode", 0)
        if self._is_damage(code):
            return self._damaged(error, which)
        text, told = self._sentences(error)
        return CacheError(text, told=told)

    def _is_damage(self, code: int) -> bool:
        """Whether this kind of error means that our own file is damaged.

        The file is read for the few kinds of which that may be so, and for no other: to close it again takes the
        locks of all its connections from this process, unknown to SQLite, and another program might write over them.
        """
        if code & _PRIMARY in _DAMAGE:
            return is_ours(self.file)
        return code in _PERHAPS and is_ours(self.file) and not is_headed(self.file)

    def _damaged(self, error: sqlite3.Error | OSError, which: Identity) -> DamagedError:
        text, told = self._sentences(error)
        return DamagedError(text, which, told=told)

    def _sentences(self, error: sqlite3.Error | OSError) -> tuple[str, str]:
        """What is wrong, for who may know where the file is, and for who may not."""
        reason = error.strerror if isinstance(error, OSError) else error  # an OSError's own text names the file
        return (
            f"The cache {self.file} cannot be used ({error}); choose another directory with --cache DIR.",
            f"The cache cannot be used ({reason}); choose another directory with --cache DIR.",
        )
