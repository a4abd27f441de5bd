"""The search behind the table: ``python -m engine.tuning.search``.

A coarse grid says where to begin. From its best setting the search walks on the ladders of ``table``, to the best
neighbour one step up or down along one of them as long as that one is more accurate. Where it ends, no neighbour is.

Only the *tuning* part of the public records is used: models train on random halves of it and are validated on the
other halves. The records are those of population seed 0, so at that seed no contested record, member or not, has any
influence on the settings that the dashboard ships. At another seed some of the tuning records are contested.
"""

from __future__ import annotations

import datetime
import functools
import itertools
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch

from engine.architectures import Architecture, Mlp
from engine.canonical import plain
from engine.models.evaluation import logits, view_tensor
from engine.models.network import network
from engine.populations.membership import masks
from engine.populations.records import split
from engine.recipe import DpSgd, PopulationChoice, Recipe, Sgd
from engine.seeds import generator
from engine.training.batches import epochs
from engine.training.labels import one_hot
from engine.training.loop import noise_generator, train
from engine.training.parameters import parameters
from engine.tuning.table import EPOCHS, LARGEST_NOISY_SHARE, POPULATION_SEED, TABLE, Tuned, ladders

COMMAND = "python -m engine.tuning.search"
POPULATIONS = ("digits", "mnist5k")
ARCHITECTURES: tuple[Architecture, ...] = (Mlp(width=128),)
NOISE_MULTIPLIERS = (0.0, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0)
Setting = tuple[float, ...]  # rate, clip, batch share
_log = logging.getLogger(__name__)


def best(
    population: str,
    architecture: Architecture,
    noise_multiplier: float,
    *,
    learning_rates: Sequence[float] = (0.06, 0.125, 0.25, 0.5, 1.0),
    clips: Sequence[float] = (0.3, 1.0, 3.0),
    batch_shares: Sequence[float] | None = None,
    epochs: int = EPOCHS,
) -> Tuned:
    """The setting than which no neighbour on the ladders has a better validation accuracy.

    The batch is a share of the training records, so the number of steps, the sampling rate and with them ε are, but
    for rounding, those of any other number of contested records at the same share.

    Args:
        population: name of the population.
        architecture: of the models.
        noise_multiplier: σ; with noise the batch is held at ``LARGEST_NOISY_SHARE``, see there.
        learning_rates: with which to begin, each on its ladder as the clips and the batch shares are.
        clips: with which to begin.
        batch_shares: with which to begin; None is three of them without noise, and with it the largest alone, for
            with noise smaller batches are less accurate, and where one is not the walk finds it.
        epochs: of each training.
    """

    @functools.cache
    def row(setting: Setting) -> Tuned:
        return tried(population, architecture, noise_multiplier, setting, epochs)

    shares = batch_shares or ((LARGEST_NOISY_SHARE,) if noise_multiplier else (0.064, 0.128, 0.256))
    grid = itertools.product(learning_rates, clips, shares)
    return row(climbed(grid, ladders(noise_multiplier), lambda setting: row(setting).accuracy))


def climbed(
    begin: Iterable[Setting], along: Sequence[Sequence[float]], accuracy: Callable[[Setting], float]
) -> Setting:
    """From the most accurate of some settings to the best neighbour, until none is better; the first among equals.

    Args:
        begin: settings of as many values as there are ladders, each value on its ladder.
        along: the ladders, ascending.
        accuracy: what a setting reaches; asked for more than once.
    """
    here = max(begin, key=accuracy)
    while accuracy(there := max(neighbours(here, along), key=accuracy)) > accuracy(here):
        here = there
    return here


def neighbours(setting: Setting, along: Sequence[Sequence[float]]) -> tuple[Setting, ...]:
    """The settings one step down or up on one ladder, where it has that step."""
    places = [ladder.index(value) for ladder, value in zip(along, setting, strict=True)]
    return tuple(
        (*setting[:axis], along[axis][place + step], *setting[axis + 1 :])
        for axis, place in enumerate(places)
        for step in (-1, 1)
        if 0 <= place + step < len(along[axis])
    )


def tried(
    population: str, architecture: Architecture, noise_multiplier: float, setting: Setting, epochs: int = EPOCHS
) -> Tuned:
    """One setting (rate, clip and batch share) and what it reaches."""
    rate, clip, share = setting
    chosen = PopulationChoice(name=population, contested=40, seed=POPULATION_SEED)
    public = split(chosen).public["tuning"]
    recipe = Recipe(
        population=replace(chosen, contested=len(public.labels)),
        architecture=architecture,
        optimizer=Sgd(learning_rate=rate),
        privacy=DpSgd(clip=clip, noise_multiplier=noise_multiplier),
        batch=round(share * len(public.labels) / 2),
        epochs=epochs,
    )
    return Tuned(
        population=population,
        architecture=plain(architecture),
        noise_multiplier=noise_multiplier,
        learning_rate=rate,
        clip=clip,
        batch_share=share,
        accuracy=round(validation_accuracy(recipe), 4),
    )


def validation_accuracy(recipe: Recipe) -> float:
    """Mean accuracy of one wave's models on the tuning records that they were not trained on.

    Args:
        recipe: its population holds as many contested records as there are tuning records, which take their place.
    """
    records = split(recipe.population).public["tuning"]
    net = network(recipe.architecture, records.info)
    member = masks(recipe.population, recipe.seed, 0)
    inputs = view_tensor(net, records)
    params = parameters(net.initial(len(member), generator(recipe.seed, "tuning")))
    noise = noise_generator(recipe.seed, 0)
    targets = one_hot(records.labels, records.info.classes)
    train(net, recipe, params, inputs, targets, epochs(recipe, 0, member), noise=noise)
    right = logits(net, params.weights, inputs).argmax(axis=2) == records.labels
    return float(np.mean([answers[~own].mean() for answers, own in zip(right, member, strict=True)]))


def said(row: Tuned) -> str:
    """What the search found, and where a better setting may lie beyond what may be tried."""
    at_edge = f" (at the edge of what may be tried: {', '.join(row.edges)})" if row.edges else ""
    return (
        f"{row.population}, {row.architecture['kind']}, σ {row.noise_multiplier:g}: rate {row.learning_rate:g}, "
        f"clip {row.clip:g}, batch {row.batch_share:g} of the training records, accuracy {row.accuracy:.3f}{at_edge}"
    )


def main() -> None:
    """Search everything and write the table beside this module."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    rows = []
    for population, architecture, noise in itertools.product(POPULATIONS, ARCHITECTURES, NOISE_MULTIPLIERS):
        row = best(population, architecture, noise)
        rows.append(plain(row))
        _log.info("%s", said(row))
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    table = {
        "command": COMMAND,
        "date": today,
        "rows": [{k: v for k, v in row.items() if k != "kind"} for row in rows],
    }
    Path(str(files("engine.tuning") / TABLE)).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
