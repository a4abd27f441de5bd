"""The tables of the store, and the refusal of files that are not ours."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from cache.location import CacheError

SCHEMA_VERSION = 1
_APPLICATION_ID = 0x50446961  # "PDia", which marks an SQLite file as a cache of Privacy Dial
_TABLES = """
CREATE TABLE wave (
    key TEXT PRIMARY KEY,
    blob BLOB NOT NULL,
    sha256 BLOB NOT NULL
);
CREATE TABLE assessment (
    key TEXT PRIMARY KEY,
    headline TEXT NOT NULL,
    headline_sha256 BLOB NOT NULL,
    blob BLOB NOT NULL,
    sha256 BLOB NOT NULL
);
"""


def connect(file: Path) -> sqlite3.Connection:
    """A connection in autocommit mode that waits for other processes and may change threads."""
    connection = sqlite3.connect(file, timeout=30, isolation_level=None, check_same_thread=False)
    # In WAL mode a commit without fsync can lose the newest entries to a power cut, but never tears one.
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def prepare(connection: sqlite3.Connection, file: Path) -> None:
    """Make the tables in a new file; leave a current one alone.

    Raises:
        CacheError: for a file of a newer version or of another program.
    """
    connection.execute("BEGIN IMMEDIATE")  # two processes that start together make the tables once
    try:
        if _is_new(connection, file):
            for statement in _TABLES.strip().split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("PRAGMA journal_mode = WAL")


def _is_new(connection: sqlite3.Connection, file: Path) -> bool:
    """Whether the file has no tables yet; one that has must be ours and not newer."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application == 0 and version == 0 and tables == 0:
        return True
    if application != _APPLICATION_ID:
        raise CacheError(f"{file} belongs to another program; choose another directory with --cache DIR.")
    if version > SCHEMA_VERSION:
        raise CacheError(
            f"The cache {file} was written by a newer Privacy Dial (version {version}, this one reads "
            f"{SCHEMA_VERSION}); update the program or choose another directory with --cache DIR."
        )
    return False
