"""LiRA for thousands of masks of the same cohort, as far as the order of a target's records goes.

Whatever the masks, one model of every complementary pair trained on a record and one did not. With a pair left out
both sides of all records have P − 1 shadows, so the log densities lose all terms that records share, and the sums
over shadows are those over the whole cohort without the pair's, instead of new ones for each pair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from engine.attacks.likelihood_ratio import SMALLEST_VARIANCE
from engine.signals import Signals

FEWEST_PAIRS = 3  # with two, a side has one shadow and borrows its variance

Fit = Callable[[NDArray[np.bool_]], Iterator[NDArray[np.float64]]]
"""From masks (draws, M, N) to scores (draws, 2, N) of each pair in turn, its own two models left out."""


def ranked_pairs(target: Signals, shadows: Signals) -> Fit:
    """``lira`` of each pair, all others as shadows: scores in the same order within each target.

    The score is (φ − μ_out)² / s²_out − (φ − μ_in)² / s²_in, with the means and the variances of ``lira``.

    Args:
        target: signals of the M models, P = M/2 at least ``FEWEST_PAIRS``.
        shadows: of M models trained on the same masks; may be the target's.
    """
    centre = shadows.phi[0]  # as of ``split``
    phi, asked = shadows.phi - centre, target.phi - centre
    others = len(phi) // 2 - 1
    rises, least = phi[::2] - phi[1::2], phi[1::2].sum(axis=0)
    squared = phi**2
    rises_squared, least_squared = squared[::2] - squared[1::2], squared[1::2].sum(axis=1)
    freedom = (others - 1) * phi.shape[1]

    def variance(squares: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """(draws, 1, 1) from the sum of all φ² and the mean φ of each record."""
        residual = squares - others * np.einsum("dn,dn->d", mean, mean)
        return np.maximum(residual / freedom, SMALLEST_VARIANCE)[:, None, None]

    def fit(masks: NDArray[np.bool_]) -> Iterator[NDArray[np.float64]]:
        first = masks[:, ::2].astype(np.float64)  # 1 where the first of the pair trained on the record
        inside = least + np.einsum("dpn,pn->dn", first, rises)
        of_pairs = least_squared + np.einsum("dpn,pn->dp", first, rises_squared)  # Σ φ² of the model with the record
        for pair in range(others + 1):
            own, rows = phi[2 * pair : 2 * pair + 2], slice(2 * pair, 2 * pair + 2)
            with_it = own[1] + first[:, pair] * rises[pair]
            mean_in = (inside - with_it) / others
            mean_out = (phi.sum(axis=0) - own.sum(axis=0)) / others - mean_in
            squares_in = of_pairs.sum(axis=1) - of_pairs[:, pair]
            squares_out = squared.sum() - squared[rows].sum() - squares_in
            near, far = asked[rows] - mean_in[:, None], asked[rows] - mean_out[:, None]
            yield far**2 / variance(squares_out, mean_out) - near**2 / variance(squares_in, mean_in)

    return fit
