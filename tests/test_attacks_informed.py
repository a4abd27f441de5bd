"""Thresholds from the target itself: what the attacker knows, where it is judged, and what the oracle bounds."""

from __future__ import annotations

import numpy as np
import pytest

from engine.assessment.roc import balanced_accuracy
from engine.attacks import ATTACKS, THRESHOLDED
from engine.attacks.catalogue import CATALOGUE
from engine.attacks.informed import Judged, KnownMembers, Oracle
from engine.attacks.leave_pair_out import cohort_scores
from engine.attacks.thresholds import right_or_wrong
from tests.naive_attacks import best_threshold
from tests.planted import planted_cohort, signals_from_phi

every_threshold = pytest.mark.parametrize("name", THRESHOLDED)


def _accuracy(judged: Judged, masks: np.ndarray) -> np.ndarray:
    """(T,) balanced accuracy on the judged records."""
    rows = zip(judged.scores, judged.judged, masks, strict=True)
    return np.array([balanced_accuracy(scores[where], members[where]) for scores, where, members in rows])


def test_the_catalogue_knows_which_attacks_choose_a_threshold() -> None:
    chosen = {name for name, attack in THRESHOLDED.items() if attack.rule is not right_or_wrong}
    assert {name for name, info in CATALOGUE.items() if info.threshold} == chosen


def test_threshold_attacks_are_among_the_attacks() -> None:
    assert all(ATTACKS[name] is attack for name, attack in THRESHOLDED.items())


@every_threshold
def test_planted_members_score_higher_for_both_attackers(name: str) -> None:
    whole, masks = planted_cohort(1, shift=4.0, ease=-1.0)
    for attacker in (KnownMembers(attack=THRESHOLDED[name], seed=0), Oracle(attack=THRESHOLDED[name])):
        judged = attacker(whole, masks)
        assert np.isfinite(judged.scores).all()
        assert _accuracy(judged, masks).mean() > 0.55


@every_threshold
def test_half_of_the_members_are_known_and_as_many_others_and_the_rest_is_judged(name: str) -> None:
    whole, masks = planted_cohort(2)
    judged = KnownMembers(attack=THRESHOLDED[name], seed=3)(whole, masks)
    known = ~judged.judged
    assert not judged.upper_bound
    assert np.array_equal((known & masks).sum(axis=1), masks.sum(axis=1) // 2)
    expected = np.minimum(masks.sum(axis=1) // 2, (~masks).sum(axis=1))
    assert np.array_equal((known & ~masks).sum(axis=1), expected)


@every_threshold
def test_what_is_judged_plays_no_part_in_the_threshold(name: str) -> None:
    whole, masks = planted_cohort(4)
    attacker = KnownMembers(attack=THRESHOLDED[name], seed=5)
    before = attacker(whole, masks)
    phi = np.where(before.judged, np.random.default_rng(0).normal(0, 20, masks.shape), whole.phi)
    after = attacker(signals_from_phi(phi, whole.labels), masks)
    assert np.array_equal(before.judged, after.judged)
    assert np.array_equal(before.scores[~before.judged], after.scores[~before.judged])


def test_the_threshold_of_known_members_by_hand() -> None:
    whole, masks = planted_cohort(6, records=60, classes=3)
    judged = KnownMembers(attack=THRESHOLDED["loss"], seed=7)(whole, masks)
    for scores, phi, members, where in zip(judged.scores, whole.phi, masks, judged.judged, strict=True):
        assert np.array_equal(scores, phi - best_threshold(phi[~where], members[~where]))


def test_average_loss_with_known_members_is_the_papers_own() -> None:
    whole, masks = planted_cohort(8)
    judged = KnownMembers(attack=THRESHOLDED["average_loss"], seed=9)(whole, masks)
    for row, loss in enumerate(whole.loss):
        mean = loss[~judged.judged[row] & masks[row]].mean()
        assert np.array_equal(judged.scores[row] >= 0, loss <= mean)


@pytest.mark.parametrize("name", ["loss", "modified_entropy", "distance_l2", "robustness_to_noise"])
def test_the_oracle_is_an_upper_bound_on_what_shadows_find(name: str) -> None:
    whole, masks = planted_cohort(10)
    oracle = Oracle(attack=THRESHOLDED[name])(whole, masks)
    assert oracle.upper_bound
    assert oracle.judged.all()
    from_shadows = balanced_accuracy(cohort_scores(ATTACKS[name], whole, masks), masks)
    assert (balanced_accuracy(oracle.scores, masks) >= from_shadows).all()


def test_by_class_the_oracle_is_an_upper_bound_within_each_class() -> None:
    whole, masks = planted_cohort(10, classes=2)
    oracle = Oracle(attack=THRESHOLDED["loss_by_class"])(whole, masks).scores
    from_shadows = cohort_scores(ATTACKS["loss_by_class"], whole, masks)
    assert (_by_class(oracle, masks, whole.labels) >= _by_class(from_shadows, masks, whole.labels)).all()


def _by_class(scores: np.ndarray, masks: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(T, C) balanced accuracy within each class."""
    found = [balanced_accuracy(scores[:, labels == y], masks[:, labels == y]) for y in np.unique(labels)]
    return np.stack(found, axis=1)


def test_the_oracle_finds_something_even_where_nothing_leaks_and_known_members_do_not() -> None:
    # 40 cohorts of noise: the oracle's best of many thresholds is above one half, an honest attacker's is not.
    oracle, honest = [], []
    for seed in range(40):
        whole, masks = planted_cohort(100 + seed, pairs=1, records=100, shift=0.0)
        oracle.append(_accuracy(Oracle(attack=THRESHOLDED["loss"])(whole, masks), masks).mean())
        honest.append(_accuracy(KnownMembers(attack=THRESHOLDED["loss"], seed=seed)(whole, masks), masks).mean())
    assert np.mean(oracle) > 0.53
    assert np.mean(honest) == pytest.approx(0.5, abs=3 * np.std(honest, ddof=1) / np.sqrt(40))
