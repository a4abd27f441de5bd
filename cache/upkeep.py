"""Looking after the whole store: how full it is, whether it is whole, and making room."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cache.codec import UnreadableError
from cache.connections import DamagedError
from cache.rows import entries
from cache.schema import KINDS
from cache.statements import deletion, selection, sizes
from cache.store import Store
from cache.usage import evict, stored_bytes
from cache.verification import OtherEngineError, check_entry
from engine.version import ENGINE_VERSION

_T = TypeVar("_T")
_MENDING = (
    "DELETE FROM usage WHERE kind = ? AND key NOT IN (SELECT key FROM KIND)",
    "INSERT OR IGNORE INTO usage SELECT ?, key, length(blob), strftime('%s', 'now') FROM KIND",
    "UPDATE usage SET size = (SELECT length(blob) FROM KIND AS of WHERE of.key = usage.key) WHERE kind = ?",
)


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a store holds.

    Attributes:
        entries: how many, by kind.
        size: their bytes, by kind.
        of_other_engines: entries of other versions of the engine, which are never found again.
        on_disk: bytes of the file, free pages included.
    """

    entries: dict[str, int]
    size: dict[str, int]
    of_other_engines: int
    on_disk: int


def contents(store: Store) -> Contents:
    """What the store holds, without reading it all."""

    def look(connection: sqlite3.Connection) -> Contents:
        rows = {
            kind: connection.execute(
                "SELECT count(*), coalesce(sum(size), 0) FROM usage WHERE kind = ?", [kind]
            ).fetchone()
            for kind in KINDS
        }
        pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return Contents(
            entries={kind: row[0] for kind, row in rows.items()},
            size={kind: row[1] for kind, row in rows.items()},
            of_other_engines=sum(map(len, _of_other_engines(connection).values())),
            on_disk=pages * size,
        )

    return store.maintain(look)


def faults(store: Store) -> tuple[str, ...]:
    """One sentence for each thing that is wrong with the store; reads all of it."""
    aside = map(aside_words, store.damaged)
    try:
        found = store.maintain(lambda connection: [*_file_faults(connection), *(bad[2] for bad in _bad(connection))])
    except DamagedError as error:
        found = [str(error)]
    return (*aside, *found)


def aside_words(file: Path) -> str:
    """What is said of a damaged file by its new name."""
    return f"the file was damaged, and what was whole in it saved; it is now {file}"


def drop_faulty(store: Store) -> int:
    """Drop every entry that is not what it says, so that it is computed again; how many went.

    A file whose tables contradict each other is set aside first, and what is whole in it saved: in such a one an
    entry may not be found by its key.
    """
    if _torn(store):
        store.begin_anew()
    bad = store.maintain(lambda connection: list(_bad(connection)))
    gone = sum(store.drop(kind, key, UnreadableError(text)) for kind, key, text in bad)
    store.maintain(_in_transaction(_mend_usage))
    return gone


def _torn(store: Store) -> bool:
    """Whether the tables of the file contradict each other."""
    try:
        return bool(store.maintain(_contradictions))
    except DamagedError:
        return True


def _mend_usage(connection: sqlite3.Connection) -> None:
    """Keep the size of every entry and of nothing else; another program may have renamed entries."""
    for kind in KINDS:
        for statement in _MENDING:
            connection.execute(statement.replace("KIND", kind), [kind])


def _in_transaction(work: Callable[[sqlite3.Connection], _T]) -> Callable[[sqlite3.Connection], _T]:
    def whole(connection: sqlite3.Connection) -> _T:
        connection.execute("BEGIN IMMEDIATE")
        done = work(connection)
        connection.execute("COMMIT")
        return done

    return whole


def prune(store: Store, limit: int) -> int:
    """Drop entries of other engine versions, then what was not used for the longest time, and give the space back.

    Args:
        store: the store.
        limit: bytes that may stay.

    Returns:
        How many entries went.
    """

    def make_room(connection: sqlite3.Connection) -> int:
        _mend_usage(connection)
        others = _of_other_engines(connection)
        for kind, keys in others.items():
            connection.executemany(deletion(kind), keys)
        return sum(map(len, others.values())) + evict(connection, limit)

    gone = store.maintain(_in_transaction(make_room))
    store.maintain(_shrink)
    return gone


def _shrink(connection: sqlite3.Connection) -> None:
    """Give free pages back to the disk, as far as other processes let go of them."""
    connection.executescript("PRAGMA incremental_vacuum")  # "execute" would give back a single page
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def total(store: Store) -> int:
    """The bytes of all entries."""
    return store.maintain(stored_bytes)


def _of_other_engines(connection: sqlite3.Connection) -> dict[str, list[tuple[str]]]:
    """The keys of entries of other engine versions, by kind."""
    other = "CASE WHEN json_valid(question) THEN json_extract(question, '$.engine') IS NOT ? ELSE 0 END"
    return {
        kind: connection.execute(f"{selection(kind, 'key')} WHERE {other}", [ENGINE_VERSION]).fetchall()
        for kind in KINDS
    }


def _contradictions(connection: sqlite3.Connection) -> list[str]:
    """What SQLite finds wrong with the tables."""
    return [text for (text,) in connection.execute("PRAGMA integrity_check") if text != "ok"]


def _file_faults(connection: sqlite3.Connection) -> list[str]:
    """What SQLite finds wrong with the file, and sizes that are kept of nothing or not kept."""
    found = _contradictions(connection)
    for kind in KINDS:
        actual = set(connection.execute(sizes(kind)))
        kept = set(connection.execute("SELECT key, size FROM usage WHERE kind = ?", [kind]))
        count = len({key for key, _ in actual ^ kept})
        found += [f"{count} entries of kind {kind} whose size is not kept"] if count else []
    return found


def _bad(connection: sqlite3.Connection) -> Iterator[tuple[str, object, str]]:
    """Kind, key and a sentence of each entry that is not what it says."""
    for entry in entries(connection):
        try:
            check_entry(entry)
        except OtherEngineError:
            continue
        except UnreadableError as error:
            yield entry.kind, entry.key, f"the {entry.kind} {entry.key}: {error}"
