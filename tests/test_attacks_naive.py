"""Every attack equals a naive second implementation that loops over models and records."""

from __future__ import annotations

import numpy as np
import pytest

from engine.attacks import ATTACKS
from tests.attack_cells import cell
from tests.naive_attacks import NAIVE
from tests.planted import planted_cohort


@cell("naive twin", NAIVE)
@pytest.mark.parametrize("seed", [11, 12])
def test_the_attack_equals_loops_over_records(name: str, seed: int) -> None:
    records = 400 if name == "neural" else 80  # more answers than the network is shown
    whole, _ = planted_cohort(seed, records=records, classes=3)
    masks = np.random.default_rng(seed).random((6, records)) < 0.5
    masks[0], masks[1] = True, False  # every record has a shadow on each side, most of them several
    target, shadows = whole.of_models(slice(0, 2)), whole.of_models(slice(2, 8))
    expected = NAIVE[name](target, shadows, masks)
    assert ATTACKS[name](target, shadows, masks) == pytest.approx(expected, rel=1e-9, abs=1e-9)
