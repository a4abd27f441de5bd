"""Which records a step trains on: shuffled batches or Poisson draws, for M models with different members.

A step's batch is padded to the largest of the M models' batches; padding has weight 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.recipe import Recipe
from engine.seeds import generator


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The records of one step.

    Attributes:
        records: (M, B) positions of contested records; padding repeats record 0.
        real: (M, B) float32, 1 for a record, 0 for padding.
        sizes: (M,) float32, what a plain step divides the sum of gradients by; None is the number of real records.
    """

    records: NDArray[np.int64]
    real: NDArray[np.float32]
    sizes: NDArray[np.float32] | None = None

    @property
    def nothing(self) -> NDArray[np.bool_]:
        """Which models have no record in a step, (M,); one whose only record was left out has one."""
        return self._counted == 0

    @property
    def divisors(self) -> NDArray[np.float32]:
        """What a plain step divides the sum of gradients by, (M, 1); of no records that sum is 0."""
        return np.maximum(self._counted, 1)[:, None]

    @property
    def _counted(self) -> NDArray[np.float32]:
        """How many records a model's batch has, (M,), with those that were left out."""
        return self.real.sum(axis=1) if self.sizes is None else self.sizes


def epochs(recipe: Recipe, wave: int, masks: NDArray[np.bool_]) -> Iterator[list[Batch]]:
    """The batches of each epoch of a wave, a pure function of (recipe, wave).

    Without DP a model's members are shuffled and dealt into as many parts as steps, which differ by at most one;
    with DP each step takes every member with probability ``sampling_rate``, independently.
    """
    members = [np.flatnonzero(mask) for mask in masks]
    rngs = [generator(recipe.seed, "batches", wave, model) for model in range(len(members))]
    for epoch in range(1, recipe.epochs + 1):
        steps = recipe.steps_in_epoch(epoch)
        if recipe.privacy is None:
            dealt = [deal(own, steps, rng) for own, rng in zip(members, rngs, strict=True)]
        else:
            rate = recipe.sampling_rate
            dealt = [poisson(own, rate, steps, rng) for own, rng in zip(members, rngs, strict=True)]
        yield [pad(step) for step in zip(*dealt, strict=True)]


def deal(members: NDArray[np.int64], parts: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """The members, shuffled, in parts that differ by at most one; some are empty where there are more parts."""
    return np.array_split(rng.permutation(members), parts)


def poisson(members: NDArray[np.int64], rate: float, steps: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """For each step, every member with probability ``rate``; a draw may be empty and is never truncated."""
    return [members[taken] for taken in rng.random((steps, len(members))) < rate]


def pad(parts: tuple[NDArray[np.int64], ...]) -> Batch:
    """One step's records of all models as a rectangle."""
    sizes = np.array([len(part) for part in parts])
    real = np.arange(max(1, sizes.max())) < sizes[:, None]
    records = np.zeros(real.shape, dtype=np.int64)
    records[real] = np.concatenate(parts)
    return Batch(records=records, real=real.astype(np.float32))
