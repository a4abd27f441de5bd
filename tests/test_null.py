"""Where nothing leaks, nothing must be found: the null of every attack, and the randomization test."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.metrics import roc_auc_score

from engine.assessment.leakage import Setup, setup_of
from engine.assessment.null import no_leakage_test, redrawn
from engine.assessment.roc import auc, sweep
from engine.attacks import ATTACKS
from engine.attacks.leave_pair_out import cohort_scores
from engine.attacks.likelihood_ratio import lira
from engine.attacks.paired import ranked_pairs
from engine.seeds import generator
from engine.signals import Signals
from tests.planted import planted_cohort, signals_from_phi
from tests.simulated import KINDS, SIMULATED, WITH_COSTLY, repetitions

every_attack = pytest.mark.parametrize("attack", ATTACKS)
simulated = pytest.mark.parametrize("attack", SIMULATED)
SEED = 7_000  # of the first cohort; fixed before the first run


def _p_value(attack: str, signals: Signals, masks: np.ndarray, seed: int = 0) -> float:
    test = no_leakage_test(setup_of(attack), signals, masks, seed=seed)
    assert test.draws == 999
    return test.p_value


@simulated
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


@simulated
def test_p_values_are_uniform_where_nothing_leaks(attack: str) -> None:
    """Scores with many ties, as of correctness, make them larger; none may make them smaller."""
    count = repetitions(100)
    p_values = [
        _p_value(attack, *planted_cohort(SEED + cohort, pairs=3, records=60, shift=0.0, classes=2), seed=cohort)
        for cohort in range(count)
    ]
    small = float(np.mean(np.array(p_values) <= 0.05))
    print(f"{attack}: p ≤ .05 in {small:.4f}")
    assert small <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / count)
    assert kstest(p_values, "uniform", alternative="two-sided" if attack in KINDS else "greater").pvalue > 0.01


@pytest.mark.parametrize("attack", WITH_COSTLY)
def test_p_value_is_the_smallest_there_is_where_much_leaks(attack: str) -> None:
    smallest = (2 if setup_of(attack).costly else 1) / 1000
    assert _p_value(attack, *planted_cohort(0, shift=3.0)) == pytest.approx(smallest)


@every_attack
def test_p_value_is_one_when_all_masks_do_equally_well(attack: str) -> None:
    _, masks = planted_cohort(0, records=50)
    same = signals_from_phi(np.ones((8, 50)), np.arange(50) % 3)
    assert _p_value(attack, same, masks) == 1.0


def test_p_value_counts_masks_that_do_at_least_as_well_as_the_actual() -> None:
    signals, masks = planted_cohort(3, pairs=3, records=40, shift=0.2)
    test = no_leakage_test(Setup(attack=lira), signals, masks, seed=11)
    again = no_leakage_test(Setup(attack=lira), signals, masks, seed=11)
    other = no_leakage_test(Setup(attack=lira), signals, masks, seed=12)
    assert test == again
    assert 0.001 < test.p_value < 1
    assert 0 < abs(test.p_value - other.p_value) < 0.1


def test_the_short_cut_for_attacks_that_rank_alone_changes_no_p_value() -> None:
    signals, masks = planted_cohort(4, pairs=3, records=40, shift=0.2)
    short, long = (
        no_leakage_test(Setup(attack=ATTACKS["loss"], ranks_without_shadows=alone), signals, masks, seed=1)
        for alone in (True, False)
    )
    assert short == long


@pytest.mark.parametrize("costly", [True, False], ids=["costly", "many pairs"])
def test_two_halves_give_uniform_or_larger_p_values_where_nothing_leaks(costly: bool) -> None:
    setup = Setup(attack=lira, costly=costly)
    p_values = []
    for cohort in range(100):
        signals, masks = planted_cohort(SEED + cohort, pairs=4 if costly else 9, records=40, shift=0.0)
        found = no_leakage_test(setup, signals, masks, seed=cohort)
        assert found.halves
        p_values.append(found.p_value)
    assert np.mean(np.array(p_values) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 100)
    assert kstest(p_values, "uniform", alternative="greater").pvalue > 0.01


@pytest.mark.parametrize("of_others", [False, True], ids=["own shadows", "shadows of another cohort"])
def test_the_short_cut_for_lira_orders_records_as_lira_does(of_others: bool) -> None:
    signals, masks = planted_cohort(8, pairs=4, records=300)
    others = planted_cohort(9, pairs=4, records=300)[0] if of_others else signals
    drawn = np.concatenate([masks[None], redrawn((20, *masks.shape), np.random.default_rng(0))])
    whole = cohort_scores(lira, signals, drawn, others)
    for pair, scores in enumerate(ranked_pairs(signals, others)(drawn)):
        assert np.array_equal(np.argsort(scores), np.argsort(whole[:, 2 * pair : 2 * pair + 2]))


def test_the_short_cut_for_lira_changes_no_p_value() -> None:
    def same_attack(target: Signals, shadows: Signals, given: np.ndarray) -> np.ndarray:  # not known to the short cut
        return lira(target, shadows, given)

    for cohort in range(10):
        signals, masks = planted_cohort(SEED + cohort, pairs=3 + cohort % 3, records=60, shift=0.1)
        short, long = (
            no_leakage_test(Setup(attack=each), signals, masks, seed=cohort) for each in (lira, same_attack)
        )
        assert short == long
        assert 0.001 < short.p_value < 1


def test_two_halves_find_much_leakage() -> None:
    signals, masks = planted_cohort(0, shift=3.0)
    assert no_leakage_test(Setup(attack=lira, costly=True), signals, masks, seed=0).p_value == pytest.approx(2 / 1000)


def test_two_halves_by_hand() -> None:
    """The p-value of each half, its scores from the other half, straight from the definition."""
    signals, masks = planted_cohort(5, pairs=4, records=40, shift=0.3)
    found = no_leakage_test(Setup(attack=lira, costly=True), signals, masks, seed=3)
    p_values = []
    for half, (rows, others) in enumerate(((slice(0, 4), slice(4, 8)), (slice(4, 8), slice(0, 4)))):
        scores = lira(signals.of_models(rows), signals.of_models(others), masks[others])
        random = generator(3, "no leakage", half)
        drawn = np.concatenate([redrawn((count, 4, 40), random) for count in (250, 250, 250, 249)])
        statistics = [np.mean([roc_auc_score(*row) for row in zip(each, scores, strict=True)]) for each in drawn]
        actual = np.mean([roc_auc_score(*row) for row in zip(masks[rows], scores, strict=True)])
        p_values.append((1 + np.sum(np.array(statistics) >= actual - 1e-12)) / 1000)
    assert found.p_value == pytest.approx(2 * min(p_values))


def test_shadows_of_another_cohort_are_tested_too() -> None:
    signals, masks = planted_cohort(6, shift=3.0)
    others, _ = planted_cohort(7, shift=3.0)  # other records: they say nothing of these
    setup = Setup(attack=lira)
    assert no_leakage_test(setup, signals, masks, seed=0, shadows=signals) == no_leakage_test(
        setup, signals, masks, seed=0
    )
    assert no_leakage_test(setup, signals, masks, seed=0, shadows=others).p_value > 0.001


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
