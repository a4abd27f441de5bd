"""A record as a small picture, whatever it is: pixels, a curve, bits, or measurements as bars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.populations.catalogue import PopulationInfo

INK = 255
_HEIGHT = 56
_SPREAD = 4.0  # standard deviations from the middle to either edge


def drawn(info: PopulationInfo, flat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture (rows, columns), 255 where the ink is.

    Args:
        info: the record's population.
        flat: (features,) its flat view.
    """
    if info.picture is not None:
        return np.round(flat.reshape(info.picture) * INK).astype(np.uint8)
    if info.sequence is not None:
        return _curve(flat)
    return _bars(flat) if info.standardized else _bits(flat)


def how(info: PopulationInfo) -> str:
    """How to read the pictures of a population, one sentence; empty where they are its records as they are."""
    if info.picture is not None:
        return ""
    if info.sequence is not None:
        return "Each curve is drawn from its own lowest to its own highest point."
    if info.standardized:
        return (
            f"Each bar is one of the {info.features} measurements, from {_SPREAD:g} standard deviations below the "
            f"average of public records to {_SPREAD:g} above."
        )
    return f"Each square is one of the {info.features} bits, dark where it is 1."


def _curve(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A line of two dots' thickness through the values, three columns from one to the next."""
    fine = np.interp(np.linspace(0, values.size - 1, 3 * values.size), np.arange(values.size), values)
    span = max(float(np.ptp(fine)), 1e-9)
    rows = np.round((fine.max() - fine) / span * (_HEIGHT - 3)).astype(int)
    picture = np.zeros((_HEIGHT, fine.size), dtype=np.uint8)
    before = rows[0]
    for column, row in enumerate(rows):
        picture[min(before, row) : max(before, row) + 2, column] = INK
        before = row
    return picture


def _bars(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Bars from the middle, one column of ink and one of paper for each value."""
    middle = _HEIGHT // 2
    reach = np.round(np.clip(values / _SPREAD, -1, 1) * (middle - 1)).astype(int)
    picture = np.zeros((_HEIGHT, 2 * values.size), dtype=np.uint8)
    picture[middle] = INK // 3
    for place, length in enumerate(reach):
        picture[min(middle - length, middle) : max(middle - length, middle) + 1, 2 * place] = INK
    return picture


def _bits(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Bits row by row in a square that just holds them."""
    side = int(np.ceil(np.sqrt(values.size)))
    picture = np.zeros(side * side, dtype=np.uint8)
    picture[: values.size] = np.round(values * INK).astype(np.uint8)
    return picture.reshape(side, side)
