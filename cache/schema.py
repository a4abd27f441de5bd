"""The tables of the store, and the refusal of files that are not ours."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from cache.aside import Identity, set_aside
from cache.location import CacheError

SCHEMA_VERSION = 2  # since 2 an entry says what it answers, and its size and last use are kept beside it
_APPLICATION_ID = 0x50446961  # "PDia", which marks an SQLite file as a cache of Privacy Dial
_MAGIC, _HEADER = b"SQLite format 3\0", 100  # how an SQLite file begins, and the bytes before its first page's own
_LARGEST_LOG = 64 * 2**20  # bytes to which the write-ahead log shrinks when it has been folded in
# In one statement: between two, another process that begins the file may come to its end. With parentheses, so that
# nothing of these names in a foreign file stands in.
_FORMAT = """SELECT
    (SELECT application_id FROM pragma_application_id()),
    (SELECT user_version FROM pragma_user_version()),
    (SELECT count(*) FROM sqlite_master)"""
COMPLAINTS = (sqlite3.Error, UnicodeDecodeError)
"""What comes of a file that makes no sense to SQLite: damaged bytes that its words quote are no text for Python."""
PATIENCE = 30.0
"""Seconds that a connection waits for others."""
_AGAIN = 0.01  # seconds between two attempts where SQLite makes one only
KINDS = ("wave", "assessment")
"""The kinds of entries, in the order in which they are given up: a wave is made again in seconds, but of many
waves comes one assessment."""

# The last use as ``time.time`` counts it, to the millisecond; of what is stored within one, each a little later than
# the one before: what was stored first has to go first.
_TRIGGERS = (
    """CREATE TRIGGER KIND_kept AFTER INSERT ON KIND BEGIN
    INSERT OR REPLACE INTO usage VALUES ('KIND', new.key, length(new.blob), max(
        (julianday('now') - 2440587.5) * 86400.0,
        (SELECT coalesce(max(used), 0) + 0.000001 FROM usage WHERE kind = 'KIND')
    ));
END""",
    """CREATE TRIGGER KIND_gone AFTER DELETE ON KIND BEGIN
    DELETE FROM usage WHERE kind = 'KIND' AND key = old.key;
END""",
)
# The last use stands in a table of its own: to change a row, SQLite writes all of it, the blob included.
TABLES = (
    """CREATE TABLE wave (
    key TEXT PRIMARY KEY,
    question TEXT NOT NULL,
    blob BLOB NOT NULL,
    sha256 BLOB NOT NULL
)""",
    """CREATE TABLE assessment (
    key TEXT PRIMARY KEY,
    question TEXT NOT NULL,
    headline TEXT NOT NULL,
    headline_sha256 BLOB NOT NULL,
    blob BLOB NOT NULL,
    sha256 BLOB NOT NULL
)""",
    """CREATE TABLE usage (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    size INTEGER NOT NULL,
    used REAL NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID""",
    "CREATE INDEX usage_by_age ON usage (kind, used, size)",
    *(trigger.replace("KIND", kind) for kind in KINDS for trigger in _TRIGGERS),
)


def connect(file: Path) -> sqlite3.Connection:
    """A connection in autocommit mode that waits for other processes and may change threads."""
    connection = sqlite3.connect(file, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    connection.text_factory = text_of
    try:
        _configure(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def text_of(content: bytes) -> str:
    """A text as it is stored; damaged bytes become other characters, so that its checksum tells, and no error."""
    return content.decode(errors="replace")


def _configure(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA page_count").fetchone() == (0,):
        # Heard by a new file only; an old one, perhaps of a newer version, would be written to behind all its locks.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    # In WAL mode a commit without fsync can lose the newest entries to a power cut, but never tears one.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA journal_size_limit = {_LARGEST_LOG}")


def prepare(connection: sqlite3.Connection, file: Path, identity: Identity) -> bool:
    """Make the tables in a new file; leave a current one alone, and set aside one of an older format.

    Returns:
        Whether the connection's file is still the cache: one of an older format has another name now.

    Raises:
        CacheError: for a file of a newer version or of another program.
    """
    version = format_version(connection, file)
    if version == SCHEMA_VERSION:
        return True  # without the lock that a writer may hold
    if version == 0:
        _write_ahead(connection)  # before there are tables: who finds them finds this, too
    connection.execute("BEGIN IMMEDIATE")  # two processes that start together make the tables once
    try:
        version = format_version(connection, file)
        if version == 0:
            make_tables(connection)
        elif version < SCHEMA_VERSION:
            # Under the lock: another process that opened the same file finds that its name is taken.
            set_aside(file, f"format-{version}", identity)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return version in {0, SCHEMA_VERSION}


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Keep a write-ahead log from now on. For this alone SQLite waits for no other connection; so it is done here."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_AGAIN)
        else:
            return


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of an empty file, within a transaction."""
    for statement in TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def format_version(connection: sqlite3.Connection, file: Path) -> int:
    """The version of the file's tables, 0 for a file that has none yet.

    Raises:
        CacheError: for a file of a newer version or of another program.
    """
    application, version, tables = connection.execute(_FORMAT).fetchone()
    if application == 0 and version == 0 and tables == 0:
        return 0
    if application != _APPLICATION_ID:
        raise CacheError(f"{file} belongs to another program; choose another directory with --cache DIR.")
    if version > SCHEMA_VERSION:
        raise CacheError(
            f"The cache {file} was written by a newer Privacy Dial (version {version}, this one reads "
            f"{SCHEMA_VERSION}); update the program or choose another directory with --cache DIR."
        )
    return version


def is_ours(file: Path) -> bool:
    """Whether the header of a file, damaged or not, names it as a cache of Privacy Dial.

    One that begins like a header and ends within it is no file of any program any more, so it counts as ours.
    """
    header = _header(file)
    if len(header) < _HEADER:
        return header != b"" and (header.startswith(_MAGIC) or _MAGIC.startswith(header))
    return header[68:72] == _APPLICATION_ID.to_bytes(4, "big")


def is_headed(file: Path) -> bool:
    """Whether a file's header holds only what SQLite writes (its file format, 1.3).

    Of what it does not know in there, SQLite says that it is read-only or unsupported, not that it is damaged.
    """
    header = _header(file)
    return (
        len(header) == _HEADER
        and header.startswith(_MAGIC)
        and {header[18], header[19]} <= {1, 2}  # how it is written and read: with which kind of log
        and int.from_bytes(header[44:48], "big") <= 4  # format of the tables
        and int.from_bytes(header[56:60], "big") <= 3  # encoding of texts
    )


def _header(file: Path) -> bytes:
    """The beginning of a file, nothing where it cannot be read."""
    try:
        with file.open("rb") as content:
            return content.read(_HEADER)
    except OSError:
        return b""
