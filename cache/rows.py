"""Entries as rows of an SQLite file that may be damaged, foreign or both."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from cache.schema import COMPLAINTS, KINDS, text_of
from cache.statements import COLUMNS, selection
from cache.verification import Entry


def entries(connection: sqlite3.Connection) -> Iterator[Entry]:
    """All entries, one in memory at a time, assessments first."""
    for kind in reversed(KINDS):
        for row in connection.execute(f"{selection(kind)} ORDER BY rowid"):
            yield _entry(kind, row)


def readable_entries(file: Path) -> Iterator[Entry]:
    """The entries of a damaged file that SQLite can still reach: from both ends towards the damage."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.text_factory = text_of
        connection.execute("PRAGMA writable_schema = ON")  # else SQLite reads nothing of a file that was cut short
        for kind in reversed(KINDS):
            seen: set[object] = set()
            for order in ("ASC", "DESC"):
                # SQLite refuses to go on at the first page that makes no sense, in words that may be no text.
                with contextlib.suppress(*COMPLAINTS, OverflowError):
                    for row in connection.execute(f"{selection(kind)} ORDER BY rowid {order}"):
                        if row[0] in seen:
                            break
                        seen.add(row[0])
                        yield _entry(kind, row)


def _entry(kind: str, row: tuple[object, ...]) -> Entry:
    return Entry(kind=kind, **dict(zip(COLUMNS[kind], row, strict=True)))
