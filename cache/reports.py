"""Reports of trainings: how long each took and how it went by epoch, and how far one record moves the weights.

They are in a file of their own beside the store.

Nothing depends on them but what a page tells about a training: a report that is lost is only not told.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from cache.codec import UnreadableError
from cache.keys import sensitivity_key, wave_key
from cache.layer import Layer
from cache.progress import TracePoint
from cache.schema import COMPLAINTS
from cache.traces import trace_from_bytes
from cache.verification import check_sum
from engine.architectures import parameter_count
from engine.mechanisms import SoftLabels
from engine.recipe import MODELS_PER_WAVE, Recipe
from engine.release.values import Release

_log = logging.getLogger(__name__)
FILE = "reports.sqlite"
SHIPPED_TRACE = "SELECT blob, sha256 FROM trace WHERE key = ?"
_KEPT = 20_000  # reports, which are small
_TABLE = """CREATE TABLE IF NOT EXISTS report (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    family TEXT NOT NULL,
    steps INTEGER NOT NULL,
    work REAL NOT NULL,
    seconds REAL,
    trace TEXT NOT NULL
)"""
_CHANGES = """CREATE TABLE IF NOT EXISTS changes (
    key TEXT PRIMARY KEY,
    changes TEXT NOT NULL,
    members INTEGER NOT NULL
)"""
_BEFORE = (
    "DROP TABLE IF EXISTS sensitivity"  # earlier versions kept the largest change alone: measured again on demand
)


@dataclass(frozen=True, kw_only=True)
class Effort:
    """What there is to do for one wave.

    Attributes:
        family: trainings of one family take about as long for the same steps and work.
        steps: of the optimizer.
        work: weights × records read × models.
    """

    family: str
    steps: int
    work: float


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A training that was timed: its effort and its seconds in a worker."""

    effort: Effort
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """How far one record moved the weights of a model: measured, not proved.

    Attributes:
        changes: joint L2 distances of the weights from the model, one for each record that was left out, ascending.
        members: of the model; each could have been left out.
    """

    changes: tuple[float, ...]
    members: int

    @property
    def largest(self) -> float:
        """Δ, the largest distance seen."""
        return self.changes[-1]

    @property
    def tried(self) -> int:
        """How many records were left out, one at a time."""
        return len(self.changes)


def effort(recipe: Recipe) -> Effort:
    """What there is to do for one wave of a recipe."""
    teachers = any(isinstance(mechanism, SoftLabels) for mechanism in recipe.mechanisms)
    parts = [type(recipe.architecture).__name__, "dp" if recipe.privacy else "plain", *["teachers"] * teachers]
    read = recipe.epochs * recipe.population.contested / 2
    weights = parameter_count(recipe.architecture, recipe.population.info)
    return Effort(family=" ".join(parts), steps=recipe.steps, work=MODELS_PER_WAVE * weights * read)


class Reports:
    """All reports of a directory; every method may be called from any thread and none raises."""

    def __init__(self, directory: Path, *, below: Layer | None = None) -> None:
        """The reports of a directory.

        Args:
            directory: where their file is, or will be.
            below: where a trace that is not in the file is looked up.
        """
        self._file = directory / FILE
        self._below = below

    def put(self, recipe: Recipe, wave: int, seconds: float | None, trace: Sequence[TracePoint]) -> None:
        """Keep what was heard of the training of a wave (from 0); the oldest reports beyond the limit go."""
        todo = effort(recipe)
        points = json.dumps([asdict(point) for point in trace])
        values = [wave_key(recipe, wave), todo.family, todo.steps, todo.work, seconds, points]
        self._do(
            (_TABLE, ()),
            (
                "INSERT OR REPLACE INTO report (key, family, steps, work, seconds, trace) VALUES (?, ?, ?, ?, ?, ?)",
                values,
            ),
            ("DELETE FROM report WHERE number <= (SELECT max(number) FROM report) - ?", [_KEPT]),
        )

    def trace(self, recipe: Recipe) -> tuple[TracePoint, ...]:
        """How the first wave of a recipe went by epoch; empty where that was not heard to its end."""
        found = self._rows("SELECT trace FROM report WHERE key = ?", [wave_key(recipe, 0)])
        trace = tuple(TracePoint(**point) for (text,) in found for point in json.loads(text))
        return _whole(trace, recipe) or _whole(self._shipped(recipe), recipe)

    def _shipped(self, recipe: Recipe) -> tuple[TracePoint, ...]:
        """The trace of a recipe's first wave in the layer below; one that cannot be read is not told."""
        rows = self._below.rows(SHIPPED_TRACE, wave_key(recipe, 0)) if self._below else []
        for blob, checksum in rows:
            try:
                return trace_from_bytes(check_sum(blob, checksum))
            except UnreadableError as error:
                _log.warning("A trace below %s is left out: %s", self._file, error)
        return ()

    def timed(self, *, latest: int = 500) -> tuple[Timed, ...]:
        """The latest trainings that were timed."""
        rows = self._rows(
            "SELECT family, steps, work, seconds FROM report WHERE seconds > 0 ORDER BY number DESC LIMIT ?", [latest]
        )
        return tuple(
            Timed(effort=Effort(family=family, steps=steps, work=work), seconds=seconds)
            for family, steps, work, seconds in rows
        )

    def keep_sensitivity(self, recipe: Recipe, release: Release, found: Sensitivity) -> None:
        """Keep how far one record moves the weights that a release publishes, before any noise on them."""
        values = [sensitivity_key(recipe, release), json.dumps(found.changes), found.members]
        self._do(
            (_TABLE, ()),  # reading trainings takes theirs for granted where there is a file
            (_BEFORE, ()),
            (_CHANGES, ()),
            ("INSERT OR REPLACE INTO changes (key, changes, members) VALUES (?, ?, ?)", values),
        )

    def sensitivity(self, recipe: Recipe, release: Release) -> Sensitivity | None:
        """What was measured, None before that."""
        if not self._rows("SELECT 1 FROM sqlite_master WHERE name = 'changes'"):
            return None
        key = sensitivity_key(recipe, release)
        found = self._rows("SELECT changes, members FROM changes WHERE key = ?", [key])
        return Sensitivity(changes=tuple(json.loads(found[0][0])), members=found[0][1]) if found else None

    def _rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple]:
        """What a query finds; nothing before the first report."""
        return self._do((statement, values)) if self._file.exists() else []

    def _do(self, *statements: tuple[str, Sequence[object]]) -> list[tuple]:
        """What the last of some statements finds, all in one transaction."""
        found: list[tuple] = []
        try:
            with closing(sqlite3.connect(self._file, timeout=5)) as connection, connection:
                for statement, values in statements:
                    found = connection.execute(statement, values).fetchall()
        except COMPLAINTS as error:
            _log.warning("The reports of trainings in %s could not be used: %s", self._file, error)
            return []
        return found


def _whole(trace: tuple[TracePoint, ...], recipe: Recipe) -> tuple[TracePoint, ...]:
    """The trace if it was heard to the end of the training, else an empty one."""
    return trace if trace and trace[-1].epoch == recipe.epochs else ()
