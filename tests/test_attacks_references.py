"""What the likelihood ratios, RMIA and the percentiles do at the edges, and how well they do on their own models."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import norm

from engine.assessment.roc import auc, sweep
from engine.attacks import ATTACKS
from engine.attacks.conjugate import lira_conjugate
from engine.attacks.leave_pair_out import cohort_scores, halved_scores
from engine.attacks.likelihood_ratio import lira, lira_offline, lira_offline_density
from engine.attacks.relative import rmia, rmia_offline
from engine.signals import Signals
from tests.planted import complementary_masks, planted_cohort, planted_records, planted_signals, signals_from_phi


def _signals(phi: object) -> Signals:
    """Signals from φ alone, all of one class."""
    return signals_from_phi(np.atleast_2d(np.asarray(phi, dtype=np.float64)))


def _split(seed: int) -> tuple[Signals, Signals, np.ndarray]:
    """Two targets, six shadows with masks of their own draw (counts differ between records)."""
    whole, _ = planted_cohort(seed, records=120)
    masks = np.random.default_rng(seed).random((6, 120)) < 0.5
    return whole.of_models(slice(0, 2)), whole.of_models(slice(2, 8)), masks


def _mean_auc(name: str, seed: int, *, pairs: int) -> float:
    """Of a planted cohort of 1,000 records."""
    random = np.random.default_rng(seed)
    records = planted_records(random, 1000, shift=1.5)
    masks = complementary_masks(random, pairs, 1000)
    whole = planted_signals(random, records, masks)
    return float(auc(sweep(cohort_scores(ATTACKS[name], whole, masks), masks)).mean())


@pytest.mark.parametrize("name", ["lira", "lira_per_record", "lira_conjugate", "lira_augmented"])
def test_a_record_without_shadows_on_one_side_scores_nothing(name: str) -> None:
    target, shadows, masks = _split(13)
    masks[:, 5], masks[:, 6] = True, False
    scores = ATTACKS[name](target, shadows, masks)
    assert scores[:, 5:7].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert (scores[:, :5] != 0).all()


@pytest.mark.parametrize("name", ["lira_offline", "lira_offline_density", "rmia_offline", "attack_r"])
def test_offline_attacks_say_nothing_of_a_record_that_all_shadows_trained_on(name: str) -> None:
    target, shadows, masks = _split(13)
    masks[:, 5] = True
    scores = ATTACKS[name](target, shadows, masks)
    assert scores[:, 5].tolist() == [0.0, 0.0]
    assert (scores[:, :5] != 0).any()


@pytest.mark.parametrize("name", ["lira_offline", "lira_offline_density", "rmia_offline", "attack_r"])
def test_offline_attacks_read_no_shadow_with_the_record(name: str) -> None:
    target, shadows, masks = _split(16)
    masks[:2] = False  # the first two shadows, of which one is the centre, stay
    changed = signals_from_phi(np.where(masks, shadows.phi + 3.0, shadows.phi), shadows.labels)
    changed = dataclasses.replace(changed, public=shadows.public)
    before, after = (ATTACKS[name](target, each, masks) for each in (shadows, changed))
    assert after == pytest.approx(before, abs=1e-9)


def test_lira_borrows_the_variance_of_the_side_that_has_two_shadows() -> None:
    shadows = _signals([[3.0], [1.0], [-1.0]])
    masks = np.array([[True], [False], [False]])
    score = lira(_signals([[2.0]]), shadows, masks)
    expected = norm.logpdf(2, 3, np.sqrt(2 * 2)) - norm.logpdf(2, 0, np.sqrt(2 * 1.5))
    assert score.item() == pytest.approx(expected, rel=1e-12)


def test_lira_with_one_shadow_a_side_takes_the_spread_of_both() -> None:
    shadows, masks = _signals([[3.0], [1.0]]), np.array([[True], [False]])
    score = lira(_signals([[2.5]]), shadows, masks)
    spread = np.sqrt(2.0 * 2)  # the variance of 3 and 1 is 2, and the predictive factor is 2
    assert score.item() == pytest.approx(norm.logpdf(2.5, 3, spread) - norm.logpdf(2.5, 1, spread), rel=1e-12)


def test_lira_separates_as_well_as_its_own_model_allows() -> None:
    # 100 pairs: means and variances are all but known, so AUC tends to Φ(shift / √2).
    random = np.random.default_rng(14)
    masks = complementary_masks(random, 100, 200)
    phi = random.normal(0, 3, 200) + 1.0 * masks + random.normal(size=masks.shape)
    scores = cohort_scores(lira, _signals(phi), masks)
    assert auc(sweep(scores, masks)).mean() == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.01)


def test_variances_by_record_are_better_only_when_there_are_many_shadows() -> None:
    # Planted noise is equal for all records, so a variance for each can only lose, and less with more shadows.
    lost = [_mean_auc("lira", 3, pairs=pairs) - _mean_auc("lira_per_record", 3, pairs=pairs) for pairs in (3, 24)]
    assert lost[0] > 0.03
    assert 0 < lost[1] < 0.01


def test_the_prior_saves_what_variances_by_record_lose_with_few_shadows() -> None:
    assert _mean_auc("lira_conjugate", 4, pairs=3) > _mean_auc("lira_per_record", 4, pairs=3) + 0.03
    assert _mean_auc("lira_conjugate", 4, pairs=3) > _mean_auc("lira", 4, pairs=3) - 0.005


def test_the_prior_finds_out_that_some_records_spread_more() -> None:
    # Half of the records have four times the deviation: pooling is wrong for all of them.
    random = np.random.default_rng(17)
    masks = complementary_masks(random, 8, 2000)
    deviation = np.where(np.arange(2000) % 2, 0.5, 2.0)
    phi = random.normal(0, 3, 2000) + 1.5 * masks + deviation * random.normal(size=masks.shape)
    found = [
        auc(sweep(cohort_scores(attack, _signals(phi), masks), masks)).mean() for attack in (lira, lira_conjugate)
    ]
    assert found[1] > found[0] + 0.01


def test_one_sided_offline_lira_rises_with_confidence_and_two_sided_with_distance() -> None:
    shadows, masks = _signals([[1.0], [0.0], [-1.0]]), np.zeros((3, 1), dtype=bool)
    target = _signals([[-4.0], [-1.0], [0.0], [1.0], [4.0]])
    assert (np.diff(lira_offline(target, shadows, masks)[:, 0]) > 0).all()
    both = lira_offline_density(target, shadows, masks)[:, 0]
    assert both == pytest.approx(both[::-1])
    assert both[0] > both[1] > both[2]


def test_offline_lira_is_standard_normal_on_non_members_of_its_own_model() -> None:
    random = np.random.default_rng(18)
    ease = random.normal(0, 3, 20_000)
    phi = ease + random.normal(size=(9, 20_000))
    z = lira_offline(_signals(phi[:1]), _signals(phi[1:]), np.zeros((8, 20_000), dtype=bool))
    assert z.mean() == pytest.approx(0, abs=0.03)
    assert z.std() == pytest.approx(1, abs=0.02)


def test_a_record_with_shadows_on_one_side_only_is_compared_with_their_mean_in_rmia() -> None:
    target, shadows, masks = _split(19)
    masks[:, 5] = True
    confidence = 1 / (1 + np.exp(-shadows.phi[:, 5]))
    assert target.public is not None
    assert shadows.public is not None
    ratio = 1 / (1 + np.exp(-target.phi[:, 5])) / confidence.mean()
    of_z = 1 / (1 + np.exp(-target.public.phi)) / (1 / (1 + np.exp(-shadows.public.phi))).mean(axis=0)
    expected = (of_z <= ratio[:, None]).mean(axis=1) - 0.5
    assert rmia(target, shadows, masks)[:, 5] == pytest.approx(expected)


def test_the_neural_attack_finds_nothing_where_nothing_leaks() -> None:
    """Each half of the pairs attacks the other, as costly attacks are run; 12 cohorts, seeds fixed beforehand."""
    means = np.empty(12)
    for seed in range(12):
        whole, masks = planted_cohort(7_000 + seed, pairs=2, shift=0.0)
        means[seed] = auc(sweep(halved_scores(ATTACKS["neural"], whole, masks), masks)).mean()
    assert abs(means.mean() - 0.5) <= 3 * means.std(ddof=1) / np.sqrt(12)


def test_a_larger_gamma_lets_fewer_public_records_pass() -> None:
    target, shadows, masks = _split(20)
    one, two = (rmia(target, shadows, masks, gamma=gamma) for gamma in (1.0, 2.0))
    assert (two <= one).all()
    assert (two < one).any()


def test_with_a_of_one_offline_rmia_expects_what_models_without_the_record_give() -> None:
    target, shadows, masks = _split(21)
    alone = np.zeros_like(masks)
    assert rmia_offline(target, shadows, alone, a=1.0) == pytest.approx(rmia(target, shadows, alone))
