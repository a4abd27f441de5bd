"""Who is in and who is out: the membership masks of a wave.

Masks are common random numbers: they depend on (population, seed, wave, pair) and on nothing else of a recipe,
so that two recipes are compared pair by pair on the same masks. They are drawn for the whole contested pool and
cut to N, so the masks of a smaller N are the beginning of those of a larger one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.recipe import PAIRS_PER_WAVE, PopulationChoice
from engine.seeds import generator


def masks(population: PopulationChoice, seed: int, wave: int) -> NDArray[np.bool_]:
    """Membership masks of a wave, shape (2 × pairs, N).

    Row 2p is an i.i.d. Bernoulli(½) draw of the contested records, row 2p + 1 its complement.
    """
    rows = []
    for pair in range(PAIRS_PER_WAVE):
        rng = generator(seed, "masks", population.name, population.seed, wave, pair)
        member = rng.random(population.info.contested_limit)[: population.contested] < 0.5
        rows += [member, ~member]
    return np.stack(rows)
