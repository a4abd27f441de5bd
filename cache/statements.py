"""SQL on the tables of a cache; a name of a table is looked up here before it gets into a statement."""

from __future__ import annotations

COLUMNS = {
    "wave": ("key", "question", "blob", "sha256"),
    "assessment": ("key", "question", "headline", "headline_sha256", "blob", "sha256"),
}
"""The columns of each table, in their order."""


_AMONG = "WHERE key IN (SELECT value FROM json_each(?))"


def selection(kind: str, *columns: str) -> str:
    """Some columns of a table, or all: the beginning of a query.

    Raises:
        KeyError: when there is no such table or column.
    """
    known = {name: name for name in COLUMNS[kind]}
    chosen = ", ".join(known[name] for name in columns or known)
    return f"SELECT {chosen} FROM {kind}"  # noqa: S608 — names of ours: others raise above


def sizes(kind: str) -> str:
    """The keys of a table, each with the number of bytes of its blob.

    Raises:
        KeyError: when there is no such table.
    """
    return f"SELECT {COLUMNS[kind][0]}, length(blob) FROM {kind}"  # noqa: S608 — as above


def among(kind: str, *columns: str) -> str:
    """Some columns of those rows of a table whose keys are in a list, which is given as JSON.

    Raises:
        KeyError: when there is no such table or column.
    """
    return f"{selection(kind, *columns)} {_AMONG}"


def insertion(kind: str, *, replace: bool = False) -> str:
    """A row into a table, in the place of one with its key if that is wanted.

    Raises:
        KeyError: when there is no such table.
    """
    places = ", ".join("?" * len(COLUMNS[kind]))
    return f"{'REPLACE' if replace else 'INSERT'} INTO {kind} VALUES ({places})"  # noqa: S608 — as above


def deletion(kind: str) -> str:
    """The row of a key out of a table.

    Raises:
        KeyError: when there is no such table.
    """
    return f"DELETE FROM {kind} WHERE {COLUMNS[kind][0]} = ?"  # noqa: S608 — as above
