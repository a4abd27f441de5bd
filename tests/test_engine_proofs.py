from __future__ import annotations

import numpy as np
import pytest

from engine.assessment import assess
from engine.proofs import MOST_PAIRS, with_proofs
from engine.recipe import DpSgd, PopulationChoice, Recipe, Sgd
from engine.release.values import Release
from tests.planted import planted_cohort

PLAIN = Recipe(population=PopulationChoice(name="digits", contested=200), batch=32, epochs=4)
PRIVATE = Recipe(
    population=PLAIN.population, batch=32, epochs=4, optimizer=Sgd(), privacy=DpSgd(clip=1.0, noise_multiplier=4.0)
)


def proved(recipe: Recipe, *, shift: float, pairs: int = 4, release: Release | None = None):
    signals, masks = planted_cohort(7, pairs=pairs, records=200, shift=shift)
    plain = assess((signals,), masks, "lira", classes=10, claim=None, seed=0)
    return with_proofs(plain, recipe, release or Release(), signals, masks)


def test_without_dp_there_are_lower_bounds_and_no_ceiling():
    found = proved(PLAIN, shift=4.0)
    assert [bound.name for bound in found.audits] == ["one-run", "Clopper–Pearson", "Gaussian DP"]
    assert max(bound.epsilon for bound in found.audits) > 0
    assert (found.ceilings, found.crossing) == ((), None)


def test_an_attack_that_does_better_than_is_proved_is_told():
    found = proved(PRIVATE, shift=6.0)
    (ceiling,) = found.ceilings
    assert ceiling.proved
    assert found.crossing is not None
    assert found.crossing.crossed
    assert found.headline.auc.low > ceiling.auc


def test_data_without_a_leak_cross_nothing():
    found = proved(PRIVATE, shift=0.0)
    assert found.crossing is not None
    assert not found.crossing.crossed
    assert [bound.epsilon for bound in found.audits] == pytest.approx([0, 0, 0], abs=0.5)


def test_an_earlier_epoch_has_a_lower_ceiling():
    late, early = (proved(PRIVATE, shift=0.0, release=Release(epoch=epoch)).ceilings[0] for epoch in (None, 1))
    assert early.auc < late.auc
    assert (np.interp(late.fpr, early.fpr, early.tpr) <= late.tpr + 1e-9).all()


def test_large_cohorts_are_audited_by_halves():
    found = proved(PLAIN, shift=4.0, pairs=MOST_PAIRS + 1)
    assert found.audits[0].targets == 2 * MOST_PAIRS + 2
    assert max(bound.epsilon for bound in found.audits) > 0
