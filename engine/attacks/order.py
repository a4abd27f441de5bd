"""An order of rows that looks random and depends on nothing but their values.

A sample that is drawn by it needs no seed, and is the same sample after the records are permuted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mixed_order(rows: NDArray[np.float64], members: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(V,) indices that sort a hash of each row (V, F) and its membership (V,).

    The second, third, … of equal rows have hashes of their own. Equal rows are interchangeable, so whatever order
    the rows are given in, the same rows come out in the same order.
    The hash is the finalizer of SplitMix64 (Steele, Lea & Flood 2014), chained over columns.
    """
    bits = np.ascontiguousarray(rows.T + 0.0).view(np.uint64)  # −0.0 becomes 0.0: equal values have equal bits
    state = members.astype(np.uint64)
    for column in bits:
        state = _mixed(state ^ column)
    return np.argsort(_mixed(state ^ _occurrence(state)), kind="stable")


def _occurrence(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """How many equal entries stand before each entry."""
    order = np.argsort(state, kind="stable")
    rising = state[order]
    position = np.arange(len(state), dtype=np.uint64)
    new = np.concatenate([[True], rising[1:] != rising[:-1]])
    occurrence = np.empty_like(position)
    occurrence[order] = position - np.maximum.accumulate(np.where(new, position, np.uint64(0)))
    return occurrence


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One round, modulo 2⁶⁴."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
