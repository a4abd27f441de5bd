"""The store: one SQLite file with all waves and assessments, shared by threads and processes.

An entry is complete or absent, because SQLite commits it whole. Every blob has a checksum; what fails it, or
cannot be read, is dropped with a warning in the log and counts as absent, so that it is computed again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cache.codec import (
    UnreadableError,
    assessment_from_bytes,
    assessment_to_bytes,
    headline_from_json,
    headline_to_json,
    wave_from_bytes,
)
from cache.keys import wave_key
from cache.location import CacheError
from cache.schema import connect, prepare
from engine.assessment.values import Assessment, Headline
from engine.populations.membership import masks
from engine.recipe import Recipe

_log = logging.getLogger(__name__)


class Store:
    """Waves and assessments by key.

    Every method may be called from any thread, and raises ``CacheError`` when the file cannot be used.
    """

    def __init__(self, directory: Path) -> None:
        self.file = directory / "privacydial.sqlite"
        self._idle: deque[sqlite3.Connection] = deque()
        with self._connection() as connection:
            prepare(connection, self.file)

    def headlines(self, keys: Iterable[str]) -> dict[str, Headline]:
        """The headlines of those assessments that are stored, in one query."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT key, headline, headline_sha256 FROM assessment WHERE key IN (SELECT value FROM json_each(?))",
                [json.dumps(list(keys))],
            ).fetchall()
        found: dict[str, Headline] = {}
        for key, text, checksum in rows:
            try:
                _verify(text.encode(), checksum)
                found[key] = headline_from_json(text)
            except UnreadableError as error:
                self._drop("assessment", key, error)
        return found

    def measured(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys whose assessment is stored."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT key FROM assessment WHERE key IN (SELECT value FROM json_each(?))",
                [json.dumps(list(keys))],
            ).fetchall()
        return {key for (key,) in rows}

    def assessment(self, key: str) -> Assessment | None:
        """The assessment of a key, None when it is not stored."""
        blob = self._blob("assessment", key)
        if blob is None:
            return None
        try:
            return assessment_from_bytes(blob)
        except UnreadableError as error:
            self._drop("assessment", key, error)
            return None

    def put_assessment(self, key: str, assessment: Assessment) -> None:
        """Keep an assessment; one that is there is replaced by its equal."""
        text, blob = headline_to_json(assessment.headline), assessment_to_bytes(assessment)
        with self._connection() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO assessment VALUES (?, ?, ?, ?, ?)",
                [key, text, _sha256(text.encode()), blob, _sha256(blob)],
            )

    def wave(self, recipe: Recipe, wave: int) -> bytes | None:
        """The bytes of wave ``wave`` (from 0) of a recipe as ``codec`` writes them, None when it is not stored.

        The stored masks are compared with those that the engine draws: with other masks every attack would
        read .5 and look safe.
        """
        key = wave_key(recipe, wave)
        blob = self._blob("wave", key)
        if blob is None:
            return None
        try:
            stored = wave_from_bytes(blob).masks
            if not np.array_equal(stored, masks(recipe.population, recipe.seed, wave)):
                raise UnreadableError("its masks are not those that the engine draws")
        except UnreadableError as error:
            self._drop("wave", key, error)
            return None
        return blob

    def put_wave(self, recipe: Recipe, wave: int, blob: bytes) -> None:
        """Keep the bytes of a wave; those that are there are replaced by their equals."""
        with self._connection() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO wave VALUES (?, ?, ?)", [wave_key(recipe, wave), blob, _sha256(blob)]
            )

    def close(self) -> None:
        """Close the connections that no thread uses; the store may be used again."""
        while self._idle:
            self._idle.pop().close()

    def _blob(self, table: str, key: str) -> bytes | None:
        """The verified blob of an entry, None when there is none."""
        with self._connection() as connection:
            row = connection.execute(
                f"SELECT blob, sha256 FROM {table} WHERE key = ?",  # noqa: S608 — one of our two tables
                [key],
            ).fetchone()
        if row is None:
            return None
        try:
            _verify(row[0], row[1])
        except UnreadableError as error:
            self._drop(table, key, error)
            return None
        return row[0]

    def _drop(self, table: str, key: str, error: UnreadableError) -> None:
        """Delete an unreadable entry and say so in the log."""
        _log.warning("Dropped the %s %s from %s, to be computed again: %s", table, key, self.file, error)
        with self._connection() as connection:
            connection.execute(f"DELETE FROM {table} WHERE key = ?", [key])  # noqa: S608 — as above

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own for one statement; Streamlit's short-lived threads share a few."""
        try:
            connection = self._idle.pop() if self._idle else connect(self.file)
        except IndexError:  # another thread took the last one
            connection = connect(self.file)
        except sqlite3.Error as error:
            raise _unusable(self.file, error) from error
        try:
            yield connection
        except sqlite3.Error as error:
            connection.close()
            raise _unusable(self.file, error) from error
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)


def _unusable(file: Path, error: sqlite3.Error) -> CacheError:
    """SQLite's complaint as one sentence."""
    return CacheError(f"The cache {file} cannot be used ({error}); choose another directory with --cache DIR.")


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _verify(content: object, checksum: object) -> None:
    """Raise unless the content has the checksum it was stored with."""
    if not isinstance(content, bytes) or _sha256(content) != checksum:
        raise UnreadableError("its content does not have its checksum")
