"""Where nothing leaks, nothing must be found: the null of every attack, and the randomization test."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import kstest

from engine.assessment.null import no_leakage_test, redrawn
from engine.assessment.roc import auc, sweep
from engine.attacks import ATTACKS
from engine.attacks.catalogue import CATALOGUE
from engine.attacks.leave_pair_out import cohort_scores
from engine.attacks.likelihood_ratio import lira
from engine.signals import Signals
from tests.planted import planted_cohort, signals_from_phi

every_attack = pytest.mark.parametrize("attack", ATTACKS)
SEED = 7_000  # of the first cohort; fixed before the first run


def _p_value(attack: str, signals: Signals, masks: np.ndarray, seed: int = 0) -> float:
    alone = CATALOGUE[attack].ranks_without_shadows
    test = no_leakage_test(ATTACKS[attack], signals, masks, ranks_without_shadows=alone, seed=seed)
    assert test.draws == 999
    return test.p_value


@every_attack
@pytest.mark.parametrize("pairs", [2, 4, 8])
def test_auc_is_centred_on_one_half_where_nothing_leaks(attack: str, pairs: int) -> None:
    """20 cohorts × 50 re-drawn masks; the 50 of a cohort share signals, so the error comes from cohorts."""
    means = np.empty(20)
    for cohort in range(20):
        signals, masks = planted_cohort(SEED + cohort, pairs=pairs, records=200, shift=0.0)
        drawn = redrawn((50, *masks.shape), np.random.default_rng(cohort))
        means[cohort] = auc(sweep(cohort_scores(ATTACKS[attack], signals, drawn), drawn)).mean()
    assert abs(means.mean() - 0.5) <= 3 * means.std(ddof=1) / math.sqrt(20)
    assert means.std(ddof=1) < 0.01


@every_attack
def test_p_values_are_uniform_where_nothing_leaks(attack: str) -> None:
    p_values = [
        _p_value(attack, *planted_cohort(SEED + cohort, pairs=3, records=60, shift=0.0, classes=2), seed=cohort)
        for cohort in range(100)
    ]
    assert kstest(p_values, "uniform").pvalue > 0.01


@every_attack
def test_p_value_is_the_smallest_there_is_where_much_leaks(attack: str) -> None:
    assert _p_value(attack, *planted_cohort(0, shift=3.0)) == pytest.approx(1 / 1000)


@every_attack
def test_p_value_is_one_when_all_masks_do_equally_well(attack: str) -> None:
    _, masks = planted_cohort(0, records=50)
    same = signals_from_phi(np.ones((8, 50)), np.arange(50) % 3)
    assert _p_value(attack, same, masks) == 1.0


def test_p_value_counts_masks_that_do_at_least_as_well_as_the_actual() -> None:
    signals, masks = planted_cohort(3, pairs=3, records=40, shift=0.2)
    test = no_leakage_test(lira, signals, masks, ranks_without_shadows=False, seed=11)
    again = no_leakage_test(lira, signals, masks, ranks_without_shadows=False, seed=11)
    other = no_leakage_test(lira, signals, masks, ranks_without_shadows=False, seed=12)
    assert test == again
    assert 0.001 < test.p_value < 1
    assert 0 < abs(test.p_value - other.p_value) < 0.1


def test_the_short_cut_for_attacks_that_rank_alone_changes_no_p_value() -> None:
    signals, masks = planted_cohort(4, pairs=3, records=40, shift=0.2)
    short, long = (
        no_leakage_test(ATTACKS["loss"], signals, masks, ranks_without_shadows=alone, seed=1)
        for alone in (True, False)
    )
    assert short == long


def test_redrawn_masks_come_in_complementary_pairs_of_fair_coins() -> None:
    masks = redrawn((200, 4, 100), np.random.default_rng(0))
    assert np.array_equal(masks[:, 1::2], ~masks[:, ::2])
    assert masks[:, ::2].mean() == pytest.approx(0.5, abs=3 * 0.5 / math.sqrt(40_000))


def test_leaving_out_only_the_target_would_make_no_leakage_look_like_less_than_none() -> None:
    """The complement, left among the shadows, reveals the target's mask.

    At 8 models AUC is then .45 instead of .5 (.477 without the predictive factor 1 + 1/n, .41 at 4 models).
    """
    alone, by_pair = [], []
    for cohort in range(10):
        signals, masks = planted_cohort(SEED + cohort, pairs=4, records=500, shift=0.0)
        by_pair.append(auc(sweep(cohort_scores(lira, signals, masks), masks)).mean())
        for target in range(8):
            others = np.delete(np.arange(8), target)
            own = signals.of_models(slice(target, target + 1))
            scores = lira(own, signals.of_models(others), masks[others])
            alone.append(float(auc(sweep(scores[0], masks[target]))))
    assert np.mean(alone) == pytest.approx(0.45, abs=0.01)
    assert np.mean(by_pair) == pytest.approx(0.5, abs=0.01)
