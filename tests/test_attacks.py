"""The suite that every attack passes, and each formula by hand and by a naive second implementation."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import norm

from engine.assessment.roc import auc, sweep
from engine.attacks import ATTACKS
from engine.attacks.attack import Attack
from engine.attacks.catalogue import CATALOGUE
from engine.attacks.leave_pair_out import cohort_scores, scores_without
from engine.attacks.likelihood_ratio import lira
from engine.attacks.thresholds import confidence_by_class, loss
from engine.signals import Signals
from engine.signals import signals as signals_of
from tests.planted import complementary_masks, planted_cohort, signals_from_phi

every_attack = pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)


def _signals(phi: object, labels: object = None) -> Signals:
    """Signals from φ alone, all of one class unless said otherwise."""
    values = np.atleast_2d(np.asarray(phi, dtype=np.float64))
    own = np.zeros(values.shape[1], dtype=np.int64) if labels is None else np.asarray(labels)
    return signals_from_phi(values, own)


def _split(seed: int, *, classes: int = 10) -> tuple[Signals, Signals, np.ndarray]:
    """Two targets, six shadows with masks of their own draw (counts differ between records)."""
    whole, _ = planted_cohort(seed, records=120, classes=classes)
    masks = np.random.default_rng(seed).random((6, 120)) < 0.5
    return whole.of_models(slice(0, 2)), whole.of_models(slice(2, 8)), masks


# ---- every attack ------------------------------------------------------------------------------------------


def test_the_catalogue_describes_exactly_the_attacks_there_are() -> None:
    assert set(CATALOGUE) == set(ATTACKS)


@every_attack
@pytest.mark.parametrize("classes", [1, 2, 100])
def test_planted_members_score_higher(attack: Attack, classes: int) -> None:
    whole, masks = planted_cohort(1, shift=3.0, classes=classes)
    scores = cohort_scores(attack, whole, masks)
    assert np.isfinite(scores).all()
    assert auc(sweep(scores, masks)).min() > 0.6
    assert (scores >= 0)[masks].mean() > (scores >= 0)[~masks].mean() + 0.1


@every_attack
def test_permuting_records_permutes_scores_and_nothing_else(attack: Attack) -> None:
    target, shadows, masks = _split(2)
    order = np.random.default_rng(0).permutation(120)
    moved = [signals_from_phi(each.phi[:, order], each.labels[order]) for each in (target, shadows)]
    expected = attack(target, shadows, masks)[:, order]
    assert attack(moved[0], moved[1], masks[:, order]) == pytest.approx(expected, rel=1e-10, abs=1e-10)


@every_attack
def test_inputs_are_left_as_they_are_and_the_result_is_fresh(attack: Attack) -> None:
    target, shadows, masks = _split(3)
    before = target.phi.copy(), shadows.phi.copy(), masks.copy()
    scores = attack(target, shadows, masks)
    assert not np.shares_memory(scores, target.phi)
    assert np.array_equal(target.phi, before[0])
    assert np.array_equal(shadows.phi, before[1])
    assert np.array_equal(masks, before[2])


@every_attack
def test_models_that_all_answer_alike_give_auc_one_half(attack: Attack) -> None:
    masks = complementary_masks(np.random.default_rng(0), 4, 60)
    same = _signals(np.full((8, 60), 0.1), np.arange(60) % 3)
    assert auc(sweep(cohort_scores(attack, same, masks), masks)).tolist() == [0.5] * 8


@every_attack
def test_scores_stay_finite_where_confidence_saturates(attack: Attack) -> None:
    random = np.random.default_rng(0)
    logits = random.choice(np.array([-3e38, -1e30, 0.0, 1e30, 3e38]), size=(8, 50, 4))
    masks = complementary_masks(random, 4, 50)
    assert np.isfinite(cohort_scores(attack, signals_of(logits, random.integers(0, 4, 50)), masks)).all()


@every_attack
@pytest.mark.parametrize("share", [0.0, 0.02, 1.0])
def test_scores_stay_finite_when_shadows_hold_few_or_no_members(attack: Attack, share: float) -> None:
    target, shadows, _ = _split(4)
    masks = np.random.default_rng(0).random((6, 120)) < share
    assert np.isfinite(attack(target, shadows, masks)).all()


@every_attack
def test_a_batch_of_masks_gives_what_each_mask_gives_alone(attack: Attack) -> None:
    target, shadows, _ = _split(5, classes=60)
    masks = np.random.default_rng(0).random((3, 2, 6, 120)) < 0.3
    batched = attack(target, shadows, masks)
    assert batched.shape == (3, 2, 2, 120)
    for i, j in np.ndindex(3, 2):
        assert np.array_equal(batched[i, j], attack(target, shadows, masks[i, j]))


@every_attack
def test_each_target_is_attacked_by_itself(attack: Attack) -> None:
    target, shadows, masks = _split(6)
    both = attack(target, shadows, masks)
    assert np.array_equal(both[1:], attack(target.of_models(slice(1, 2)), shadows, masks))


@pytest.mark.parametrize("name", ATTACKS)
def test_the_catalogue_knows_whose_ranks_need_no_shadows(name: str) -> None:
    target, shadows, masks = _split(7)
    other = dataclasses.replace(shadows, phi=shadows.phi[:, ::-1])
    one, another = (ATTACKS[name](target, each, masks).argsort(axis=1) for each in (shadows, other))
    assert np.array_equal(one, another) == CATALOGUE[name].ranks_without_shadows


# ---- leave the pair out ------------------------------------------------------------------------------------


@every_attack
def test_drawing_a_pairs_masks_anew_changes_no_bit_of_its_scores(attack: Attack) -> None:
    whole, masks = planted_cohort(8)
    drawn = masks.copy()
    drawn[2:4] = complementary_masks(np.random.default_rng(99), 1, masks.shape[1])
    assert np.array_equal(cohort_scores(attack, whole, masks)[2:4], cohort_scores(attack, whole, drawn)[2:4])


@every_attack
def test_replacing_the_complements_signals_changes_no_bit_of_a_targets_scores(attack: Attack) -> None:
    whole, masks = planted_cohort(9)
    phi = whole.phi.copy()
    phi[3] = np.random.default_rng(99).normal(0, 50, phi.shape[1])
    replaced = dataclasses.replace(whole, phi=phi)
    assert np.array_equal(cohort_scores(attack, whole, masks)[2], cohort_scores(attack, replaced, masks)[2])


@every_attack
def test_every_pair_is_attacked_with_all_the_others(attack: Attack) -> None:
    whole, masks = planted_cohort(10)
    rest = [0, 1, 2, 3, 6, 7]
    by_hand = attack(whole.of_models(slice(4, 6)), whole.of_models(np.array(rest)), masks[rest])
    assert np.array_equal(cohort_scores(attack, whole, masks)[4:6], by_hand)


@every_attack
def test_two_pairs_left_out_score_as_in_the_cohort_without_the_other(attack: Attack) -> None:
    whole, masks = planted_cohort(11)
    both = scores_without((1, 3), attack, whole, masks)
    without_third = cohort_scores(attack, whole.of_models(slice(0, 6)), masks[:6])
    assert np.array_equal(both[:2], without_third[2:4])


# ---- LiRA --------------------------------------------------------------------------------------------------


def test_lira_by_hand_in_n21_out_n03() -> None:
    # Two shadows a side, so s² = 2a² and the predictive variance is 3a²: 1 inside (mean 2), 9 outside (mean 0).
    inside, outside = 3**-0.5, 3**0.5
    shadows = _signals([[2 + inside], [2 - inside], [outside], [-outside]])
    masks = np.array([[True], [True], [False], [False]])
    score = lira(_signals([[2.0]]), shadows, masks)
    assert score.item() == pytest.approx(np.log(3) + 0.5 * (2 / 3) ** 2, rel=1e-12)


def _naive_lira(target: Signals, shadows: Signals, masks: np.ndarray) -> np.ndarray:
    """One record after the other, as the formula is written."""
    sides = []
    for side in (masks, ~masks):
        per_record = [shadows.phi[side[:, i], i] for i in range(side.shape[1])]
        squares = sum(((phi - phi.mean()) ** 2).sum() for phi in per_record)
        sides.append((per_record, squares / sum(len(phi) - 1 for phi in per_record)))
    scores = np.empty(target.phi.shape)
    for t, i in np.ndindex(*scores.shape):
        logs = [
            norm.logpdf(target.phi[t, i], records[i].mean(), np.sqrt(variance * (1 + 1 / len(records[i]))))
            for records, variance in sides
        ]
        scores[t, i] = logs[0] - logs[1]
    return scores


def test_lira_equals_a_loop_over_records() -> None:
    target, shadows, masks = _split(12)
    masks[0], masks[1] = True, False  # every record has a shadow on each side, most of them several
    assert lira(target, shadows, masks) == pytest.approx(_naive_lira(target, shadows, masks), rel=1e-9, abs=1e-9)


def test_lira_says_nothing_of_a_record_without_shadows_on_one_side() -> None:
    target, shadows, masks = _split(13)
    masks[:, 5], masks[:, 6] = True, False
    scores = lira(target, shadows, masks)
    assert scores[:, 5:7].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert (scores[:, :5] != 0).all()


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


# ---- thresholds --------------------------------------------------------------------------------------------


def test_loss_threshold_by_hand() -> None:
    # Members 5, 4, 1; non-members 3, 2, 0. From 4 up: TPR 2/3, FPR 0; from 1 up: TPR 1, FPR 2/3; best is τ = 4.
    shadows = _signals([[5.0, 4.0, 1.0, 3.0, 2.0, 0.0]])
    masks = np.array([[True, True, True, False, False, False]])
    target = _signals([[6.0, 4.0, 3.9, 0.0, -2.0, 4.1]])
    assert loss(target, shadows, masks) == pytest.approx(target.phi - 4)


def test_confidence_by_class_by_hand() -> None:
    # Class 0: members 5 and 4 over non-members 1 and 0, τ = 4. Class 1: the same, lower by 10, τ = −6.
    shadows = _signals([[5.0, 1.0, -5.0, -9.0], [0.0, 4.0, -10.0, -6.0]], [0, 0, 1, 1])
    masks = np.array([[True, False, True, False], [False, True, False, True]])
    target = _signals([[4.0, 3.0, -6.0, -7.0]], [0, 0, 1, 1])
    assert confidence_by_class(target, shadows, masks).tolist() == [[0.0, -1.0, 0.0, -1.0]]


def test_a_class_without_shadow_members_takes_the_threshold_of_all_classes() -> None:
    shadows = _signals([[5.0, 1.0, -5.0], [0.0, 4.0, -6.0]], [0, 0, 1])
    masks = np.array([[True, False, False], [False, True, False]])
    target = _signals([[4.0, 3.0, 7.0]], [0, 0, 1])
    assert confidence_by_class(target, shadows, masks).tolist() == [[0.0, -1.0, 3.0]]


def _naive_threshold(values: np.ndarray, members: np.ndarray) -> float:
    """The first best of all observed values in rising order, in the plain words of the definition."""
    best, found = 0.0, -1.0
    for tau in sorted(set(values.tolist())):
        quality = 0.5 * ((values >= tau)[members].mean() + (values < tau)[~members].mean())
        if quality > found + 1e-12:
            best, found = tau, quality
    return best


@pytest.mark.parametrize("seed", range(5))
def test_thresholds_equal_a_scan_of_all_observed_values(seed: int) -> None:
    target, shadows, masks = _split(seed, classes=3)
    coarse = dataclasses.replace(shadows, phi=shadows.phi.round(1))  # many ties
    tau = _naive_threshold(coarse.phi.ravel(), masks.ravel())
    assert np.array_equal(loss(target, coarse, masks), target.phi - tau)
    taus = np.array(
        [
            _naive_threshold(coarse.phi[:, target.labels == y].ravel(), masks[:, target.labels == y].ravel())
            for y in range(3)
        ]
    )
    assert np.array_equal(confidence_by_class(target, coarse, masks), target.phi - taus[target.labels])


def test_the_threshold_on_phi_is_the_threshold_on_loss_and_on_confidence() -> None:
    target, shadows, masks = _split(15)
    accused = loss(target, shadows, masks) >= 0
    tau = (target.phi - loss(target, shadows, masks))[0, 0]
    assert np.array_equal(accused, target.loss <= np.logaddexp(0, -tau) + 1e-12)
    assert np.array_equal(accused, 1 / (1 + np.exp(-target.phi)) >= 1 / (1 + np.exp(-tau)) - 1e-12)
