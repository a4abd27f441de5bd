"""The shipped table of tuned DP settings, and where they were searched: values only, read by the dashboard."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, replace
from importlib.resources import files

from engine.architectures import Architecture
from engine.canonical import plain
from engine.recipe import DpSgd, Recipe, Sgd

TABLE = "tuned.json"
LEARNING_RATES = (0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
CLIPS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
BATCH_SHARES = (0.016, 0.032, 0.064, 0.128, 0.256, 0.512)  # the smallest, 8 of 500 records, is 1,875 steps already
LARGEST_NOISY_SHARE = 0.256
"""At a fixed σ a larger batch, so a larger sampling rate, buys accuracy with ε: spending privacy, not tuning."""
EPOCHS = 30
POPULATION_SEED = 0
"""Whose public records the table was tuned on.

Every seed divides a population anew: of digits' 300 tuning records 101 are among the 600 that seed 1 contests
(``tests/test_tuning.py``), so that there the settings were chosen by looking at contested records, some of them
members.
"""


def ladders(noise_multiplier: float) -> tuple[tuple[float, ...], ...]:
    """The rates, clips and batch shares among which the search walks, each ascending."""
    shares = tuple(share for share in BATCH_SHARES if share <= LARGEST_NOISY_SHARE or not noise_multiplier)
    return LEARNING_RATES, CLIPS, shares


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
        """Where the setting is the smallest or largest that may be tried, so that a better one may lie beyond.

        With noise the largest batch is one of them on purpose, see ``LARGEST_NOISY_SHARE``.
        """
        chosen = (("rate", self.learning_rate), ("clip", self.clip), ("batch", self.batch_share))
        return tuple(
            f"{'smallest' if value == ladder[0] else 'largest'} {name}"
            for (name, value), ladder in zip(chosen, ladders(self.noise_multiplier), strict=True)
            if value in {ladder[0], ladder[-1]}
        )

    @property
    def capped(self) -> bool:
        """Whether noise forbids a larger batch, which may be more accurate and proves less."""
        return self.noise_multiplier > 0 and self.batch_share >= LARGEST_NOISY_SHARE


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
    """The tuned setting of exactly this population, architecture and noise multiplier, None where none was tuned.

    It is the same at every population seed, and held out from contested records at ``POPULATION_SEED`` only.
    """
    wanted = plain(architecture)
    for row in tuned_table().rows:
        if (row.population, row.architecture, row.noise_multiplier) == (population, wanted, noise_multiplier):
            return row
    return None


def tuned_on_contested(recipe: Recipe) -> bool:
    """Whether a recipe trains with the rate and batch of the table at a seed that contests records of the tuning."""
    if recipe.privacy is None or recipe.population.seed == POPULATION_SEED:
        return False
    row = tuned(recipe.population.name, recipe.architecture, recipe.privacy.noise_multiplier)
    if row is None:
        return False
    of_table = with_tuned_dp(recipe, row)
    return (recipe.optimizer, recipe.batch) == (of_table.optimizer, of_table.batch)


def with_tuned_dp(recipe: Recipe, row: Tuned) -> Recipe:
    """The recipe trained with the tuned optimizer, clip and batch."""
    return replace(
        recipe,
        optimizer=Sgd(learning_rate=row.learning_rate),
        privacy=DpSgd(clip=row.clip, noise_multiplier=row.noise_multiplier),
        batch=max(1, round(row.batch_share * recipe.population.contested / 2)),
    )
