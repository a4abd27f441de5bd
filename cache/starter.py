"""Starter results: a small store that ships with the package, so that a new machine has something to show at once.

It is read and never written. In it are assessments, each on all its waves, how the first of these was trained by
epoch, and comparisons of some of them; the waves that they came of are trained again where somebody asks for more.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from cache.codec import tightened
from cache.keys import Point, Versus, assessment_key, comparison_key, comparison_question, wave_key
from cache.location import CacheError
from cache.schema import COMPLAINTS, make_tables
from cache.statements import insertion, selection
from cache.store import Store
from cache.traces import trace_to_bytes
from engine.populations.membership import masks
from engine.recipe import Recipe
from engine.training.batches import epochs

SHIPPED = Path(__file__).parent / "starter.sqlite"
LARGEST = 8_000_000  # bytes of the file
_TABLES = (
    "CREATE TABLE first_batch (recipe TEXT PRIMARY KEY, sha256 BLOB NOT NULL)",
    """CREATE TABLE comparison (
    key TEXT PRIMARY KEY,
    question TEXT NOT NULL,
    blob BLOB NOT NULL,
    sha256 BLOB NOT NULL
)""",
    "CREATE TABLE trace (key TEXT PRIMARY KEY, blob BLOB NOT NULL, sha256 BLOB NOT NULL)",
)
_ROOM = 0.98  # of that for entries; the rest is SQLite's own
_log = logging.getLogger(__name__)


class Starter:
    """The second layer under a store; a file that is missing or damaged is an empty layer. Fit for any thread."""

    def __init__(self, file: Path = SHIPPED) -> None:
        self.file = file
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        with contextlib.suppress(sqlite3.Error):
            uri = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)

    def rows(self, statement: str, value: object) -> list[tuple]:
        """What a query finds; nothing where the file cannot be read."""
        with self._lock:
            if self._connection is None:
                return []
            try:
                return self._connection.execute(statement, [value]).fetchall()
            except COMPLAINTS as error:
                _log.warning("The starter results %s cannot be read and are left out: %s", self.file, error)
                self._connection.close()
                self._connection = None
                return []

    def first_batch(self, recipe: Recipe) -> bytes | None:
        """The checksum of a recipe's first batch when the file was built; None for a recipe that is not in it."""
        found = self.rows("SELECT sha256 FROM first_batch WHERE recipe = ?", recipe.hash)
        return found[0][0] if found else None

    def close(self) -> None:
        """Close the file; the layer is empty from now on."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None


def write_starter(
    store: Store, points: Sequence[Point], compared: Mapping[Versus, bytes], file: Path = SHIPPED
) -> int:
    """Write comparisons, then points, the first ones first, to a new file with room for them.

    With the assessment of a point goes how its first wave was trained by epoch.

    Args:
        store: where the points are all measured, and their trainings were heard.
        points: in the order of their importance.
        compared: comparisons of two of them, as ``codec`` writes them; these have room before all points.
        file: replaced as a whole where it exists.

    Returns:
        How many points were written.

    Raises:
        CacheError: when a point has not been measured, or nobody heard its training.
    """
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(fresh, isolation_level=None)) as target:
        target.execute("BEGIN")
        make_tables(target)
        for table in _TABLES:
            target.execute(table)
        count = _fill(store, points, target, _ROOM * LARGEST - _compare(compared, target))
        target.execute("COMMIT")
        target.execute("VACUUM")
    fresh.replace(file)
    return count


def _compare(compared: Mapping[Versus, bytes], target: sqlite3.Connection) -> int:
    """Write comparisons; how many bytes."""
    rows = [
        (comparison_key(versus), comparison_question(versus), blob, hashlib.sha256(blob).digest())
        for versus, blob in compared.items()
    ]
    target.executemany("INSERT INTO comparison VALUES (?, ?, ?, ?)", rows)
    return sum(len(value) for row in rows for value in row)


def _fill(store: Store, points: Sequence[Point], target: sqlite3.Connection, left: float) -> int:
    """Write points as long as there is room for them; how many."""
    select = f"{selection('assessment')} WHERE key = ?"
    traced: set[Recipe] = set()
    for count, point in enumerate(points):
        row = store.maintain(functools.partial(_row, select, assessment_key(point)))
        if row is None:
            raise CacheError(f"The starter results cannot be built: {point} is not in {store.file}.")
        recipe = point.recipe
        trace = () if recipe in traced else _trace(store, recipe)  # points that differ in their release share it
        left -= sum(len(value) for value in (*row, *trace))
        if left < 0:
            return count
        target.execute(insertion("assessment"), row)
        if trace:
            traced.add(recipe)
            target.execute("INSERT INTO first_batch VALUES (?, ?)", [recipe.hash, first_batch_sum(recipe)])
            target.execute("INSERT INTO trace VALUES (?, ?, ?)", trace)
    return len(points)


def _trace(store: Store, recipe: Recipe) -> tuple[str, bytes, bytes]:
    """The row of a recipe's trace."""
    trace = store.reports.trace(recipe)
    if not trace:
        raise CacheError(
            f"The starter results cannot be built: nobody heard how {recipe} was trained by epoch; measure it again "
            "in another directory with --cache DIR."
        )
    blob = trace_to_bytes(trace)
    return wave_key(recipe, 0), blob, hashlib.sha256(blob).digest()


def _row(select: str, key: str, source: sqlite3.Connection) -> tuple | None:
    """The row of an assessment, made as small as it can be."""
    row = source.execute(select, [key]).fetchone()
    if row is None:
        return None
    *head, blob, _ = row
    small = tightened(blob)
    return (*head, small, hashlib.sha256(small).digest())


def first_batch_sum(recipe: Recipe) -> bytes:
    """The checksum of the records that the models of wave 0 see first."""
    member = masks(recipe.population, recipe.seed, 0)
    first = next(epochs(recipe, 0, member))[0]
    return hashlib.sha256(first.records.tobytes() + first.real.tobytes()).digest()
