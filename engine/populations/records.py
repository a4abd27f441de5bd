"""The records themselves: loading, the split into contested and public, and the views of a record."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.populations.catalogue import POPULATIONS, PUBLIC_PARTS, PopulationInfo
from engine.populations.sources import SOURCES
from engine.recipe import PopulationChoice
from engine.seeds import generator


@dataclass(frozen=True, kw_only=True)
class Records:
    """Labelled examples of one population.

    Attributes:
        info: the catalogue entry.
        flat: (n, features) float32, the flat view; pixels and bits in [0, 1].
        labels: (n,) int64 in [0, C).
    """

    info: PopulationInfo
    flat: NDArray[np.float32]
    labels: NDArray[np.int64]

    @property
    def sequence(self) -> NDArray[np.float32]:
        """The sequence view, (n, steps, features of a step): the rows of a picture, or the points of a curve.

        Raises:
            InvalidValueError: when the numbers of a record come in no order.
        """
        return self.flat.reshape(len(self.flat), *self.info.shape_of("sequence"))

    @property
    def pictures(self) -> NDArray[np.float32]:
        """The picture view, (n, rows, columns).

        Raises:
            InvalidValueError: when a record is no picture.
        """
        return self.flat.reshape(len(self.flat), *self.info.shape_of("picture"))

    def picture(self, record: int) -> NDArray[np.uint8]:
        """One record as a grey picture, (rows, columns), 255 where the ink is.

        Raises:
            InvalidValueError: when a record is no picture.
        """
        return np.round(self.flat[record].reshape(self.info.shape_of("picture")) * 255).astype(np.uint8)

    def take(self, index: NDArray[np.intp]) -> Records:
        """The records at the positions of an index."""
        return Records(info=self.info, flat=self.flat[index], labels=self.labels[index])


@dataclass(frozen=True, kw_only=True)
class Split:
    """A population divided by its seed.

    Attributes:
        contested: the N records whose membership is at stake; for growing N the sets are nested.
        public: by name of ``PUBLIC_PARTS``, disjoint records that no model ever trains on.
    """

    contested: Records
    public: dict[str, Records]


def split(population: PopulationChoice) -> Split:
    """Contested and public records of a population.

    The public records are taken first, so they do not depend on N.
    """
    records = _load(population.name)
    info = population.info
    order = generator(population.seed, "split", population.name).permutation(info.records)
    parts = np.array_split(order[: info.public], len(PUBLIC_PARTS))
    contested = records.take(order[info.public : info.public + population.contested])
    public = {name: records.take(part) for name, part in zip(PUBLIC_PARTS, parts, strict=True)}
    if not info.standardized:
        return Split(contested=contested, public=public)
    reference = public["attacker"]
    return Split(
        contested=_standardized(contested, reference),
        public={name: _standardized(part, reference) for name, part in public.items()},
    )


def _standardized(records: Records, reference: Records) -> Records:
    """The records with every feature shifted and scaled by the mean and standard deviation of the reference."""
    seen = reference.flat.astype(np.float64)
    flat = ((records.flat - seen.mean(axis=0)) / seen.std(axis=0)).astype(np.float32)
    return Records(info=records.info, flat=flat, labels=records.labels)


@functools.lru_cache(maxsize=len(SOURCES))
def _load(name: str) -> Records:
    """All records of a bundled population, in the order of their source, read-only."""
    flat, labels = SOURCES[name]()
    flat.setflags(write=False)
    return Records(info=POPULATIONS[name], flat=flat, labels=labels)
