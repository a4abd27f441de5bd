"""The shipped table of tuned DP settings, and the grid that was searched: values only, read by the dashboard."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, replace
from importlib.resources import files

from engine.architectures import Architecture
from engine.canonical import plain
from engine.recipe import DpSgd, Recipe, Sgd

TABLE = "tuned.json"
LEARNING_RATES = (0.06, 0.125, 0.25, 0.5, 1.0)
CLIPS = (0.3, 1.0, 3.0)
BATCH_SHARES = (0.064, 0.128, 0.256)
EPOCHS = 30


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """The best setting found for one population, architecture and noise multiplier.

    Attributes:
        population: name of the population.
        architecture: canonical JSON of the architecture, as plain data.
        noise_multiplier: σ; 0 is "clip only".
        learning_rate: of SGD with momentum .9.
        clip: C.
        batch_share: expected batch as a share of the training records, the sampling rate q.
        accuracy: validation accuracy that it reached in tuning, mean over models.
    """

    population: str
    architecture: dict
    noise_multiplier: float
    learning_rate: float
    clip: float
    batch_share: float
    accuracy: float

    @property
    def edges(self) -> tuple[str, ...]:
        """Where the setting is the smallest or largest that was tried, so that a better one may lie beyond."""
        chosen = (("rate", self.learning_rate, LEARNING_RATES), ("clip", self.clip, CLIPS))
        return tuple(
            f"{'smallest' if value == tried[0] else 'largest'} {name}"
            for name, value, tried in (*chosen, ("batch", self.batch_share, BATCH_SHARES))
            if value in {tried[0], tried[-1]}
        )


@dataclass(frozen=True, kw_only=True)
class TunedTable:
    """All tuned settings, and how they came to be.

    Attributes:
        command: the command that wrote the table.
        date: the day on which it did, ISO 8601.
        rows: the settings.
    """

    command: str
    date: str
    rows: tuple[Tuned, ...]


@functools.cache
def tuned_table() -> TunedTable:
    """The table that ships with the package."""
    data = json.loads(files("engine.tuning").joinpath(TABLE).read_text(encoding="utf-8"))
    return TunedTable(command=data["command"], date=data["date"], rows=tuple(Tuned(**row) for row in data["rows"]))


def tuned(population: str, architecture: Architecture, noise_multiplier: float) -> Tuned | None:
    """The tuned setting of exactly this population, architecture and noise multiplier, None where none was tuned."""
    wanted = plain(architecture)
    for row in tuned_table().rows:
        if (row.population, row.architecture, row.noise_multiplier) == (population, wanted, noise_multiplier):
            return row
    return None


def with_tuned_dp(recipe: Recipe, row: Tuned) -> Recipe:
    """The recipe trained with the tuned optimizer, clip and batch."""
    return replace(
        recipe,
        optimizer=Sgd(learning_rate=row.learning_rate),
        privacy=DpSgd(clip=row.clip, noise_multiplier=row.noise_multiplier),
        batch=max(1, round(row.batch_share * recipe.population.contested / 2)),
    )
