"""Results from one store to another by one file: SQLite with the store's own tables, and nothing else in it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cache.aside import identity
from cache.codec import UnreadableError, assessment_from_bytes
from cache.keys import Point
from cache.location import CacheError
from cache.rows import entries
from cache.schema import COMPLAINTS, SCHEMA_VERSION, TABLES, format_version, make_tables, text_of
from cache.statements import COLUMNS, insertion
from cache.store import Store
from cache.verification import Entry, OtherEngineError, Shapes, check_entry

_LARGEST_ENTRY = 2**29  # bytes of a value that is read from a foreign file


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What became of the entries of an imported file.

    Attributes:
        added: entries that are in the store now.
        present: those that were there before.
        other_engine: those of another version of the engine, left out.
        refused: those that are not what they say, by the reason.
    """

    added: int
    present: int
    other_engine: int
    refused: dict[str, int]


def export_file(store: Store, file: Path, *, waves: bool = True) -> Counter[str]:
    """Write the entries of a store to a new file.

    Args:
        store: where from.
        file: must not exist.
        waves: also the trained models; without them the file is small, and nothing in it can be attacked anew.

    Returns:
        How many were written, by kind, and under "left out" how many are not what they say.

    Raises:
        CacheError: when the file cannot be written, with one sentence; nothing is left of it then.
    """
    if file.exists():
        raise CacheError(f"{file} exists already; choose another name for the export.")
    try:
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as target:
            target.execute("BEGIN")
            make_tables(target)
            counts = store.maintain(lambda source: _copied(source, target, waves=waves))
            target.execute("COMMIT")
    except BaseException as error:
        for left in (file, Path(f"{file}-journal")):
            left.unlink(missing_ok=True)
        if isinstance(error, sqlite3.Error | _UnwritableError):
            raise CacheError(f"{file} cannot be written ({error}).") from error
        raise
    return counts


class _UnwritableError(Exception):
    """The file of an export takes no more."""


def _copied(source: sqlite3.Connection, target: sqlite3.Connection, *, waves: bool) -> Counter[str]:
    counts: Counter[str] = Counter()
    for entry in entries(source):
        if entry.kind == "wave" and not waves:
            continue
        try:
            check_entry(entry)
        except UnreadableError:
            counts["left out"] += 1
            continue
        values = [getattr(entry, column) for column in COLUMNS[entry.kind]]
        try:
            target.execute(insertion(entry.kind), values)
        except sqlite3.Error as error:
            raise _UnwritableError(str(error)) from error  # inside a use of the store, whose own error this is not
        counts[entry.kind] += 1
    return counts


def import_file(store: Store, file: Path, *, shapes: Shapes) -> Imported:
    """Take the entries of an exported file into a store; every one is checked as bytes from a stranger are.

    Args:
        store: where to.
        file: what ``export_file`` wrote, or somebody else.
        shapes: the shape of each parameter of one model of a recipe.

    Raises:
        CacheError: when the file is not an export, with one sentence.
    """
    counts: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    with _foreign(store, file) as connection:
        for entry in entries(connection):
            try:
                counts[_taken(store, entry, shapes)] += 1
            except OtherEngineError:
                counts["other engine"] += 1
            except UnreadableError as error:
                refused[str(error)] += 1
    return Imported(
        added=counts["added"],
        present=counts["present"],
        other_engine=counts["other engine"],
        refused=dict(refused),
    )


def _taken(store: Store, entry: Entry, shapes: Shapes) -> str:
    """Whether an entry was added, or was present already."""
    answered, blob = check_entry(entry, shapes=shapes)
    if isinstance(answered, Point):
        if store.measured([str(entry.key)]):
            return "present"
        store.put_assessment(answered, assessment_from_bytes(blob))
    else:
        if store.wave(*answered) is not None:
            return "present"
        store.put_wave(*answered, blob)
    return "added"


@contextlib.contextmanager
def _foreign(store: Store, file: Path) -> Iterator[sqlite3.Connection]:
    """A connection that reads a foreign file and runs nothing that stands in it."""
    if not file.is_file():
        raise CacheError(f"{file} is not a file.")
    if identity(file) == identity(store.file):
        raise CacheError(f"{file} is the cache itself.")
    try:
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.text_factory = text_of
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_ENTRY)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise CacheError(
                    f"{file} was written by a newer Privacy Dial (version {version}, this one reads "
                    f"{SCHEMA_VERSION}); update the program."
                )
            # A view in place of a table, or a column that is computed, would be code; there is only what we make.
            if format_version(connection, file) == 0 or _statements(connection) != set(TABLES):
                raise CacheError(f"{file} is not an export of Privacy Dial of this version.")
            yield connection
    except (*COMPLAINTS, OverflowError) as error:
        reason = "its tables are damaged" if isinstance(error, UnicodeDecodeError) else error
        raise CacheError(f"{file} cannot be read as an export of Privacy Dial ({reason}).") from error


def _statements(connection: sqlite3.Connection) -> set[str]:
    return {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
