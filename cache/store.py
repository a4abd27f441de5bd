"""The store: one SQLite file with all waves and assessments, shared by threads and processes.

An entry is complete or absent, because SQLite commits it whole. Every blob has a checksum; what fails it, or
cannot be read, is dropped with a warning in the log and counts as absent, so that it is computed again. A file
that SQLite finds damaged is set aside, and what is whole in it goes into a new one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from cache.aside import Identity, identity, set_aside
from cache.codec import (
    UnreadableError,
    assessment_from_bytes,
    assessment_to_bytes,
    comparison_from_bytes,
    headline_from_json,
    headline_to_json,
    wave_from_bytes,
)
from cache.connections import Connections, DamagedError
from cache.keys import Point, Versus, assessment_key, assessment_question, comparison_key, wave_key, wave_question
from cache.layer import Layer
from cache.location import CacheError
from cache.reports import Reports
from cache.rows import readable_entries
from cache.sizes import DEFAULT_LIMIT
from cache.statements import COLUMNS, among, deletion, insertion, selection
from cache.usage import Uses, evict, room_for_waves
from cache.verification import check_entry, check_masks, check_sum
from engine.assessment.values import Assessment, Comparison, Headline
from engine.recipe import Recipe

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
FILE = "privacydial.sqlite"
COMPARISON = "SELECT blob, sha256 FROM comparison WHERE key = ?"


class Store:
    """Waves and assessments by key.

    Every method may be called from any thread, and raises ``CacheError`` when the file cannot be used.
    """

    def __init__(self, directory: Path, *, limit: int = DEFAULT_LIMIT, below: Layer | None = None) -> None:
        """Open the store of a directory, or begin one.

        Args:
            directory: where the file is.
            limit: bytes of all entries together, beyond which those longest unused go, waves first.
            below: where what is not stored is looked up before it counts as absent.
        """
        self.file = directory / FILE
        self.limit = limit
        self._below = below
        self._connections = Connections(self.file)
        self._uses = Uses()
        self.reports = Reports(directory, below=below)
        self.damaged: list[Path] = []  # files that this store has set aside
        self.dropped: list[str] = []  # keys of the entries that it has thrown away, one by one
        self._with(lambda connection: connection.execute("SELECT 1 FROM usage").fetchone())

    def headlines(self, keys: Iterable[str]) -> dict[str, Headline]:
        """The headlines of those assessments that are stored, in one query."""
        asked = json.dumps(list(keys))
        rows = self._read(among("assessment", "key", "headline", "headline_sha256"), asked)
        found: dict[str, Headline] = {}
        for key, text, checksum in rows:
            try:
                check_sum(text.encode(), checksum)
                found[key] = headline_from_json(text)
            except UnreadableError as error:
                self.drop("assessment", key, error)
        self._used("assessment", found)
        return found

    def measured(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys whose assessment is stored; to ask is no use of them."""
        return self._present("assessment", keys)

    def use(self, keys: Iterable[str]) -> None:
        """Count assessments as used now, for who wants them kept and does not read them."""
        self._used("assessment", keys)

    def room(self) -> int:
        """The bytes that waves have room in now, those that are stored included."""
        return self._with(lambda connection: room_for_waves(connection, self.limit))

    def trained(self, recipe: Recipe, waves: int) -> bool:
        """Whether the first waves of a recipe are all stored."""
        return not self.missing(recipe, waves)

    def missing(self, recipe: Recipe, waves: int) -> int:
        """How many of the first waves of a recipe are not stored."""
        keys = {wave_key(recipe, wave) for wave in range(waves)}
        return len(keys - self._present("wave", keys))

    def assessment(self, key: str) -> Assessment | None:
        """The assessment of a key, None when it is not stored."""
        blob = self._blob("assessment", key)
        if blob is None:
            return None
        try:
            return assessment_from_bytes(blob)
        except UnreadableError as error:
            self.drop("assessment", key, error)
            return None

    def comparison(self, versus: Versus) -> Comparison | None:
        """How two settings compare, if that is in the layer below: comparisons made here are not stored."""
        rows = self._below.rows(COMPARISON, comparison_key(versus)) if self._below else []
        for blob, checksum in rows:
            try:
                return comparison_from_bytes(check_sum(blob, checksum))
            except UnreadableError as error:
                _log.warning("A comparison below %s is left out: %s", self.file, error)
        return None

    def put_assessment(self, point: Point, assessment: Assessment, blob: bytes | None = None) -> None:
        """Keep an assessment; one that is there is replaced by its equal.

        Args:
            point: what it is of.
            assessment: what to keep.
            blob: what ``codec`` wrote of it, where that is at hand.
        """
        text, blob = headline_to_json(assessment.headline), blob or assessment_to_bytes(assessment)
        self._put(
            "assessment",
            [assessment_key(point), assessment_question(point), text, _sha256(text.encode()), blob, _sha256(blob)],
        )

    def wave(self, recipe: Recipe, wave: int) -> bytes | None:
        """The bytes of wave ``wave`` (from 0) of a recipe as ``codec`` writes them, None when it is not stored."""
        key = wave_key(recipe, wave)
        blob = self._blob("wave", key)
        if blob is None:
            return None
        try:
            check_masks(wave_from_bytes(blob), recipe, wave)
        except UnreadableError as error:
            self.drop("wave", key, error)
            return None
        return blob

    def put_wave(self, recipe: Recipe, wave: int, blob: bytes) -> None:
        """Keep the bytes of a wave; those that are there are replaced by their equals."""
        self._put("wave", [wave_key(recipe, wave), wave_question(recipe, wave), blob, _sha256(blob)])

    def drop(self, kind: str, key: object, error: UnreadableError) -> bool:
        """Delete an unreadable entry and say so in the log; one of the layer below is left out only."""
        gone = self._with(lambda connection: connection.execute(deletion(kind), [key]).rowcount > 0)
        done = "Dropped" if gone else "Left out"
        _log.warning("%s the %s %s of %s, to be computed again: %s", done, kind, key, self.file, error)
        if gone:
            self.dropped.append(str(key))
        return gone

    def begin_anew(self) -> None:
        """Set the file aside, and save what is whole in it: for one whose tables contradict each other."""
        self._begin_anew(identity(self.file))

    def maintain(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """What ``work`` finds or does on a connection, for the commands that look after the whole store.

        Raises:
            DamagedError: when SQLite finds the file damaged; it stays in its place.
        """
        with self._connections.one() as connection:
            return work(connection)

    def close(self) -> None:
        """Close the connections that no thread uses; the store may be used again."""
        with contextlib.suppress(CacheError), self._connections.one() as connection:
            self._uses.write_if_idle(connection)
        self._connections.close()

    def _present(self, kind: str, keys: Iterable[str]) -> set[str]:
        asked = json.dumps(list(keys))
        rows = self._read(among(kind, "key"), asked)
        return {key for (key,) in rows}

    def _blob(self, kind: str, key: str) -> bytes | None:
        """The verified blob of an entry, None when there is none."""
        for blob, checksum in self._read(f"{selection(kind, 'blob', 'sha256')} WHERE key = ?", key):
            try:
                self._used(kind, [key])
                return check_sum(blob, checksum)
            except UnreadableError as error:
                self.drop(kind, key, error)
        return None

    def _put(self, kind: str, values: list[object]) -> None:
        """Insert a row, and in the same transaction write uses and make room."""

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(insertion(kind, replace=True), values)
            self._uses.write(connection)
            evict(connection, self.limit)
            connection.execute("COMMIT")

        self._with(insert)

    def _used(self, kind: str, keys: Iterable[str]) -> None:
        self._uses.note(kind, keys)
        if self._uses.due:
            self._with(self._uses.write_if_idle)

    def _read(self, statement: str, value: object) -> list[tuple]:
        """What a query finds here, then what it finds below."""
        return [*self._rows(statement, value), *(self._below.rows(statement, value) if self._below else ())]

    def _rows(self, statement: str, value: object) -> list[tuple]:
        return self._with(lambda connection: connection.execute(statement, [value]).fetchall())

    def _with(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """What ``work`` returns for a connection; tried once more, on a new file, when this one is damaged."""
        try:
            with self._connections.one() as connection:
                return work(connection)
        except DamagedError as error:
            self._begin_anew(error.which)
        with self._connections.one() as connection:
            return work(connection)

    def _begin_anew(self, which: Identity) -> None:
        """Set this damaged file aside and save what is whole in it."""
        aside = set_aside(self.file, "damaged", which)
        if aside is None:
            return  # another thread or process has done so
        self.damaged.append(aside)
        saved = 0
        for entry in readable_entries(aside):
            try:
                check_entry(entry)
            except UnreadableError:
                continue
            self._put(entry.kind, [getattr(entry, column) for column in COLUMNS[entry.kind]])
            saved += 1
        _log.warning("Saved %d whole entries from the damaged cache %s", saved, aside)


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
