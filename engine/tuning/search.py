"""The search behind the table: ``python -m engine.tuning.search``, about twenty minutes on one core.

Only the *tuning* part of the public records is used: models train on random halves of it and are validated on the
other halves, so no contested record, member or not, has any influence on the settings that the dashboard ships.
"""

from __future__ import annotations

import datetime
import itertools
import json
import logging
from collections.abc import Sequence
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
from engine.tuning.table import BATCH_SHARES, CLIPS, EPOCHS, LEARNING_RATES, TABLE, Tuned

COMMAND = "python -m engine.tuning.search"
POPULATIONS = ("digits", "mnist5k")
ARCHITECTURES: tuple[Architecture, ...] = (Mlp(width=128),)
NOISE_MULTIPLIERS = (0.0, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0)
_log = logging.getLogger(__name__)


def best(
    population: str,
    architecture: Architecture,
    noise_multiplier: float,
    *,
    learning_rates: Sequence[float] = LEARNING_RATES,
    clips: Sequence[float] = CLIPS,
    batch_shares: Sequence[float] = BATCH_SHARES,
    epochs: int = EPOCHS,
) -> Tuned:
    """The setting of the grid with the best validation accuracy; the first one among equals.

    The batch is a share of the training records, so the number of steps, the sampling rate and with them ε are
    those of any other number of contested records at the same share.
    """
    rows = [
        _tried(population, architecture, noise_multiplier, rate, clip, share, epochs)
        for rate, clip, share in itertools.product(learning_rates, clips, batch_shares)
    ]
    return max(rows, key=lambda row: row.accuracy)


def _tried(
    population: str,
    architecture: Architecture,
    noise_multiplier: float,
    rate: float,
    clip: float,
    share: float,
    epochs: int,
) -> Tuned:
    """One setting of the grid and what it reaches."""
    public = split(PopulationChoice(name=population, contested=40)).public["tuning"]
    recipe = Recipe(
        population=PopulationChoice(name=population, contested=len(public.labels)),
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
    """What the search found, with a warning where the grid does not bracket it."""
    at_edge = f" (at the edge of what was tried: {', '.join(row.edges)})" if row.edges else ""
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
