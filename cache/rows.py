"""Entries as rows of an SQLite file that may be damaged, foreign or both."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from cache.schema import KINDS
from cache.verification import Entry

COLUMNS = {
    "wave": ("key", "question", "blob", "sha256"),
    "assessment": ("key", "question", "headline", "headline_sha256", "blob", "sha256"),
}


def entries(connection: sqlite3.Connection) -> Iterator[Entry]:
    """All entries, one in memory at a time, assessments first."""
    for kind in reversed(KINDS):
        query = f"SELECT {', '.join(COLUMNS[kind])} FROM {kind} ORDER BY rowid"  # noqa: S608 — our own names
        for row in connection.execute(query):
            yield _entry(kind, row)


def readable_entries(file: Path) -> Iterator[Entry]:
    """The entries of a damaged file that SQLite can still reach: from both ends towards the damage."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")  # else SQLite reads nothing of a file that was cut short
        for kind in reversed(KINDS):
            seen: set[object] = set()
            for order in ("ASC", "DESC"):
                # SQLite refuses to go on at the first page that makes no sense.
                with contextlib.suppress(sqlite3.Error, OverflowError):
                    for row in _rows(connection, kind, order):
                        if row[0] in seen:
                            break
                        seen.add(row[0])
                        yield _entry(kind, row)


def _rows(connection: sqlite3.Connection, kind: str, order: str) -> sqlite3.Cursor:
    columns = ", ".join(COLUMNS[kind])
    return connection.execute(f"SELECT {columns} FROM {kind} ORDER BY rowid {order}")  # noqa: S608 — our own names


def _entry(kind: str, row: tuple[object, ...]) -> Entry:
    return Entry(kind=kind, **dict(zip(COLUMNS[kind], row, strict=True)))
